"""Texts of clips that come without one, as whisper-base hears them: so that their voices can be learnt from, not only prompt.

    python -m training.transcripts --recipe training/recipes/voice-resgen.yaml

writes `<runs>/<cache>/transcripts.jsonl`, a line a clip; a run that was cut off goes on where it stopped. A second of sound takes 0.1 s of a core.
`training.alignments` takes up the texts that whisper is sure of. It mishears some 5 % of the words of such clips, which a generator bears; none is evaluated with.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.runner import arguments, load_recipe
from training.speech_data import Speech, build_cache, finished_rows, speech_zips
from training.whisper import Whisper

# Mean log-probability of a clip's words. Of 240 clips 15 are below it, by eye titles and misheard names.
SURE = -0.5


@dataclass(frozen=True)
class Transcript:
    set: str
    path: str
    text: str
    log_probability: float


def read_transcripts(folder: Path) -> list[Transcript]:
    """Of a cache."""
    return [Transcript(**row) for row in finished_rows(folder / "transcripts.jsonl")]


def sure_texts(folder: Path) -> dict[tuple[str, str], str]:
    """By set and path, where whisper was sure."""
    return {(t.set, t.path): t.text for t in read_transcripts(folder) if t.text and t.log_probability >= SURE}


def transcribe(whisper: Whisper, audio_N: np.ndarray) -> tuple[str, float]:
    """float32 `[N]` -> text and mean log-probability, that of its parts by their lengths."""
    parts, _ = whisper.model.transcribe(audio_N, language="en", beam_size=5, condition_on_previous_text=False)
    heard = list(parts)
    seconds = sum(part.end - part.start for part in heard)
    mean = sum(part.avg_logprob * (part.end - part.start) for part in heard) / seconds if seconds else float("-inf")
    return " ".join(part.text.strip() for part in heard), mean


def main() -> None:
    args = arguments(__doc__)
    os.nice(10)
    recipe, runs = load_recipe(args.recipe, args.set), Path(args.runs)
    folder = runs / recipe["cache"]
    clips = build_cache(speech_zips(recipe), folder)
    speech, done = Speech(folder, clips), read_transcripts(folder)
    known = {(t.set, t.path) for t in done}
    path = folder / "transcripts.jsonl"
    path.write_text("".join(json.dumps(vars(t)) + "\n" for t in done))
    missing = [i for i, clip in enumerate(clips) if not clip.text and (clip.set, clip.path) not in known]
    whisper = Whisper(runs / "judges", args.threads) if missing else None
    with path.open("a") as lines:
        for i in tqdm(missing, desc="transcribe", mininterval=5):
            text, mean = transcribe(whisper, speech.read(i))
            lines.write(json.dumps(vars(Transcript(clips[i].set, clips[i].path, text, mean))) + "\n")
            lines.flush()
    print(f"{len(sure_texts(folder))} clips have a text that whisper is sure of.")


if __name__ == "__main__":
    main()
