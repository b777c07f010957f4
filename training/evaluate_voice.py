"""Judges a generator of speech: sentences that it has never read, in voices that it has never heard (issue 6, section 3).

    python -m training.evaluate_voice --recipe training/recipes/voice-resgen.yaml --set evaluation.processes=2

Each sentence of the recipe's `evaluation.sentences` is said in the voice of each prompt, the first seconds of clips of the validation speakers, with the
lengths of the duration model and the weights rounded as a package ships them. Writes `evaluation.json` into the run's folder after every sentence and goes on
where it was stopped; another checkpoint or other settings start anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from training.codec import Codec
from training.durations import DurationModel, load_durations
from training.evaluate_codec import save_report, start_report
from training.export_voice import trained_models
from training.phone_table import BOUNDARY, to_ids
from training.runner import arguments, load_recipe
from training.sampler import Sampling
from training.speech_data import RATE, VALIDATION_SPEAKERS, Speech, load_speech, to_level
from training.speech_judges import Dnsmos, Normaliser, Speaker, Sphinx, word_error_rate
from training.speech_sampler import SpeechStep, sample_speech
from training.speech_tokens import LEVEL_DB, from_durations
from training.text.phones import FrontEnd, Sentence
from training.transcripts import sure_texts
from training.whisper import Whisper

RECOGNISERS = ("whisper", "sphinx")


@dataclass
class VoiceJudges:
    """Anything that answers as the judges of `speech_judges.py` do."""

    whisper: Callable[[np.ndarray], str]
    sphinx: Callable[[np.ndarray], str]
    dnsmos: Callable[[np.ndarray], dict[str, float]]
    speaker: Callable[[np.ndarray], np.ndarray]
    normalise: Callable[[str], str]

    def __call__(self, audio_N: np.ndarray, prompt_N: np.ndarray, text: str) -> dict[str, Any]:
        heard = {"whisper": self.normalise(self.whisper(audio_N)), "sphinx": self.normalise(self.sphinx(audio_N))}
        deleted, inserted = longest_runs(text, heard["whisper"])
        return {
            **heard,
            **{f"wer_{name}": word_error_rate([text], [heard[name]]) for name in RECOGNISERS},
            "dnsmos_ovr": self.dnsmos(audio_N)["ovr"],
            "speaker_cosine": float(self.speaker(audio_N) @ self.speaker(prompt_N)),
            "longest_deleted": deleted,
            "longest_inserted": inserted,
        }


@dataclass
class Prompt:
    """The beginning of a clip of a validation speaker, at the training level."""

    speaker: str
    clip: str
    audio_N: np.ndarray


Pair = tuple[int, str, Prompt]  # seed, text and voice


def longest_runs(text: str, heard: str) -> tuple[int, int]:
    """Most words of `text` in a row that were not heard, and most in a row that were heard and are not in it."""
    import jiwer

    chunks = jiwer.process_words(text, heard).alignments[0]
    deleted = max((c.ref_end_idx - c.ref_start_idx for c in chunks if c.type == "delete"), default=0)
    inserted = max((c.hyp_end_idx - c.hyp_start_idx for c in chunks if c.type == "insert"), default=0)
    return deleted, inserted


def read_sentences(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.strip()]


def known_sentences(sentences: Iterable[str], texts: Iterable[str], normalise: Callable[[str], str]) -> list[str]:
    """Those that stand, as whole words, in one of the texts."""
    everything = "\n".join(f" {normalise(text)} " for text in texts)
    return [s for s in sentences if f" {normalise(s)} " in everything]


def choose_prompts(speech: Speech, each: int, seconds: float) -> list[Prompt]:
    """`each` clips of every validation speaker, spread over those that are long enough. Raises SystemExit where there are too few."""
    length, prompts = round(seconds * RATE), []
    for speaker in sorted(VALIDATION_SPEAKERS):
        long = [i for i, clip in enumerate(speech.clips) if clip.speaker == speaker and clip.samples >= length]
        if len(long) < each:
            raise SystemExit(f"{speaker} has {len(long)} clips of {seconds:g} s and {each} are asked for. Lower evaluation.prompts or evaluation.prompt_s.")
        for i in np.linspace(0, len(long) - 1, each).astype(int):
            clip = speech.clips[long[i]]
            prompts.append(Prompt(speaker, f"{clip.set}/{clip.path}", prompt_audio(speech, long[i], length)))
    return prompts


def prompt_audio(speech: Speech, i: int, samples: int) -> np.ndarray:
    """The beginning of a clip as a voice is heard by the model: float32 `[samples]` at the training level."""
    return to_level(speech.read(i, 0, samples), speech.clips[i].level, LEVEL_DB).astype(np.float32)


class Say:
    """Sentences as samples float32 `[N]`. Pauses that are written in the text are left out."""

    def __init__(self, codec: Codec, step: SpeechStep, durations: DurationModel, sampling: Sampling):
        self.codec, self.step, self.durations, self.sampling = codec, step, durations, sampling
        self.front_end = FrontEnd()

    @torch.inference_mode()
    def __call__(self, text: str, prompt_N: np.ndarray, seed: int) -> np.ndarray:
        c, g = self.codec.config, self.step.generator.config
        # A boundary in front, as the rows of training have, for the silence before the first word.
        phones = to_ids([BOUNDARY, *(p for part in self.front_end(text) if isinstance(part, Sentence) for p in part.phones)])
        prompt_LD = self.codec.encode(torch.from_numpy(prompt_N).unsqueeze(0))[0]
        ms = self.durations(torch.tensor([phones]), torch.zeros(1), torch.ones(1))[0]
        row = from_durations(phones, (ms.double() / 1000).tolist(), prompt_LD, c.rate / c.samples_per_latent, g.frames_per_token)
        tokens = sample_speech(self.step, row, seed, self.sampling)
        return self.codec.decode(tokens.unsqueeze(0).long())[0].clamp(-1, 1).numpy().copy()


def summarise(clips: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Mean and worst of every measure, word error rates over the whole set and of the worst prompt, sentences that were dropped or repeated."""
    rows = list(clips.values())
    by_prompt: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_prompt.setdefault(row["prompt"], []).append(row)
    summary: dict[str, Any] = {"sentences": len(rows)}
    for name in RECOGNISERS:
        rate = lambda some: word_error_rate([r["text"] for r in some], [r[name] for r in some])  # noqa: B023, E731
        summary[f"wer_{name}"] = {"mean": rate(rows), "worst_prompt": max(map(rate, by_prompt.values())), "worst": max(r[f"wer_{name}"] for r in rows)}
    for name in ("speaker_cosine", "dnsmos_ovr"):
        values = [row[name] for row in rows]
        summary[name] = {"mean": float(np.mean(values)), "worst": min(values)}
    # Half of the words in a row, and not a few at least: a name misheard as two words is no repetition.
    lost = {key: [k for k, r in clips.items() if r[f"longest_{key}"] >= max(3, len(r["text"].split()) / 2)] for key in ("deleted", "inserted")}
    return summary | {"dropped": lost["deleted"], "repeated": lost["inserted"]}


def bars(summary: dict[str, Any]) -> dict[str, bool]:
    """Issue 6, section 3."""
    return {
        "wer_whisper <= 0.12": summary["wer_whisper"]["mean"] <= 0.12,
        "wer_sphinx <= 0.40": summary["wer_sphinx"]["mean"] <= 0.40,
        "speaker_cosine >= 0.75": summary["speaker_cosine"]["mean"] >= 0.75,
        "dnsmos_ovr >= 3.0": summary["dnsmos_ovr"]["mean"] >= 3.0,
        "no sentence dropped or repeated": not summary["dropped"] and not summary["repeated"],
    }


def in_turn(say: Callable[..., np.ndarray], judges: VoiceJudges) -> Callable[[list[Pair]], Iterator[dict[str, Any]]]:
    """What is asked for of `evaluate`: one pair after the other."""

    def judged(pair: Pair) -> dict[str, Any]:
        seed, text, prompt = pair
        said = judges.normalise(text)
        return {"speaker": prompt.speaker, "prompt": prompt.clip, "text": said, **judges(say(text, prompt.audio_N, seed), prompt.audio_N, said)}

    return lambda pairs: map(judged, pairs)


# A worker's own, as models and judges can't be sent.
_judged: Callable[[list[Pair]], Iterator[dict[str, Any]]]


def _hold(make: Callable[[], tuple[Callable[..., np.ndarray], VoiceJudges]]) -> None:
    global _judged
    _judged = in_turn(*make())


def _judge(pair: Pair) -> dict[str, Any]:
    return next(_judged([pair]))


@contextmanager
def in_processes(n: int, make: Callable[[], tuple[Callable[..., np.ndarray], VoiceJudges]]) -> Iterator[Callable[[list[Pair]], Iterator[dict[str, Any]]]]:
    """The same, several pairs at a time. `make` is called in each process."""
    with ProcessPoolExecutor(n, get_context("spawn"), _hold, (make,)) as pool:
        yield lambda pairs: pool.map(_judge, pairs)


def evaluate(
    path: Path, identity: dict[str, Any], sentences: list[str], prompts: list[Prompt], judged: Callable[[list[Pair]], Iterable[dict[str, Any]]]
) -> dict[str, Any]:
    """The report, written to `path` after every sentence. Sentence i has seed i with every prompt."""
    report = start_report(path, identity)
    missing = {f"{seed} {prompt.clip}": (seed, text, prompt) for seed, text in enumerate(sentences) for prompt in prompts}
    missing = {key: pair for key, pair in missing.items() if key not in report["clips"]}
    for key, row in tqdm(zip(missing, judged(list(missing.values()))), total=len(missing), desc="judge sentences", mininterval=5):
        report["clips"][key] = row
        report["summary"] = summarise(report["clips"])
        report["bars"] = bars(report["summary"])
        save_report(path, report)
    return report


def speaker_and_judges(recipe: dict[str, Any], runs: Path, threads: int) -> tuple[Say, VoiceJudges]:
    torch.set_num_threads(threads)
    settings = recipe["evaluation"]
    say = Say(*trained_models(recipe, runs), Sampling(**recipe["package"]["presets"][settings["preset"]]))
    dnsmos = Dnsmos(Path(settings["dnsmos"]), threads)
    return say, VoiceJudges(Whisper(runs / "judges", threads), Sphinx(), dnsmos, Speaker(), Normaliser())


def main() -> None:
    args = arguments(__doc__)
    recipe, runs = load_recipe(args.recipe, args.set), Path(args.runs)
    settings = recipe["evaluation"]
    sentences, normalise = read_sentences(Path(settings["sentences"])), Normaliser()
    train, validation = load_speech(recipe, runs)
    texts = [*(clip.text for clip in (*train.clips, *validation.clips) if clip.text), *sure_texts(runs / recipe["cache"]).values()]
    if known := known_sentences(sentences, texts, normalise):
        raise SystemExit(f"In a training text already: {'; '.join(known)}. Write other sentences into {settings['sentences']}.")
    sampling = Sampling(**recipe["package"]["presets"][settings["preset"]])
    identity = {"sampling": vars(sampling), "sentences": sentences}
    identity |= {"prompts": settings["prompts"], "prompt_s": settings["prompt_s"]}
    # Read before the weights: where training goes on meanwhile, those are of this step or a later one, which the next start finds out.
    step_of = lambda name: torch.load(runs / name / "checkpoint.pt", map_location="cpu", weights_only=True, mmap=True)["step"]  # noqa: E731
    identity["step"] = step_of(recipe["name"])
    durations, _ = load_durations(runs, recipe["durations"])
    identity["durations"] = hashlib.sha256(durations.weight.numpy().tobytes()).hexdigest()[:16]
    if recipe.get("decoder"):
        identity |= {"decoder_step": step_of(recipe["decoder"]), "decoder_share": recipe.get("decoder_share", 1.0)}
    prompts = choose_prompts(validation, settings["prompts"], settings["prompt_s"])
    make, processes = partial(speaker_and_judges, recipe, runs, args.threads), settings.get("processes", 1)
    with in_processes(processes, make) if processes > 1 else nullcontext(in_turn(*make())) as judged:
        report = evaluate(runs / recipe["name"] / "evaluation.json", identity, sentences, prompts, judged)
    print(json.dumps({"step": report["step"], **report["summary"], "bars": report["bars"]}, indent=1))


if __name__ == "__main__":
    main()
