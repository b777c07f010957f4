"""Judges a speech codec on the held-out speakers, by depth, beside the clips themselves.

    python -m training.evaluate_codec --recipe training/recipes/voice-codec.yaml --set evaluation.clips=8

Writes `evaluation.json` into the run's folder after every clip and goes on where it was stopped; another checkpoint starts anew. Each clip is
brought to the training level first, and the original is judged at that level too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from training.codec import Codec, load_codec
from training.runner import arguments, load_recipe
from training.speech_data import Speech, load_speech, to_level
from training.speech_judges import Dnsmos, Normaliser, Speaker, Sphinx, pesq_wideband, stoi, word_error_rate
from training.speech_losses import MelDistance
from training.whisper import Whisper

ORIGINAL = "original"
MEASURES = ("mel_db", "pesq", "stoi", "dnsmos_sig", "dnsmos_bak", "dnsmos_ovr", "speaker_cosine")


@dataclass
class Judges:
    whisper: Whisper
    sphinx: Sphinx
    dnsmos: Dnsmos
    speaker: Speaker
    mel: MelDistance
    normalise: Normaliser

    def __call__(self, audio_N: np.ndarray, original_N: np.ndarray) -> dict[str, Any]:
        mos = self.dnsmos(audio_N)
        mel = self.mel(*(torch.from_numpy(a).unsqueeze(0) for a in (audio_N, original_N)))
        return {
            "mel_db": float(mel),
            "pesq": pesq_wideband(original_N, audio_N),
            "stoi": stoi(original_N, audio_N),
            **{f"dnsmos_{key}": value for key, value in mos.items()},
            "speaker_cosine": float(self.speaker(audio_N) @ self.speaker(original_N)),
            "whisper": self.normalise(self.whisper(audio_N)),
            "sphinx": self.normalise(self.sphinx(audio_N)),
        }


def chosen_clips(speech: Speech, limit: int) -> list[int]:
    """Clips with a text, in turn from each speaker, at most `limit`."""
    by_speaker: dict[str, list[int]] = {}
    for i, clip in enumerate(speech.clips):
        if clip.text is not None:
            by_speaker.setdefault(clip.speaker, []).append(i)
    longest = max(map(len, by_speaker.values()), default=0)
    in_turn = [indices[k] for k in range(longest) for indices in by_speaker.values() if k < len(indices)]
    return in_turn[:limit]


def summarise(clips: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """System -> mean of every measure, worst speaker cosine, word error rates over the whole set."""
    summary = {}
    for system in next(iter(clips.values()))["systems"]:
        rows = [clip["systems"][system] for clip in clips.values()]
        texts = [clip["text"] for clip in clips.values()]
        means = {name: float(np.mean([row[name] for row in rows])) for name in MEASURES}
        rates = {f"wer_{name}": word_error_rate(texts, [row[name] for row in rows]) for name in ("whisper", "sphinx")}
        summary[system] = {**means, "speaker_cosine_worst": min(row["speaker_cosine"] for row in rows), **rates}
    return summary


def bars(summary: dict[str, dict[str, float]], depths: list[int]) -> dict[str, bool]:
    """Issue 6, section 1. "Better" is by mel distance, PESQ and STOI."""
    real, full = summary[ORIGINAL], summary[f"depth_{max(depths)}"]
    order = [summary[f"depth_{d}"] for d in sorted(depths) if d in (4, 8, 16)]
    pairs = list(zip(order, order[1:]))
    return {
        "wer_whisper <= real + 0.03": full["wer_whisper"] <= real["wer_whisper"] + 0.03,
        "speaker_cosine >= 0.85": full["speaker_cosine"] >= 0.85,
        "stoi >= 0.90": full["stoi"] >= 0.90,
        "dnsmos_ovr within 0.3": full["dnsmos_ovr"] >= real["dnsmos_ovr"] - 0.3,
        "16 better than 8 better than 4": len(order) == 3
        and all(a["mel_db"] > b["mel_db"] and a["pesq"] < b["pesq"] and a["stoi"] < b["stoi"] for a, b in pairs),
    }


def start_report(path: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """What was measured of the same checkpoint so far, clip by clip."""
    if path.exists():
        found = json.loads(path.read_text())
        if all(found.get(key) == value for key, value in identity.items()):
            return found
    return {**identity, "clips": {}}


def save_report(path: Path, report: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(report, indent=1))
    partial.replace(path)


def main() -> None:
    args = arguments(__doc__)
    recipe, runs = load_recipe(args.recipe, args.set), Path(args.runs)
    torch.set_num_threads(args.threads)
    settings = recipe["evaluation"]
    codec, step = load_codec(runs, recipe["name"])
    depths = [d for d in settings["depths"] if d <= codec.config.D]
    _, validation = load_speech(recipe, runs)
    path = runs / recipe["name"] / "evaluation.json"
    report = start_report(path, {"step": step, "depths": depths, "level_db": recipe["level"]["db"]})
    cache = runs / "judges"
    judges = Judges(
        Whisper(cache, args.threads), Sphinx(), Dnsmos(Path(settings["dnsmos"]), args.threads), Speaker(), MelDistance(), Normaliser()
    )
    for i in tqdm(chosen_clips(validation, settings["clips"]), desc="judge clips"):
        clip = validation.clips[i]
        key = f"{clip.set}/{clip.path}"
        if key in report["clips"]:
            continue
        original = to_level(validation.read(i), clip.level, recipe["level"]["db"]).astype(np.float32)
        with torch.inference_mode():
            x = codec.encode(torch.from_numpy(original).unsqueeze(0))
            decoded = {f"depth_{d}": codec.decode(x, d)[0, : len(original)].clamp(-1, 1).numpy().copy() for d in depths}
        systems = {name: judges(audio, original) for name, audio in {ORIGINAL: original, **decoded}.items()}
        report["clips"][key] = {"speaker": clip.speaker, "text": judges.normalise(clip.text or ""), "systems": systems}
        report["summary"] = summarise(report["clips"])
        report["bars"] = bars(report["summary"], depths)
        save_report(path, report)
    print(json.dumps({"step": step, "clips": len(report["clips"]), **report["summary"], "bars": report["bars"]}, indent=1))


if __name__ == "__main__":
    main()
