"""Codecs of transformers with random weights become packages whose graphs give what transformers gives."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from safetensors.numpy import load_file

from training.export_codec import RANDOM, export_codec

transformers = pytest.importorskip("transformers", reason="training/requirements-codecs.txt is not installed")

D, V = 4, 16


def run(folder: Path, graph: str, **inputs: np.ndarray) -> list[np.ndarray]:
    return ort.InferenceSession(str(folder / f"{graph}.onnx"), providers=["CPUExecutionProvider"]).run(None, inputs)


@pytest.fixture(scope="module", params=RANDOM)
def package(request, tmp_path_factory) -> tuple[torch.nn.Module, Path]:
    model = RANDOM[request.param]()
    root = tmp_path_factory.mktemp(request.param)
    model.save_pretrained(root / "weights")
    export_codec(str(root / "weights"), root / "package", f"tiny-{request.param}", "Tiny", "1.0.0", "CC0-1.0")
    return model, root / "package"


def test_manifest_says_what_is_there(package):
    _, folder = package
    manifest = json.loads((folder / "model.json").read_text())
    assert manifest["kind"] == "speech"
    assert set(manifest["files"]) == {"decode", "encode", "golden", "codebooks", "card"}
    assert (manifest["tokens"]["D"], manifest["tokens"]["V"]) == (D, V)
    for file in manifest["files"].values():
        data = (folder / file["path"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
    e_DVH = load_file(folder / "codebooks.safetensors")["codebooks"]
    assert e_DVH.shape == (D, V, manifest["tokens"]["H"])


@pytest.mark.parametrize("positions", [8, 31])
def test_decodes_any_length_as_transformers_does(package, positions):
    model, folder = package
    hop = json.loads((folder / "model.json").read_text())["sound"]["samplesPerPosition"]
    tokens = np.random.default_rng(0).integers(0, V, (1, positions, D), dtype=np.int32)
    (samples,) = run(folder, "decode", tokens=tokens, depth=np.full((1, positions), D, np.int32))
    assert samples.shape == (1, positions * hop)
    codes = torch.from_numpy(tokens).long().transpose(1, 2)
    with torch.no_grad():
        if isinstance(model, transformers.EncodecModel):
            expected = model.decode(codes.unsqueeze(0), [None]).audio_values.squeeze(1)
        else:
            expected = model.decode(audio_codes=codes).audio_values
    expected = expected.numpy()
    # Weights rounded to float16: a thousandth of the loudest sample, and some more.
    error = np.abs(samples[:, : expected.shape[1]] - expected).max()
    assert error < 5e-3 * max(1.0, np.abs(expected).max())


def test_encodes_as_transformers_does_and_residual_falls(package):
    model, folder = package
    hop = json.loads((folder / "model.json").read_text())["sound"]["samplesPerPosition"]
    samples = (0.3 * np.sin(np.arange(40 * hop) * 0.2)).astype(np.float32)[None]
    tokens, residual = run(folder, "encode", samples=samples)
    assert tokens.shape == residual.shape == (1, 40, D)
    with torch.no_grad():
        audio = torch.from_numpy(samples).unsqueeze(1)
        if isinstance(model, transformers.EncodecModel):
            expected = model.encode(audio, bandwidth=16.0).audio_codes[0]
        else:
            expected = model.encode(audio).audio_codes
    agree = (tokens == expected.transpose(1, 2).numpy()).all(2).mean()
    assert agree > 0.9, f"only {agree:.0%} of the positions have the codes that transformers gives"
    z = sum(load_file(folder / "codebooks.safetensors")["codebooks"][j].astype(np.float32)[tokens[:, :, j]] for j in range(D))
    assert np.isfinite(z).all() and np.isfinite(residual).all()


def test_depth_takes_the_first_codes_only(package):
    _, folder = package
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, V, (2, 9, D), dtype=np.int32)
    tokens[1, :, :2] = tokens[0, :, :2]
    at = lambda depth: run(folder, "decode", tokens=tokens, depth=np.full((2, 9), depth, np.int32))[0]  # noqa: E731
    assert np.array_equal(at(2)[0], at(2)[1])
    assert not np.array_equal(at(D)[0], at(D)[1])


def test_other_models_are_refused(tmp_path):
    transformers.BertConfig().save_pretrained(tmp_path / "bert")
    with pytest.raises(SystemExit, match="no codec that this script knows"):
        export_codec(str(tmp_path / "bert"), tmp_path / "package", "bert", "Bert", "1.0.0", "MIT")
    assert not (tmp_path / "package").exists()
