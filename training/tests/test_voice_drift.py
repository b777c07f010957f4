import numpy as np
import pytest

from training.speech_data import RATE
from training.voice_drift import drift, level, slope, windows


def test_a_line_has_its_slope_and_no_error():
    assert slope([1.0, 1.5, 2.0, 2.5], 0.5) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-12))
    b, error = slope([1.0, 0.0, 1.0, 0.0, 1.0], 1.0)
    assert abs(b) < error


def test_level_is_of_what_is_not_silent():
    tone = 0.1 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32)
    assert level(np.concatenate([tone, np.zeros(RATE, np.float32)])) == pytest.approx(20 * np.log10(0.1) - 3.01, abs=0.01)
    assert level(np.zeros(RATE, np.float32)) == float("-inf")


def test_a_voice_that_turns_away_is_told_from_one_that_stays():
    # A "voice" is the direction of (power of the first half, of the second half) of a window.
    speaker = lambda x: (v := np.array([np.abs(h).mean() for h in np.array_split(x, 2)])) / np.linalg.norm(v)  # noqa: E731
    clip = np.ones(RATE, np.float32)
    stays = np.full(10 * RATE, 0.1, np.float32)
    turns = np.concatenate([np.concatenate([np.full(RATE // 2, 0.1), np.full(RATE // 2, 0.1 * (1 - 0.09 * i))]) for i in range(10)]).astype(np.float32)
    steady, turning = drift(stays, clip, 1.0, speaker), drift(turns, clip, 1.0, speaker)
    assert steady["speaker_cosine"]["slope_a_minute"] == pytest.approx(0.0, abs=1e-6) and steady["windows"] == 10
    cosine = turning["speaker_cosine"]
    assert cosine["slope_a_minute"] < -2 * cosine["standard_error"] and cosine["last_fifth"] < cosine["first_fifth"]


def test_a_short_sound_is_refused_with_what_to_do():
    with pytest.raises(SystemExit, match="The sound has 3 s. Take one of at least 4 s"):
        windows(np.zeros(3 * RATE, np.float32), 1.0)
