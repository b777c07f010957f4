"""Speech clips from zips of Ogg Opus, decoded once to one memory-mapped int16 file.

    python -m training.speech_data --recipe training/recipes/voice-codec.yaml

writes `<runs>/speech/samples.i16` and `clips.jsonl` (about 16 h, 1.8 GB, 4 minutes of one core, of which all have a share). A build that was cut off goes on where it
stopped. Each zip holds `utterances.jsonl` with `path`, `speaker` and `text` of its clips.
"""

from __future__ import annotations

import functools
import io
import json
import os
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Iterator

import numpy as np
import torch
from tqdm import tqdm

from training.runner import arguments, load_recipe

RATE = 16_000
VALIDATION_SPEAKERS = frozenset({"ls-19", "ls-1737"})
PEAK = 0.98


@dataclass(frozen=True)
class Clip:
    """`start` and `samples` locate it in the sample file; `level` is its active level, RMS of full scale 1."""

    path: str
    set: str
    speaker: str
    text: str | None
    start: int
    samples: int
    level: float


def active_level(samples_N: np.ndarray) -> float:
    """RMS over the 20 ms frames within 35 dB of the loudest: pauses do not count. int16 or float in, full scale 1 out."""
    x = samples_N.astype(np.float64) / (32768 if samples_N.dtype == np.int16 else 1)
    frame = RATE // 50
    if len(x) < frame:
        return float(np.sqrt(np.mean(x**2)))
    power = (x[: len(x) // frame * frame].reshape(-1, frame) ** 2).mean(1)
    return float(np.sqrt(power[power >= power.max() * 10**-3.5].mean()))


def _listing(zips: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """(zip, utterance) of every clip, in a fixed order."""
    rows = []
    for name in zips:
        if not zipfile.is_zipfile(name):
            raise SystemExit(f"{name} is no zip of speech. Set `data` in the recipe to the folder and the names of the speech zips.")
        with zipfile.ZipFile(name) as archive:
            rows += [(name, json.loads(line)) for line in archive.read("utterances.jsonl").splitlines()]
    return rows


def read_clips(path: Path) -> list[Clip]:
    return [Clip(**row) for row in finished_rows(path)]


def finished_rows(path: Path) -> list[dict[str, Any]]:
    """The finished lines of a file of JSON lines, if it is there; a line that a crash cut off is left out."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def build_cache(zips: list[str], folder: Path) -> list[Clip]:
    """Decodes what is missing in `folder`. Samples reach the disk before the line that names them."""
    folder.mkdir(parents=True, exist_ok=True)
    index, samples, clips = folder / "clips.jsonl", folder / "samples.i16", read_clips(folder / "clips.jsonl")
    rows = _listing(zips)
    known = [(str(Path(name).stem), row["path"]) for name, row in rows]
    if [(c.set, c.path) for c in clips] != known[: len(clips)]:
        raise SystemExit(f"{folder} was built from other zips. Remove that folder, or name another `cache` in the recipe.")
    if len(clips) == len(rows):
        return clips
    index.write_text("".join(json.dumps(vars(c)) + "\n" for c in clips))
    samples.touch()
    position = clips[-1].start + clips[-1].samples if clips else 0
    with samples.open("r+b") as out, index.open("a") as lines:
        out.truncate(position * 2)
        out.seek(position * 2)
        for clip in _decode_all(rows[len(clips) :], out, position, len(clips)):
            lines.write(json.dumps(vars(clip)) + "\n")
            lines.flush()
            clips.append(clip)
    return clips


def _decode_all(rows: list[tuple[str, dict[str, Any]]], out: BinaryIO, position: int, done: int) -> Iterator[Clip]:
    # Beside a training run the others wait: a decoder of each core is what a bare machine wants.
    with ProcessPoolExecutor(initializer=os.nice, initargs=(10,)) as pool:
        decoded = tqdm(pool.map(_decode, rows, chunksize=16), initial=done, total=done + len(rows), desc="decode speech", mininterval=5)
        for (name, row), (x, level) in zip(rows, decoded):
            out.write(x.tobytes())
            out.flush()
            yield Clip(row["path"], Path(name).stem, row["speaker"], row.get("text"), position, len(x), level)
            position += len(x)


def _decode(row: tuple[str, dict[str, Any]]) -> tuple[np.ndarray, float]:
    import soundfile

    name, path = row[0], row[1]["path"]
    x, rate = soundfile.read(io.BytesIO(_archive(name).read(path)), dtype="int16")
    if rate != RATE or x.ndim != 1:
        raise SystemExit(f"{path} in {name} is not {RATE} Hz mono.")
    return x, active_level(x)


@functools.cache
def _archive(name: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(name)


class Speech:
    """Clips of a cache, by index; opened read-only."""

    def __init__(self, folder: Path, clips: list[Clip]):
        self.clips = clips
        self.samples = np.memmap(folder / "samples.i16", np.int16, "r")

    def read(self, i: int, start: int = 0, length: int | None = None) -> np.ndarray:
        """float32 `[length]` in -1..1, zeros past the clip's end."""
        c = self.clips[i]
        length = c.samples - start if length is None else length
        x = np.zeros(length, np.float32)
        stored = self.samples[c.start + start : c.start + min(start + length, c.samples)]
        x[: len(stored)] = stored.astype(np.float32) / 32768
        return x

    def split(self, folder: Path) -> tuple[Speech, Speech]:
        """Training and validation clips, by whole speaker."""
        held_out = [c.speaker in VALIDATION_SPEAKERS for c in self.clips]
        train, validation = ([c for c, h in zip(self.clips, held_out) if h is side] for side in (False, True))
        return Speech(folder, train), Speech(folder, validation)


def speech_zips(recipe: dict[str, Any]) -> list[str]:
    """Of the sets that the recipe's `data` names."""
    return [str(Path(recipe["data"]["folder"]) / f"{name}.zip") for name in recipe["data"]["sets"]]


def load_speech(recipe: dict[str, Any], runs: Path) -> tuple[Speech, Speech]:
    """Training and validation clips of the recipe's `data`; builds the cache if need be."""
    folder = runs / recipe["cache"]
    return Speech(folder, build_cache(speech_zips(recipe), folder)).split(folder)


def to_level(x_N: np.ndarray, level: float, target_db: float) -> np.ndarray:
    """Scales to an active level of `target_db` dBFS, less where a peak would clip."""
    gain = 10 ** (target_db / 20) / max(level, 1e-5)
    return x_N * min(gain, PEAK / max(float(np.abs(x_N).max()), 1e-5))


class Segments:
    """Random segments: a clip by the weight of its set times its length, a random start, `level_db` +- `gain_db` of loudness."""

    def __init__(self, speech: Speech, set_weights: dict[str, float], samples: int, level_db: float, gain_db: float):
        self.speech, self.samples, self.level_db, self.gain_db = speech, samples, level_db, gain_db
        self.weight = torch.tensor([set_weights[c.set] * c.samples for c in speech.clips], dtype=torch.float64)
        if not self.weight.sum() > 0:
            raise SystemExit("No clip has a positive weight. Check `data.sets` and `clean_set` in the recipe.")

    def draw(self, batch: int, generator: torch.Generator) -> torch.Tensor:
        """float32 `[batch, samples]`."""
        index = torch.multinomial(self.weight, batch, replacement=True, generator=generator)
        uniform = torch.rand(batch, 2, generator=generator, dtype=torch.float64).tolist()
        rows = []
        for i, (where, gain) in zip(index.tolist(), uniform):
            clip = self.speech.clips[i]
            x = self.speech.read(i, int(where * max(0, clip.samples - self.samples + 1)), self.samples)
            rows.append(to_level(x, clip.level, self.level_db + self.gain_db * (2 * gain - 1)))
        return torch.from_numpy(np.stack(rows).astype(np.float32))


if __name__ == "__main__":
    args = arguments(__doc__)
    os.nice(10)
    train, validation = load_speech(load_recipe(args.recipe, args.set), Path(args.runs))
    for name, part in (("training", train), ("validation", validation)):
        print(f"{name}: {len(part.clips)} clips, {sum(c.samples for c in part.clips) / RATE / 3600:.2f} h")
