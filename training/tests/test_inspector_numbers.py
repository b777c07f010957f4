"""The page's numbers, on the tiny package and on tokens whose class is known to be in them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from training.inspector_numbers import class_scores, measure, perplexity, psnr, some_pictures, table

TINY = Path(__file__).parents[2] / "test" / "fixtures" / "models" / "tiny"


def test_takes_pictures_spread_over_each_class(class_folders, tmp_path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for path in class_folders.glob("*/*"):
            archive.write(path, path.relative_to(class_folders))
    pixels, label, classes = some_pictures(tmp_path / "data.zip", per_class=8, size=16)
    assert pixels.shape == (24, 16, 16, 3)
    assert np.bincount(label).tolist() == [8, 8, 8]
    assert classes == ["apple", "banana", "cherry"]
    rows = measure(TINY, pixels, label, threads=1)
    assert [r["depth"] for r in rows] == [1, 2, 3, 4]
    assert rows[-1]["psnr_full"] == float("inf")
    assert all(0 < r["used"] <= 16 and 1 <= r["perplexity"] <= r["used"] + 1e-6 for r in rows)
    assert table(rows).count("\n") == 5


def test_naive_bayes_finds_a_class_that_the_codes_tell_and_none_that_they_do_not():
    rng = np.random.default_rng(0)
    label = np.arange(200) % 4
    told = (label[:, None] * 4 + rng.integers(0, 4, (200, 6))) % 16
    untold = rng.integers(0, 16, (200, 6))
    right = lambda codes: (class_scores(codes[:100], label[:100], codes[100:], 16).argmax(1) == label[100:]).mean()  # noqa: E731
    assert right(told) == 1
    assert right(untold) < 0.5


def test_perplexity_and_psnr():
    assert perplexity(np.arange(8), 16) == pytest.approx(8)
    assert perplexity(np.zeros(8, int), 16) == pytest.approx(1)
    a = np.zeros((1, 2, 2, 3), np.uint8)
    assert psnr(a, a + 255) == pytest.approx(0)
    assert psnr(a, a) == float("inf")
