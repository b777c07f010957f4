"""How long each phone of a clip lasts: read where the data says so, found by pocketsphinx where it does not. Cached beside the decoded clips.

    python -m training.alignments --recipe training/recipes/voice-durations.yaml

writes `<runs>/<cache>/alignments.jsonl`; a run that was cut off goes on where it stopped. Real speech takes 0.12 s of a core a second of audio.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import numpy as np
from tqdm import tqdm

from training.phone_table import BOUNDARY, is_pause
from training.runner import arguments, load_recipe
from training.speech_data import RATE, Clip, Speech, build_cache, finished_rows, speech_zips
from training.text.normalise import TextProblem
from training.text.phones import FrontEnd, Sentence
from training.transcripts import sure_texts

KOKORO_FRAME_MS = 25
SPHINX_FRAME_MS = 10
SILENCE_BEFORE_MS, SILENCE_AFTER_MS = 100, 300


@dataclass(frozen=True)
class Alignment:
    """`ms[i]` is how long `phones[i]` lasts, in whole milliseconds; the first starts at `lead`. Empty where the clip can't be aligned."""

    set: str
    path: str
    speaker: str
    exact: bool
    lead: int
    phones: list[str]
    ms: list[int]

    def ends(self) -> np.ndarray:
        """Where each phone ends, in milliseconds from the start of the clip."""
        return self.lead + np.cumsum(self.ms)


def exact_alignments(archive: Path) -> dict[str, Alignment]:
    """By path, from a zip whose utterances have `phones`, `frames` and `lead`."""
    with zipfile.ZipFile(archive) as z:
        rows = [json.loads(line) for line in z.read("utterances.jsonl").splitlines()]
    return {
        row["path"]: Alignment(
            archive.stem, row["path"], row["speaker"], True, row["lead"] * KOKORO_FRAME_MS, row["phones"], [f * KOKORO_FRAME_MS for f in row["frames"]]
        )
        for row in rows
        if "frames" in row
    }


def words_of(text: str, front_end: FrontEnd) -> list[str]:
    """All phones of a text in one list, sentences joined by a boundary. Raises TextProblem."""
    out: list[str] = []
    for part in front_end(text):
        if isinstance(part, Sentence):
            out += ([BOUNDARY] if out else []) + part.phones
    return out


class Aligner:
    """Forced alignment with pocketsphinx: a pass for the words, one for the phones in them. Each word goes into its dictionary as our front end says it."""

    def __init__(self):
        from pocketsphinx import Decoder

        self.decoder = Decoder(lm=None, loglevel="FATAL")
        self.names: dict[tuple[str, ...], str] = {}

    def __call__(self, audio_N: np.ndarray, phones: list[str]) -> tuple[int, list[int]] | None:
        """float32 `[N]` at 16 kHz -> (lead, ms of each phone), or None where the search fails or loses a phone."""
        words = _split_words(phones)
        # A quarter of the clips start or end so near to a word that the second pass does not reach its last phone; with silence around it does.
        found = self._search(audio_N, words) or self._search(np.pad(audio_N, (RATE * SILENCE_BEFORE_MS // 1000, RATE * SILENCE_AFTER_MS // 1000)), words, SILENCE_BEFORE_MS)
        if found is None:
            return None
        spoken, silence = found
        return silence[0], within(_spread(phones, spoken, silence), len(audio_N) * 1000 // RATE - silence[0])

    def _search(self, audio_N: np.ndarray, words: list[list[str]], before_ms: int = 0) -> tuple[list[list[int]], list[int]] | None:
        """ms of each word's phones, and of the silence before the first, between them and after the last, less the `before_ms` that were added in front."""
        names = [self._name(tuple(p.rstrip("012") for p in word)) for word in words]
        data = (np.clip(audio_N, -1, 1) * 32767).astype(np.int16).tobytes()
        try:
            self.decoder.set_align_text(" ".join(names))
            self._pass(data)
            self.decoder.set_alignment()
            self._pass(data)
            found = self.decoder.get_alignment()
        except RuntimeError:
            return None
        spoken: list[list[int]] = []
        silence = [0]
        # `found` owns its entries: they must not outlive it.
        for entry in found:
            if entry.name in self.names.values():
                spoken.append([p.duration * SPHINX_FRAME_MS for p in entry])
                silence.append(0)
            else:
                silence[-1] += entry.duration * SPHINX_FRAME_MS
        if [len(word) for word in spoken] != [len(word) for word in words]:
            return None
        if silence[0] < before_ms:
            # The first phone was found to start in what was added.
            spoken[0][0] = max(SPHINX_FRAME_MS, spoken[0][0] - (before_ms - silence[0]))
        silence[0] = max(0, silence[0] - before_ms)
        return spoken, silence

    def _name(self, word: tuple[str, ...]) -> str:
        if word not in self.names:
            name = f"w{len(self.names)}"
            self.decoder.add_word(name, " ".join(word), True)
            self.names[word] = name
        return self.names[word]

    def _pass(self, data: bytes) -> None:
        self.decoder.start_utt()
        self.decoder.process_raw(data, full_utt=True)
        self.decoder.end_utt()


def within(ms: list[int], limit: int) -> list[int]:
    """Lengths whose sum is at most `limit`: the last ones are shortened."""
    out: list[int] = []
    for length in ms:
        out.append(min(length, limit - sum(out)))
    return out


def _split_words(phones: list[str]) -> list[list[str]]:
    words: list[list[str]] = [[]]
    for p in phones:
        if not is_pause(p):
            words[-1].append(p)
        elif words[-1]:
            words.append([])
    return [word for word in words if word]


def _spread(phones: list[str], spoken: list[list[int]], silence: list[int]) -> list[int]:
    """Times of the words' phones, and each silence on the first mark or boundary after its word; further ones get none."""
    out: list[int] = []
    waiting = [ms for word in spoken for ms in word]
    pauses = silence[1:]
    for i, p in enumerate(phones):
        if not is_pause(p):
            out.append(waiting.pop(0))
        else:
            out.append(pauses.pop(0) if i > 0 and not is_pause(phones[i - 1]) else 0)
    return out


def read_alignments(path: Path) -> list[Alignment]:
    return [Alignment(**row) for row in finished_rows(path)]


def align_all(speech: Speech, exact: dict[tuple[str, str], Alignment], path: Path, heard: dict[tuple[str, str], str] | None = None) -> list[Alignment]:
    """Alignments of all clips with a text, and after them of those that have one in `heard`, from the cache as far as it goes.

    Raises SystemExit where the cache is of other clips.
    """
    done = read_alignments(path)
    texts = {i: clip.text for i, clip in enumerate(speech.clips) if clip.text}
    texts |= {i: heard[clip.set, clip.path] for i, clip in enumerate(speech.clips) if i not in texts and (clip.set, clip.path) in (heard or {})}
    wanted = list(texts)
    if [(a.set, a.path) for a in done] != [(speech.clips[i].set, speech.clips[i].path) for i in wanted[: len(done)]]:
        raise SystemExit(f"{path} was made from other clips. Move it away, then run this again.")
    path.write_text("".join(json.dumps(vars(a)) + "\n" for a in done))
    with path.open("a") as lines:
        for alignment in _align(speech, {i: texts[i] for i in wanted[len(done) :]}, exact, len(done)):
            lines.write(json.dumps(vars(alignment)) + "\n")
            lines.flush()
            done.append(alignment)
    return done


def _align(speech: Speech, texts: dict[int, str], exact: dict[tuple[str, str], Alignment], before: int) -> Iterator[Alignment]:
    front_end = aligner = None
    for i, text in tqdm(texts.items(), initial=before, total=before + len(texts), desc="align", mininterval=5):
        clip = speech.clips[i]
        known = exact.get((clip.set, clip.path))
        if known is None:
            front_end, aligner = front_end or FrontEnd(), aligner or Aligner()
            known = _real(clip, text, speech.read(i), front_end, aligner)
        yield known


def _real(clip: Clip, text: str, audio_N: np.ndarray, front_end: FrontEnd, aligner: Aligner) -> Alignment:
    try:
        phones = words_of(text, front_end)
    except TextProblem:
        phones = []
    found = aligner(audio_N, phones) if phones else None
    lead, ms = found or (0, [])
    return Alignment(clip.set, clip.path, clip.speaker, False, lead, phones if found else [], ms)


def load_alignments(recipe: dict[str, Any], runs: Path) -> tuple[list[Alignment], list[Clip]]:
    """Alignments and all clips of the recipe's `data`; makes what is missing."""
    folder = runs / recipe["cache"]
    zips = speech_zips(recipe)
    clips = build_cache(zips, folder)
    exact = {(Path(z).stem, path): a for z in zips for path, a in exact_alignments(Path(z)).items()}
    return align_all(Speech(folder, clips), exact, folder / "alignments.jsonl", sure_texts(folder)), clips


if __name__ == "__main__":
    args = arguments(__doc__)
    os.nice(10)
    alignments, _ = load_alignments(load_recipe(args.recipe, args.set), Path(args.runs))
    failed = [a for a in alignments if not a.phones]
    print(f"{len(alignments) - len(failed)} clips aligned, {len(failed)} can't be.")
