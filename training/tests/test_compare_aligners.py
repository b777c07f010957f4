"""The path of the highest score against all paths there are, and clips of known lengths."""

from itertools import product

import numpy as np
import pytest

from training.alignments import Alignment
from training.compare_aligners import FRAME_MS, MonotonicAligner, Said, errors, monotonic_paths
from training.phone_table import BOUNDARY
from training.speech_data import RATE


def best_of_all(score_LT: np.ndarray, may_skip_T: np.ndarray) -> float:
    """By trying every path."""
    L, T = score_LT.shape
    totals = []
    for path in product(range(T), repeat=L):
        missing = set(range(T)) - set(path)
        two_in_a_row = any(t in missing and t + 1 in missing for t in range(T))
        if list(path) == sorted(path) and all(may_skip_T[t] for t in missing) and not two_in_a_row:
            totals.append(sum(score_LT[n, t] for n, t in enumerate(path)))
    return max(totals)


@pytest.mark.parametrize("skip", [[False] * 4, [True, False, True, False], [True, False, False, True], [False, True, False, True]])
def test_no_path_scores_higher(skip: list[bool]):
    rng, may_skip_T = np.random.default_rng(1), np.array(skip)
    # Beside a longer clip of more phones, as in a batch.
    clips = [rng.normal(size=(6, 4)) for _ in range(30)] + [rng.normal(size=(9, 5))]
    paths = monotonic_paths(clips, [may_skip_T] * 30 + [np.zeros(5, bool)])
    for score_LT, path in zip(clips[:30], paths):
        assert list(path) == sorted(path) and all(may_skip_T[t] for t in set(range(4)) - set(path))
        assert score_LT[np.arange(6), path].sum() == pytest.approx(best_of_all(score_LT, may_skip_T))


def test_too_few_frames_have_no_path():
    assert monotonic_paths([np.zeros((2, 3))], [np.zeros(3, bool)]) == [None]


class Tones:
    """Clips in which each phone is a tone of its own; what is no phone is silent."""

    HZ = {"AA1": 400.0, "S": 3000.0, "M": 1200.0, "T": 600.0, "IY1": 2000.0, "N": 900.0}

    def __init__(self, said: list[list[tuple[str, int]]]):
        rng = np.random.default_rng(2)
        self.sounds = [
            np.concatenate([np.sin(2 * np.pi * self.HZ.get(p, 0) * np.arange(ms * RATE // 1000) / RATE) for p, ms in clip]).astype(np.float32)
            + 1e-6 * rng.normal(size=sum(ms for _, ms in clip) * RATE // 1000).astype(np.float32)
            for clip in said
        ]

    def read(self, i: int) -> np.ndarray:
        return self.sounds[i]


def test_lengths_that_nobody_told_are_found():
    rng = np.random.default_rng(3)
    said, clips = [], []
    for i in range(40):
        phones = [list(Tones.HZ)[k % len(Tones.HZ)] for k in np.cumsum(rng.integers(1, len(Tones.HZ), size=8))]
        ms = [10 * int(rng.integers(4, 30)) for _ in range(len(phones) + 2)]
        said.append(list(zip([BOUNDARY, *phones, BOUNDARY], ms)))
        clips.append(Said(Alignment("s", str(i), "a", True, ms[0], phones, ms[1:-1]), i))
    # Without neighbours: pure tones are so alike that an encoder that knows them could explain any path.
    aligner = MonotonicAligner(Tones(said), blocks=0)
    aligner.learn(clips, seconds=6)
    equal = [(sum(ms) // len(ms), [sum(ms) // len(ms)] * (len(ms) - 2)) for ms in ([ms for _, ms in clip] for clip in said)]
    off, off_equal = (np.concatenate([errors(c.alignment, f)[0] for c, f in zip(clips, found)]) for found in (map(aligner, clips), equal))
    assert np.median(off) <= 2 * FRAME_MS < np.median(off_equal) - FRAME_MS
