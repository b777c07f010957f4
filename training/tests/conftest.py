"""A data set, a tokenizer and a generator small enough to train a step in well under a second."""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.generator import Generator, GeneratorConfig
from training.sampler import Step

torch.set_num_threads(1)

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


def run_arguments(runs: Path, **given: object) -> argparse.Namespace:
    """What `training.runner.arguments` returns."""
    defaults = {"runs": str(runs), "threads": 1, "steps": None, "minutes": None, "set": []}
    return argparse.Namespace(**{**defaults, **given})
