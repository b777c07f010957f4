"""A package that speaks has graphs that give, at any length, what PyTorch gives, and its weights come back as runs."""

from __future__ import annotations

import copy
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
import yaml
from safetensors.numpy import load_file

from training import from_package
from training.codec import Codec, load_codec
from training.durations import DurationModel, load_durations
from training.export import round_to_half
from training.export_voice import export_voice, random_models
from training.loss import HeadState
from training.phone_table import PHONES
from training.runner import load_recipe
from training.speech_sampler import NO_BRANCHES, SpeechStep, TextGraph, guidance_branches
from training.speech_tokens import collate, from_durations

RECIPE = Path(__file__).parents[1] / "recipes" / "tiny-voice.yaml"


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> tuple[Codec, SpeechStep, DurationModel, Path]:
    """As if trained: no two of its weights are alike."""
    recipe, folder = load_recipe(RECIPE), tmp_path_factory.mktemp("voice") / "package"
    with torch.no_grad():
        codec, step, durations = random_models(recipe)
        for module in (codec, step.generator):
            for p in module.parameters():
                p.add_(0.02 * torch.randn_like(p))
            round_to_half(module)
        export_voice(recipe, codec, step, durations, folder, None)
    return codec, step, durations, folder


def run(folder: Path, graph: str, **inputs: torch.Tensor) -> list[np.ndarray]:
    return ort.InferenceSession(str(folder / f"{graph}.onnx"), providers=["CPUExecutionProvider"]).run(None, {k: v.numpy() for k, v in inputs.items()})


def test_manifest_says_what_is_there(package):
    codec, step, _, folder = package
    manifest = json.loads((folder / "model.json").read_text())
    assert manifest["kind"] == "speech" and manifest["speech"]["phones"] == PHONES
    assert set(manifest["files"]) == {"decode", "encode", "text", "step", "golden", "codebooks", "card"}
    assert manifest["tokens"]["K"] == step.generator.config.K and len(manifest["sigma"]) == codec.config.D
    assert manifest["sound"]["samplesPerPosition"] == codec.config.samples_per_latent
    for file in manifest["files"].values():
        data = (folder / file["path"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
    golden = load_file(folder / "golden.safetensors")
    assert {name.split(".")[0] for name in golden} == {"decode", "encode", "text", "step", "speech"}


@torch.inference_mode()
@pytest.mark.parametrize("voice_share", [None, 0.25])
def test_text_and_step_give_what_training_gives_for_a_row_with_a_prompt(package, voice_share):
    """The graphs have no masks: the clip goes into `text` alone, where training pools it from the whole row."""
    codec, step, durations, folder = package
    c, g = codec.config, step.generator.config
    draw = torch.Generator().manual_seed(4)
    phones, prompt = torch.randint(1, len(PHONES), (1, 17), generator=draw), torch.randint(c.V, (1, 23, c.D), generator=draw, dtype=torch.int32)
    text, ms, voice = run(folder, "text", phones=phones.int(), speed=torch.tensor([0.8]), prompt=prompt)
    expected = TextGraph(step, durations)(phones, torch.tensor([0.8]), prompt)
    for have, want in zip((text, ms, voice), expected):
        np.testing.assert_allclose(have, want.numpy(), rtol=1e-3, atol=1e-3)

    row = from_durations(phones[0].tolist(), (ms[0].astype(np.float64) / 1000).tolist(), prompt[0], c.rate / c.samples_per_latent, g.frames_per_token)
    no = torch.zeros(1, dtype=torch.bool)
    rows = collate([row], no, no)
    condition, Q = rows.condition, 23
    L = rows.x.shape[1] - Q
    assert L > 0
    np.testing.assert_allclose(voice, step.encode_voice(rows.x.int(), condition.prompt).numpy(), rtol=1e-3, atol=1e-3)

    tokens, k = torch.zeros(1, L, c.D, dtype=torch.int32), torch.full((1, L), c.D, dtype=torch.int32)
    noise = {"uniform": torch.rand(1, L, generator=draw) * 0.999 + 0.0005, "gaussian": torch.randn(1, L, c.H, generator=draw)}
    knobs = {"guidance": torch.tensor([1.5]), "top_p": torch.tensor([0.9]), "noise_scale": torch.tensor([0.7])}
    both = {"tokens": tokens, "k": k, "frames": condition.frames[:, Q:].int(), "prompt": prompt, **knobs, **noise}
    branches = vars(guidance_branches(voice_share))
    proposed, confidence = run(folder, "step", **both, **branches, text=torch.from_numpy(text), voice=torch.from_numpy(voice))
    made = {"text": step.generator.text(condition.phones), "voice": step.encode_voice(prompt)}
    want, _ = step(**both, **branches, **made)
    assert (proposed == want.numpy()).all(2).mean() > 0.95 and (confidence <= 0).all()
    assert not np.array_equal(proposed, run(folder, "step", **both, **branches, text=made["text"], voice=torch.zeros_like(expected[2]))[0])
    other = torch.randint(c.V, (1, 9, c.D), generator=draw, dtype=torch.int32)
    assert not np.array_equal(proposed, run(folder, "step", **(both | {"prompt": other}), **branches, **made)[0])

    # Without guidance, what training computes of the mixed row is what the graph computes of its parts.
    states = step.generator(step.embed(rows.x.int(), condition.prompt.unsqueeze(2).expand(-1, -1, c.D)), torch.where(condition.prompt, 0, c.D), condition)
    behind = HeadState(*(x.unflatten(0, (1, -1))[:, Q:].flatten(0, 1) for x in (states.logits, states.u, states.log_a, states.b)))
    z = step.draw(behind, knobs["top_p"], knobs["noise_scale"], noise["uniform"], noise["gaussian"])
    of_training, _ = step.quantise(z, tokens, torch.zeros(1, L, c.D, dtype=torch.bool))
    alone, _ = run(folder, "step", **both, **vars(NO_BRANCHES), **made)
    assert (alone == of_training.numpy()).all(2).mean() > 0.95


@pytest.fixture
def recipes(tmp_path) -> Path:
    """The generator's recipe of the tiny package, with the codec's beside it."""
    recipe = load_recipe(RECIPE) | {"name": "tiny-resgen", "codec": "tiny-codec", "durations": "tiny-durations", "decoder": "tiny-decoder"}
    codec = {"name": "tiny-codec", "model": recipe["codec_model"], "freeze_at": 7}
    for r in (recipe, codec):
        (tmp_path / f"{r['name']}.yaml").write_text(yaml.safe_dump(r))
    return tmp_path / "tiny-resgen.yaml"


def come_back(monkeypatch, folder: Path, recipe: Path, runs: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["from_package", "--package", str(folder), "--recipe", str(recipe), "--runs", str(runs)])
    from_package.main()


def test_runs_come_back_from_a_package_that_speaks(package, recipes, tmp_path, monkeypatch):
    codec, step, durations, folder = package
    come_back(monkeypatch, folder, recipes, tmp_path / "runs")
    got, at = load_codec(tmp_path / "runs", "tiny-codec")
    assert at == 7 and bool(got.quantiser.initialised) and torch.equal(got.quantiser.e_DVH, codec.quantiser.e_DVH)
    assert load_codec(tmp_path / "runs", "tiny-decoder")[1] == 0
    generator = torch.load(tmp_path / "runs" / "tiny-resgen" / "checkpoint.pt", weights_only=True)
    assert generator["step"] == 0 and set(generator["state"]) == {"generator", "ema"}
    for name, p in codec.named_parameters():
        assert torch.equal(got.get_parameter(name), p), name
    for name, p in step.generator.named_parameters():
        assert torch.equal(generator["state"]["ema"][name], p), name
    assert torch.equal(load_durations(tmp_path / "runs", "tiny-durations")[0].weight, durations.weight)

    # A run that has gone on is left alone.
    path = tmp_path / "runs" / "tiny-codec" / "checkpoint.pt"
    torch.save(torch.load(path, weights_only=True) | {"step": 9}, path)
    come_back(monkeypatch, folder, recipes, tmp_path / "runs")
    assert load_codec(tmp_path / "runs", "tiny-codec")[1] == 9


def test_packages_of_other_sizes_are_refused(package, recipes, tmp_path, monkeypatch):
    folder, codec = package[3], recipes.with_name("tiny-codec.yaml")
    recipe = load_recipe(codec)
    wider = copy.deepcopy(recipe)
    wider["model"]["H"] = 6
    codec.write_text(yaml.safe_dump(wider))
    with pytest.raises(SystemExit, match="does not have the sizes"):
        come_back(monkeypatch, folder, recipes, tmp_path / "runs")
    codec.write_text(yaml.safe_dump(recipe))
    with pytest.raises(SystemExit, match="name the recipe of its generator"):
        come_back(monkeypatch, folder, codec, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
