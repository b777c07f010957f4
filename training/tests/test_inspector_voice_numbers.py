"""The page's numbers of sounds, on the tiny voice and on codes whose phone and speaker are known to be in them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.inspector_voice_numbers import Clips, discriminants, log_likelihoods, log_mel, measure, mel_distance, mel_filters, phones_at, read_off, some_clips, table

TINY = Path(__file__).parents[2] / "test" / "fixtures" / "speech" / "tiny-voice"


def test_takes_clips_spread_over_the_speakers_with_most(tmp_path):
    rate, rows = json.loads((TINY / "model.json").read_text())["sound"]["sampleRate"], []
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for n in range(14):
            speaker = "b" if n % 7 == 6 else "ac"[n % 2]
            file = io.BytesIO()
            soundfile.write(file, (rng.standard_normal(rate) * 0.1).astype(np.float32), rate, format="WAV")
            archive.writestr(f"{n}.wav", file.getvalue())
            rows.append({"path": f"{n}.wav", "speaker": speaker, "lead": 4, "phones": ["B", "AA1", "."], "frames": [8, 16, 8]})
        archive.writestr("utterances.jsonl", "\n".join(map(json.dumps, rows)))
    clips = some_clips(tmp_path / "d.zip", speakers=2, per_speaker=4, rate=rate)
    assert clips.speakers == ["a", "c"] and np.bincount(clips.speaker).tolist() == [4, 4]
    assert clips.phones[0] == ["B", "AA", "pause"] and clips.ends[0].tolist() == pytest.approx([0.3, 0.7, 0.9])
    measured = measure(TINY, clips, threads=1, decoded=2)
    assert [r["depth"] for r in measured] == list(range(1, len(measured) + 1))
    assert measured[-1]["mel_full"] == 0 and all(r["mel"] > 0 and 1 <= r["perplexity"] <= r["used"] + 1e-6 for r in measured)
    assert table(measured).count("\n") == len(measured) + 1 and "the same" in table(measured)
    with pytest.raises(SystemExit, match="Hz"):
        some_clips(tmp_path / "d.zip", speakers=2, per_speaker=4, rate=rate + 1)


def test_positions_are_pauses_outside_of_what_is_said():
    clips = Clips([], [["B", "AA"]], [0.05], [np.array([0.1, 0.2])], np.zeros(1, int), ["a"])
    assert phones_at(clips, 0, 5, 20.0) == ["pause", "B", "AA", "AA", "pause"]


def test_what_codes_tell_is_found():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, 400)
    told = label * 4 + rng.integers(0, 4, 400)
    right = lambda code: (log_likelihoods(code[:200], label[:200], 16, 4).T[code[200:]].argmax(1) == label[200:]).mean()  # noqa: E731
    assert right(told) == 1 and right(rng.integers(0, 16, 400)) < 0.5
    x = rng.standard_normal((400, 8))
    x[:, :4] += 6 * np.eye(4)[label]
    weights = discriminants(x[:200], label[:200], 4)
    assert weights.shape == (9, 4) and (read_off(x[200:], weights) == label[200:]).mean() > 0.97
    assert (read_off(x[200:, 4:], discriminants(x[:200, 4:], label[:200], 4)) == label[200:]).mean() < 0.5


def test_mel_distance_is_in_db():
    filters, x = mel_filters(16_000), np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    assert mel_distance(x, x, filters) == 0
    assert mel_distance(x, x * np.float32(10 ** (-6 / 20)), filters) == pytest.approx(6, abs=0.01)
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    assert filters[np.arange(513) == 64][0].argmax() == log_mel(tone, filters)[20].argmax()
