"""Alignments and the duration regression."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from training.alignments import Aligner, Alignment, _spread, _split_words, align_all, exact_alignments, read_alignments
from training.durations import DurationModel, as_read, columns, evaluate, fit, pace_of
from training.phone_table import INDEX, PHONES, to_ids
from training.speech_data import Clip
from training.transcripts import Transcript, read_transcripts, sure_texts

PHRASE = "DH AH0 _ K AE1 T , _ S AE1 T .".split()


def synthetic(count: int, seed: int = 0) -> list[Alignment]:
    """Vowels last 100 ms, consonants 50, marks 200, boundaries nothing; speaker b is a fifth slower."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(count):
        phones: list[str] = []
        for _ in range(rng.integers(2, 6)):
            phones += [*(["_"] if phones else []), str(rng.choice(["K", "S", "T"])), str(rng.choice(["AE1", "IY0"])), str(rng.choice(["N", "L"]))]
        phones.append(".")
        slow = 1.2 if i % 2 else 1.0
        ms = [round(slow * (200 if p == "." else 0 if p == "_" else 100 if p[-1] in "01" else 50)) for p in phones]
        out.append(Alignment("s", f"{i}", "b" if i % 2 else "a", True, 100, phones, ms))
    return out


def test_phone_table_has_every_phone_once():
    assert len(set(PHONES)) == len(PHONES) == 1 + 1 + 6 + 24 + 45
    assert to_ids(["_", ".", "B", "UW2"]) == [1, 2, 8, len(PHONES) - 1]
    with pytest.raises(KeyError):
        to_ids(["XX"])


def test_regression_finds_lengths_and_paces():
    model, pace = fit(synthetic(60))
    # Less than log 1.2 = 0.18: boundaries without silence are not slower.
    assert 0.09 < pace["b"] - pace["a"] < 0.19
    ids = torch.tensor([to_ids(["K", "AE1", "N", "_", "S", "IY0", "L", "."])])
    ms = model(ids, torch.tensor([pace["a"]]), torch.ones(1))[0].tolist()
    assert ms[1] == pytest.approx(100, rel=0.15) and ms[0] == pytest.approx(50, rel=0.15) and ms[7] == pytest.approx(200, rel=0.2)
    assert ms[3] < 5
    held_out = evaluate(model, synthetic(20, seed=1))
    assert held_out["clip_share"] < 0.1 and held_out["phone_ms"] < 10


def test_texts_are_read_as_the_recorded_speakers_read_them():
    # Marks are silent for 50 or 350 ms: 200 on average, and less in the logarithm.
    clips = [replace(a, ms=[*a.ms[:-1], 50 if i % 4 < 2 else 350]) for i, a in enumerate(synthetic(60))]
    model, pace = fit(clips)
    ids = torch.tensor([to_ids(["K", "AE1", "N", "_", "S", "IY0", "L", "."])])
    before, apart = model(ids, torch.zeros(1), torch.ones(1))[0].tolist(), pace["b"] - pace["a"]
    grown = as_read(model, pace, clips, {"b"})
    after = model(ids, torch.zeros(1), torch.ones(1))[0].tolist()
    assert grown["all"] == pytest.approx(1.1, abs=0.04) and grown["."] > 1.2 and grown[","] == 1
    assert after[1] == pytest.approx(120, rel=0.1) and after[1] > before[1] and after[3] < 8
    assert before[7] < 160 and after[7] == pytest.approx(200, rel=0.15)
    assert pace["b"] - pace["a"] == pytest.approx(apart) and pace["b"] < apart


def test_pace_of_a_prompt_is_the_speakers():
    model, pace = fit(synthetic(60))
    slow = next(a for a in synthetic(4, seed=2) if a.speaker == "b")
    assert pace_of(model, slow) == pytest.approx(pace["b"], abs=0.08)


def test_speed_and_padding():
    model, _ = fit(synthetic(30))
    ids = torch.tensor([[*to_ids(["K", "AE1", "N", "."]), 0, 0], to_ids(["K", "AE1", "N", "_", "S", "."])])
    slow, fast = (model(ids, torch.zeros(2), torch.full((2,), speed)) for speed in (1.0, 2.0))
    assert torch.allclose(slow, 2 * fast)
    assert slow[0, 4:].tolist() == [0, 0]
    alone = model(ids[:1, :4], torch.zeros(1), torch.ones(1))
    assert torch.allclose(alone[0], slow[0, :4])


def test_columns_stay_within_the_weights():
    ids = torch.randint(0, len(PHONES), (3, 40))
    assert int(columns(ids).max()) < len(DurationModel().weight) and int(columns(ids).min()) >= 0


def test_words_and_silences_are_spread_over_the_phones():
    assert _split_words(PHRASE) == [["DH", "AH0"], ["K", "AE1", "T"], ["S", "AE1", "T"]]
    ms = _spread(PHRASE, [[10, 20], [30, 40, 50], [60, 70, 80]], [500, 5, 300, 700])
    assert dict(enumerate(zip(PHRASE, ms)))[2] == ("_", 5)
    assert ms == [10, 20, 5, 30, 40, 50, 300, 0, 60, 70, 80, 700]


class _Decoder:
    """Stands in for pocketsphinx: words of one phone each, heard only with silence around them, the first 40 ms before the clip begins."""

    def __init__(self):
        self.samples: list[int] = []

    def add_word(self, *_: object) -> None: ...
    def set_alignment(self) -> None: ...
    def start_utt(self) -> None: ...

    def set_align_text(self, text: str) -> None:
        self.words = text.split()

    def process_raw(self, data: bytes, full_utt: bool) -> None:
        self.samples.append(len(data) // 2)

    def end_utt(self) -> None:
        if self.samples[-1] == 16_000:
            raise RuntimeError("Failed to stop utterance processing")

    def get_alignment(self) -> list[Any]:
        phone = SimpleNamespace(duration=30)
        return [SimpleNamespace(name="<sil>", duration=6), *(_Word(w, [phone]) for w in self.words), SimpleNamespace(name="<sil>", duration=44)]


class _Word(list):
    def __init__(self, name: str, phones: list[Any]):
        super().__init__(phones)
        self.name = name


def test_a_clip_that_ends_in_a_word_is_aligned_with_silence_around_it():
    aligner = Aligner.__new__(Aligner)
    aligner.decoder, aligner.names = _Decoder(), {}
    lead, ms = aligner(np.zeros(16_000, np.float32), ["AH0", "_", "OW1", "_", "AY1", "."])
    assert aligner.decoder.samples[-1] == 16_000 + 1_600 + 4_800
    # Of the first 300 ms 40 lie before the clip, and of the last silence 140 within it.
    assert (lead, ms) == (0, [260, 0, 300, 0, 300, 140])


def test_exact_alignments_are_read_in_milliseconds(tmp_path: Path):
    row = {"path": "a.opus", "speaker": "ko-1", "text": "a", "lead": 4, "phones": ["AH0", "."], "frames": [2, 6]}
    with zipfile.ZipFile(tmp_path / "k.zip", "w") as z:
        z.writestr("utterances.jsonl", json.dumps(row) + "\n" + json.dumps({"path": "b.opus", "speaker": "x", "text": None}))
    found = exact_alignments(tmp_path / "k.zip")
    assert list(found) == ["a.opus"]
    assert found["a.opus"].lead == 100 and found["a.opus"].ends().tolist() == [150, 300]


class _Clips:
    """A clip list like `Speech`, of clips that need no aligner."""

    def __init__(self, n: int):
        self.clips = [Clip(f"{i}", "s", "a", "hm", 0, 0, 0.1) for i in range(n)]


def test_the_cache_goes_on_where_it_was_cut_off(tmp_path: Path):
    exact = {("s", a.path): a for a in synthetic(5)}
    path = tmp_path / "alignments.jsonl"
    whole = align_all(_Clips(5), exact, path)
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    assert align_all(_Clips(5), exact, path) == whole
    assert path.read_text() == text
    with pytest.raises(SystemExit, match="other clips"):
        path.write_text(text)
        other = _Clips(5)
        other.clips.reverse()
        align_all(other, exact, path)


def test_clips_that_were_heard_follow_those_with_a_text(tmp_path: Path):
    exact = {("s", a.path): a for a in synthetic(4)}
    path, clips = tmp_path / "alignments.jsonl", _Clips(4)
    clips.clips[1] = replace(clips.clips[1], text=None)
    clips.clips[2] = replace(clips.clips[2], text=None)
    assert [a.path for a in align_all(clips, exact, path)] == ["0", "3"]
    # Heard later: what was aligned stays.
    assert [a.path for a in align_all(clips, exact, path, {("s", "1"): "hm", ("other", "2"): "hm"})] == ["0", "3", "1"]
    assert [a.path for a in read_alignments(path)] == ["0", "3", "1"]


def test_texts_that_whisper_is_not_sure_of_are_left_out(tmp_path: Path):
    lines = [Transcript("s", "a", "hear me", -0.2), Transcript("s", "b", "mumble", -0.9), Transcript("s", "c", "", -0.1)]
    path = tmp_path / "transcripts.jsonl"
    path.write_text("".join(json.dumps(vars(t)) + "\n" for t in lines) + '{"set": "s", "pa')
    assert read_transcripts(tmp_path) == lines
    assert sure_texts(tmp_path) == {("s", "a"): "hear me"}
    assert sure_texts(tmp_path / "none") == {}


def test_aligner_finds_the_phones_of_real_speech():
    pytest.importorskip("pocketsphinx")
    archive = Path(__file__).parents[3] / "shared" / "data" / "kokoro-synth-16k.zip"
    soundfile = pytest.importorskip("soundfile")
    if not archive.exists():
        pytest.skip("the speech data is not here")
    import io

    known = next(iter(exact_alignments(archive).values()))
    with zipfile.ZipFile(archive) as z:
        audio, _ = soundfile.read(io.BytesIO(z.read(known.path)), dtype="float32")
    found = Aligner()(audio, known.phones)
    assert found is not None
    lead, ms = found
    ends = lead + np.cumsum(ms)
    spoken = [i for i, p in enumerate(known.phones) if INDEX[p] > 7]
    # Boundaries of exact frames are 25 ms wide.
    assert np.median(np.abs(ends - known.ends())[spoken]) < 35
