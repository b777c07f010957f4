"""The judging of said sentences, with judges that know what they will hear."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from training.evaluate_voice import Prompt, Say, VoiceJudges, bars, choose_prompts, evaluate, in_processes, in_turn, known_sentences, longest_runs, read_sentences, summarise
from training.export_voice import random_models
from training.runner import load_recipe
from training.sampler import Sampling
from training.speech_data import RATE, Clip

pytest.importorskip("jiwer", reason="training/requirements-speech.txt is not installed")

RECIPES = Path(__file__).parents[1] / "recipes"
SENTENCES = ["one two three four five six", "red green blue grey pink white"]
PROMPTS = [Prompt("ls-19", "s/a.opus", np.ones(8, np.float32)), Prompt("ls-1737", "s/b.opus", np.full(8, 2, np.float32))]


def normal(text: str) -> str:
    return " ".join(text.lower().replace(".", "").replace(",", "").split())


def say(text: str, prompt_N: np.ndarray, seed: int) -> np.ndarray:
    """Which sentence in which voice, as samples."""
    return np.array([seed, prompt_N[0]], np.float32)


def judges(heard: dict[tuple[int, int], str] | None = None, cosine: float = 0.9) -> VoiceJudges:
    """Whisper hears what was said but for `heard`, by sentence and voice; sphinx misses the first word."""
    recognise = lambda audio: (heard or {}).get((int(audio[0]), int(audio[1])), SENTENCES[int(audio[0])])  # noqa: E731
    vector = lambda audio: np.array([1.0]) if len(audio) == 8 else np.array([cosine])  # noqa: E731
    return VoiceJudges(recognise, lambda audio: recognise(audio).partition(" ")[2], lambda audio: {"ovr": 3.0 + 0.1 * float(audio[0])}, vector, normal)


def test_bars_hold_for_what_is_heard_as_written(tmp_path):
    report = evaluate(tmp_path / "e.json", {"step": 1}, SENTENCES, PROMPTS, in_turn(say, judges()))
    s = report["summary"]
    assert s["sentences"] == 4 and s["wer_whisper"] == {"mean": 0, "worst_prompt": 0, "worst": 0}
    assert s["wer_sphinx"]["mean"] == pytest.approx(1 / 6) and s["dnsmos_ovr"] == {"mean": pytest.approx(3.05), "worst": 3.0}
    assert s["speaker_cosine"]["mean"] == pytest.approx(0.9) and all(report["bars"].values())
    assert json.loads((tmp_path / "e.json").read_text()) == report


def speaker_and_judges() -> tuple:
    return say, judges()


def test_several_processes_come_to_the_same(tmp_path):
    alone = evaluate(tmp_path / "a.json", {"step": 1}, SENTENCES, PROMPTS, in_turn(say, judges()))
    with in_processes(2, speaker_and_judges) as judged:
        assert evaluate(tmp_path / "b.json", {"step": 1}, SENTENCES, PROMPTS, judged) == alone


def test_dropped_and_repeated_sentences_break_their_bar(tmp_path):
    heard = {(0, 1): "one two", (1, 2): f"{SENTENCES[1]} {SENTENCES[1]}"}
    report = evaluate(tmp_path / "e.json", {"step": 1}, SENTENCES, PROMPTS, in_turn(say, judges(heard, 0.5)))
    s = report["summary"]
    assert s["dropped"] == ["0 s/a.opus"] and s["repeated"] == ["1 s/b.opus"]
    assert s["wer_whisper"] == {"mean": pytest.approx(10 / 24), "worst_prompt": pytest.approx(6 / 12), "worst": 1.0}
    assert [name for name, holds in bars(s).items() if not holds] == [
        "wer_whisper <= 0.12",
        "wer_sphinx <= 0.40",
        "speaker_cosine >= 0.75",
        "no sentence dropped or repeated",
    ]


def test_it_goes_on_where_it_was_and_anew_for_another_checkpoint(tmp_path):
    said: list[int] = []

    def stops(text: str, prompt_N: np.ndarray, seed: int) -> np.ndarray:
        if len(said) == 3:
            raise KeyboardInterrupt
        said.append(seed)
        return say(text, prompt_N, seed)

    path = tmp_path / "e.json"
    with pytest.raises(KeyboardInterrupt):
        evaluate(path, {"step": 1}, SENTENCES, PROMPTS, in_turn(stops, judges()))
    assert len(json.loads(path.read_text())["clips"]) == 3
    said.clear()
    whole = evaluate(path, {"step": 1}, SENTENCES, PROMPTS, in_turn(stops, judges()))
    assert said == [1] and summarise(whole["clips"]) == evaluate(tmp_path / "f.json", {"step": 1}, SENTENCES, PROMPTS, in_turn(say, judges()))["summary"]
    said.clear()
    with pytest.raises(KeyboardInterrupt):
        evaluate(path, {"step": 2}, SENTENCES, PROMPTS, in_turn(stops, judges()))
    assert len(said) == 3


def test_longest_runs_count_words_in_a_row():
    assert longest_runs("a b c d e", "a e") == (3, 0)
    assert longest_runs("a b c", "a b a b c") == (0, 2)
    assert longest_runs("a b c", "a x c") == (0, 0)


def test_sentences_of_a_training_text_are_found_and_ours_are_forty():
    assert known_sentences(["One two.", "ne tw"], ["and ONE, two", "ne twig"], normal) == ["One two."]
    ours = read_sentences(RECIPES / "voice-sentences.txt")
    assert len(set(map(normal, ours))) == 40


class Clips:
    """As `Speech`: a sample says which clip it is of."""

    def __init__(self, clips: list[Clip]):
        self.clips = clips

    def read(self, i: int, start: int, length: int) -> np.ndarray:
        return np.full(length, 0.01 * (i + 1), np.float32)


def test_prompts_are_long_clips_of_each_validation_speaker():
    clips = [Clip(f"{s}-{n}.opus", "s", s, None, 0, n * RATE, 0.1) for s in ("ls-19", "ls-1737", "other") for n in (2, 8, 9, 10)]
    chosen = choose_prompts(Clips(clips), 2, 8.0)
    assert [p.clip for p in chosen] == ["s/ls-1737-8.opus", "s/ls-1737-10.opus", "s/ls-19-8.opus", "s/ls-19-10.opus"]
    assert all(len(p.audio_N) == 8 * RATE for p in chosen)
    with pytest.raises(SystemExit, match="3 clips of 8 s and 4 are asked for"):
        choose_prompts(Clips(clips), 4, 8.0)


def test_a_sentence_is_said_as_long_as_its_phones_and_again_the_same():
    with torch.no_grad():
        models = random_models(load_recipe(RECIPES / "tiny-voice.yaml"))
    speaker = Say(*models, Sampling(steps=2))
    prompt = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    short, long = (speaker(text, prompt, 5) for text in ("Hello.", "Hello, [pause 0.5s] said the baker to the cat."))
    assert np.array_equal(short, speaker("Hello.", prompt, 5)) and not np.array_equal(short, speaker("Hello.", prompt, 6))
    assert 0 < len(short) < len(long) and np.abs(short).max() <= 1
