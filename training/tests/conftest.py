"""A data set, a tokenizer and a generator small enough to train a step in well under a second."""

from __future__ import annotations

import argparse
import copy
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from training import train_decoder, train_resgen, train_tokenizer
from training.generator import Generator, GeneratorConfig
from training.runner import load_recipe
from training.sampler import Step

torch.set_num_threads(1)

RECIPES = Path(__file__).parents[1] / "recipes"

TINY_TOKENIZER = {
    "size": 24,
    "strides": [4, 3],
    "encoder_widths": [16, 16],
    "decoder_widths": [16, 16, 16],
    "D": 3,
    "V": 8,
    "H": 4,
}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    """Three classes of 22 pictures of 24 px; class `c` is bright in channel `c`, on noise."""
    rng, root = np.random.default_rng(0), tmp_path / "pictures"
    for c, name in enumerate(["apple", "banana", "cherry"]):
        (root / name).mkdir(parents=True)
        for i in range(22):
            pixels = rng.integers(0, 60, (24, 24, 3), dtype=np.uint8)
            pixels[..., c] += np.uint8(150 + i)
            Image.fromarray(pixels).save(root / name / f"{i:03d}.png")
    return root


@pytest.fixture
def tiny_tokenizer() -> dict:
    return copy.deepcopy(TINY_TOKENIZER)


@pytest.fixture
def tiny_step() -> Step:
    """A step over an untrained generator: C = 3, L = 4, D = 3, V = 8, H = 4, K = 6, rank 2."""
    generator = Generator(GeneratorConfig(C=3, L=4, D=3, H=4, K=6, rank=2, width=16, blocks=1, heads=2)).eval()
    e_DVH = torch.randn(3, 8, 4) * torch.tensor([1.0, 0.5, 0.25]).view(3, 1, 1)
    return Step(generator, e_DVH, scale=1.0, sigma_D=torch.tensor([0.8, 0.5, 0.3]))


@pytest.fixture
def recipes(class_folders: Path, tmp_path: Path) -> dict[str, Path]:
    """The shipped recipes, made tiny."""
    tokenizer = load_recipe(RECIPES / "fruits-tokenizer.yaml") | {
        "name": "tiny-tokenizer",
        "data": str(class_folders),
        "model": {**TINY_TOKENIZER, "D": 8},
        "batch": 4,
        "steps": 4,
        "freeze_at": 2,
        "validate_every": 2,
    }
    resgen = load_recipe(RECIPES / "fruits-resgen.yaml") | {
        "name": "tiny-resgen",
        "tokenizer": "tiny-tokenizer",
        "data": str(class_folders),
        "model": {"K": 6, "rank": 2, "width": 16, "blocks": 1, "heads": 2, "views": 5, "view_rank": 3},
        "batch": 4,
        "steps": 2,
        "sampling": {"steps": 2},
        "validate_every": 1,
        "sheet_every": 2,
    }
    resgen["package"]["presets"]["balanced"] = {"steps": 2}
    del resgen["decoder"]
    decoder = load_recipe(RECIPES / "fruits-decoder.yaml") | {
        "name": "tiny-decoder",
        "tokenizer": "tiny-tokenizer",
        "generator": "tiny-resgen",
        "data": str(class_folders),
        "batch": {"real": 2, "cut": 1, "redrawn": 2, "samples": 2},
        "sample_steps": 2,
        "max_stride": 16,
        "bank_every": 1,
        "log_every": 1,
        "samples": {"first": 16, "every": 2, "keep": 24},
        "steps": 3,
        "validate_every": 2,
    }
    paths = {}
    for recipe in (tokenizer, resgen, decoder):
        paths[recipe["name"]] = tmp_path / f"{recipe['name']}.yaml"
        paths[recipe["name"]].write_text(yaml.safe_dump(recipe))
    return paths


@pytest.fixture
def stage(monkeypatch, recipes, tmp_path):
    """Runs a stage in this process with its command line; puts the signal handlers back."""
    handlers = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)}

    def run(module, *more: str) -> dict:
        name = {train_tokenizer: "tiny-tokenizer", train_resgen: "tiny-resgen", train_decoder: "tiny-decoder"}[module]
        monkeypatch.setattr(sys, "argv", [name, "--recipe", str(recipes[name]), "--runs", str(tmp_path / "runs"), *more])
        module.main()
        return torch.load(tmp_path / "runs" / name / "checkpoint.pt", weights_only=True)

    yield run
    for s, handler in handlers.items():
        signal.signal(s, handler)


def run_arguments(runs: Path, **given: object) -> argparse.Namespace:
    """What `training.runner.arguments` returns."""
    defaults = {"runs": str(runs), "threads": 1, "steps": None, "minutes": None, "set": []}
    return argparse.Namespace(**{**defaults, **given})
