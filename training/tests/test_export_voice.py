"""A package that speaks: its graphs give what PyTorch gives, and what is encoded once a sentence is what training computes in every row."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from safetensors.numpy import load_file

from training.export_voice import GOLDEN_TEXT, export_voice, random_models
from training.phone_table import PHONES, to_ids
from training.runner import load_recipe
from training.sampler import Sampling
from training.speech_sampler import TextGraph, guidance_branches, sample_speech
from training.speech_tokens import collate, from_durations


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    recipe = load_recipe("training/recipes/tiny-voice.yaml")
    models = random_models(recipe)
    folder = tmp_path_factory.mktemp("voice") / "package"
    export_voice(recipe, *models, folder, None)
    return models, folder


def test_manifest_says_what_is_there(made):
    (codec, step, _), folder = made
    manifest = json.loads((folder / "model.json").read_text())
    assert set(manifest["files"]) == {"text", "step", "decode", "encode", "golden", "codebooks", "card"}
    assert manifest["speech"]["phones"] == PHONES and manifest["speech"]["width"] == step.generator.config.width
    assert manifest["sigma"] == pytest.approx(step.sigma_D.tolist(), abs=1e-6)
    assert manifest["sound"] == {"sampleRate": codec.config.rate, "samplesPerPosition": codec.config.samples_per_latent}


def test_the_recorded_sentence_comes_from_the_graphs_too(made):
    _, folder = made
    golden = load_file(folder / "golden.safetensors")
    text = ort.InferenceSession(str(folder / "text.onnx"), providers=["CPUExecutionProvider"])
    inputs = {"phones": golden["speech.in.phones"], "speed": np.array([1.25], np.float32), "prompt": golden["speech.in.prompt"]}
    _, ms, voice = text.run(None, inputs)
    assert np.allclose(ms, golden["speech.in.ms"], atol=1e-2) and (ms > 0).all()
    assert golden["speech.in.phones"].tolist() == [to_ids(GOLDEN_TEXT)] and voice.shape == (1, 32)
    L = int(ms.sum() / 1000 * 100 + 0.5)
    assert golden["speech.out.tokens"].shape == (1, L, 4)


@torch.inference_mode()
def test_the_voice_is_the_same_alone_and_in_a_row(made):
    (codec, step, durations), _ = made
    prompt = torch.randint(codec.config.V, (12, codec.config.D))
    phones, no = to_ids(["_", "B", "AA1", "."]), torch.zeros(1, dtype=torch.bool)
    rows = collate([from_durations(phones, [0.05, 0.06, 0.1, 0.08], prompt, 100.0, 4)], no, no)
    z = step.embed(rows.x, torch.ones_like(rows.x, dtype=torch.bool)) * rows.condition.prompt.unsqueeze(2)
    in_row = step.generator.voice(z, rows.condition.prompt)
    alone = TextGraph(step, durations)(torch.tensor([phones]), torch.ones(1), prompt.unsqueeze(0))[2]
    assert torch.allclose(in_row, alone, atol=1e-5)


@torch.inference_mode()
def test_all_of_the_guidance_on_the_voice_is_not_that_on_the_text(made):
    (codec, step, _), _ = made
    both = guidance_branches(0.25)
    assert (both.no_text.tolist(), both.no_voice.tolist(), both.text_too.tolist()) == ([0.75], [0.25], [0])
    prompt = torch.randint(codec.config.V, (12, codec.config.D))
    row = from_durations(to_ids(["_", "B", "AA1", "."]), [0.05, 0.06, 0.1, 0.08], prompt, 100.0, 4)
    s = Sampling(steps=4, guidance_from=2.0, guidance_to=2.0)
    a, b, c = (sample_speech(step, row, 1, s.with_(voice_share=share)) for share in (0.0, 1.0, None))
    assert not torch.equal(a, b) and not torch.equal(a, c)


@torch.inference_mode()
def test_what_is_nearly_silent_is_encoded_as_in_training(made):
    """The exporter's optimizer once took the floors of logarithm and root for zeros, and left them out."""
    (codec, _, _), folder = made
    encode = ort.InferenceSession(str(folder / "encode.onnx"), providers=["CPUExecutionProvider"])
    n = 20 * codec.config.samples_per_latent
    tone = torch.sin(torch.arange(n) * 0.3)
    for samples in (torch.zeros(1, n), 1e-5 * tone.unsqueeze(0), 1e-3 * tone.unsqueeze(0)):
        tokens, residual = encode.run(None, {"samples": samples.numpy()})
        assert np.isfinite(residual).all()
        assert (tokens == codec.encode(samples).numpy()).mean() > 0.98


def test_graphs_that_have_not_changed_stay_as_they_were_in_the_package(made, tmp_path):
    (codec, step, durations), folder = made
    out = tmp_path / "package"
    shutil.copytree(folder, out)
    names = ("encode", "decode", "text", "step")
    for name in names:
        model = onnx.load(str(out / f"{name}.onnx"))
        model.producer_version = "another"
        onnx.save(model, str(out / f"{name}.onnx"))
    before = {name: (out / f"{name}.onnx").read_bytes() for name in names}
    louder = copy.deepcopy(codec)
    with torch.no_grad():
        louder.decoder.head.bias[3] += 1.0
    export_voice(load_recipe("training/recipes/tiny-voice.yaml"), louder, step, durations, out, None)
    kept = {name for name in names if (out / f"{name}.onnx").read_bytes() == before[name]}
    assert kept == {"encode", "text", "step"}
    described = json.loads((out / "model.json").read_text())["files"]["text"]
    assert described["sha256"] == hashlib.sha256(before["text"]).hexdigest()
