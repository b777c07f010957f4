"""Aligned clips encoded once to tokens, each as it is, in a shifted voice, and as a recorded prompt; and batches cut from them.

A row of training is a prompt (the clip's own beginning, or part of another clip of the same voice) in front of what is to be made.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.alignments import Alignment
from training.codec import Codec
from training.phone_table import BOUNDARY, INDEX, to_ids
from training.speech_data import Clip, Speech, to_level
from training.speech_generator import SpeechCondition
from training.voice_augment import as_recorded, change_voice, draw_voice, exact_factor, shift_voice

LEVEL_DB = -23.0
DRAWN = " drawn "


@dataclass
class Entry:
    """One encoded clip: `length` tokens from `start` on. `phones` start with a boundary for the lead; `ends` are their ends in seconds.

    `voice` names the speaker and, after a blank, what was done to it: entries of one voice prompt each other. Those without phones are prompts only.
    """

    voice: str
    set: str
    start: int
    length: int
    phones: list[int] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)

    @property
    def speaker(self) -> str:
        return self.voice.split()[0]


@dataclass
class SpeechTokens:
    """`x` int16 `[all tokens, D]`; `scale` brings the sum of all depths to unit variance, `sigma [D]` is what is left after each depth."""

    x: torch.Tensor
    entries: list[Entry]
    tokens_per_second: float
    scale: float
    sigma: torch.Tensor

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save({**vars(self), "entries": [vars(e) for e in self.entries]}, partial)
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> SpeechTokens:
        saved = torch.load(path, weights_only=True)
        return SpeechTokens(**{**saved, "entries": [Entry(**e) for e in saved["entries"]]})

    @property
    def sets(self) -> set[str]:
        return {e.set for e in self.entries}

    @property
    def drawn(self) -> bool:
        """Whether voices that were drawn are among them."""
        return any(DRAWN in e.voice for e in self.entries)

    def with_more(self, other: SpeechTokens) -> SpeechTokens:
        """Both, of one codec. Scale and sigma stay: a generator that was trained with them goes on."""
        moved = [replace(e, start=e.start + len(self.x)) for e in other.entries]
        return SpeechTokens(torch.cat([self.x, other.x]), self.entries + moved, self.tokens_per_second, self.scale, self.sigma)

    def where(self, chosen) -> SpeechTokens:
        """The entries that `chosen` says yes to, over the same tokens."""
        return SpeechTokens(self.x, [e for e in self.entries if chosen(e)], self.tokens_per_second, self.scale, self.sigma)


@dataclass
class Augment:
    """Further voices, by factors of pitch and formants, which share of the clips gets one, and which share is a prompt as people record it too.

    Beside these every aligned clip is encoded once more in a voice that is drawn, a new one for so many clips of a speaker (0: none).
    """

    shifts: list[float]
    shifted: float = 1.0
    recorded: float = 1.0
    clips_per_drawn: int = 0


@dataclass
class Version:
    """A clip as one entry has it: samples `[N]`, and the factor by which it is faster. Without an alignment it is a prompt only."""

    voice: str
    set: str
    audio: np.ndarray
    alignment: Alignment | None
    factor: float

    def entry(self, start: int, length: int) -> Entry:
        if not self.alignment:
            return Entry(self.voice, self.set, start, length)
        ends = [ms / 1000 / self.factor for ms in (self.alignment.lead, *self.alignment.ends().tolist())]
        return Entry(self.voice, self.set, start, length, to_ids([BOUNDARY, *self.alignment.phones]), ends)


@dataclass
class Versions:
    """All that is encoded of a clip: as it is and, by chance, in one of the shifted voices and as a recorded prompt; clips without text as prompts; a drawn voice.

    `drawn` numbers the draws: above 0, clips are encoded in voices of that draw alone. Each clip has its own random numbers, so that any process may take it.
    """

    speech: Speech
    alignments: list[Alignment]
    augment: Augment
    seed: int
    drawn: int = 0
    drawn_only: bool = False

    def __post_init__(self):
        self.spoken = Counter(clip.speaker for clip in self.speech.clips)
        self.aligned = {(a.set, a.path): a for a in self.alignments if a.phones}

    def __call__(self, i: int) -> list[Version]:
        clip, rng = self.speech.clips[i], np.random.default_rng([self.seed, self.drawn, i])
        audio = to_level(self.speech.read(i), clip.level, LEVEL_DB)
        alignment = self.aligned.get((clip.set, clip.path))
        made = [] if self.drawn_only or self.drawn else list(_versions(clip, audio, alignment, self.augment, rng))
        if alignment and self.augment.clips_per_drawn:
            n = int(rng.integers(-(-self.spoken[clip.speaker] // self.augment.clips_per_drawn)))
            voice = draw_voice(np.random.default_rng([self.seed, n, zlib.crc32(clip.speaker.encode()), self.drawn]))
            name = f"{clip.speaker}{DRAWN}{self.drawn}.{n}" if self.drawn else f"{clip.speaker}{DRAWN}{n}"
            made.append(Version(name, clip.set, change_voice(audio, voice), alignment, voice.shift))
        return made


# A worker's, inherited when it is forked: a memory map would be sent as all it maps.
_versions_of: Callable[[int], list[Version]]


def _hold(versions: Versions) -> None:
    global _versions_of
    _versions_of = versions
    torch.set_num_threads(1)


def _make(i: int) -> list[Version]:
    return _versions_of(i)


@torch.inference_mode()
def encode_all(codec: Codec, versions: Versions, processes: int = 0, at_once: int = 1) -> SpeechTokens:
    """Every version of every clip as tokens. `processes` make them while the codec, on its device, encodes `at_once` of like length together."""
    e_DVH = codec.quantiser.e_DVH
    pieces, entries, start = [], [], 0
    residual, variance, count = torch.zeros(len(e_DVH), device=e_DVH.device), torch.zeros((), device=e_DVH.device), 0
    clips = range(len(versions.speech.clips))
    with ProcessPoolExecutor(processes, get_context("fork"), _hold, (versions,)) if processes else nullcontext() as pool:
        made = pool.map(_make, clips, chunksize=8) if pool else map(versions, clips)
        sounds = tqdm((v for some in made for v in some), desc="encode speech", unit=" sounds", mininterval=5)
        for some in _of_like_length(sounds, at_once):
            audio_BN = np.zeros((len(some), len(some[-1].audio)), np.float32)
            for row, v in zip(audio_BN, some):
                row[: len(v.audio)] = v.audio
            z_BLH = codec.latents(torch.from_numpy(audio_BN).to(e_DVH.device))
            codes_BLD = codec.quantiser.encode(z_BLH.flatten(0, 1)).unflatten(0, z_BLH.shape[:2])
            lengths = [-(-len(v.audio) // codec.config.samples_per_latent) for v in some]
            valid_BL1 = (torch.arange(z_BLH.shape[1]) < torch.tensor(lengths).unsqueeze(1)).unsqueeze(2).to(e_DVH.device)
            total = torch.zeros_like(z_BLH)
            for j, e_VH in enumerate(e_DVH):
                total = total + e_VH[codes_BLD[:, :, j]]
                residual[j] += ((z_BLH - total).square() * valid_BL1).sum() / z_BLH.shape[2]
            variance, count = variance + (total.square() * valid_BL1).sum() / z_BLH.shape[2], count + sum(lengths)
            for v, codes, length in zip(some, codes_BLD.to(torch.int16).cpu(), lengths):
                pieces.append(codes[:length].clone())
                entries.append(v.entry(start, length))
                start += length
    if not entries:
        raise SystemExit("There are no clips to encode. Check `data.sets` in the recipe.")
    per_second = codec.config.rate / codec.config.samples_per_latent
    return SpeechTokens(torch.cat(pieces), entries, per_second, float(count / variance) ** 0.5, (residual / count).sqrt().cpu())


def _of_like_length(sounds: Iterable[Version], at_once: int) -> Iterator[list[Version]]:
    """`at_once` of them at a time, the longest last, sorted among sixteen times as many."""
    sounds = iter(sounds)
    while several := sorted(islice(sounds, 16 * at_once), key=lambda v: len(v.audio)) if at_once > 1 else list(islice(sounds, 1)):
        for begin in range(0, len(several), at_once):
            yield several[begin : begin + at_once]


def _versions(clip: Clip, audio: np.ndarray, alignment: Alignment | None, augment: Augment, rng: np.random.Generator) -> Iterator[Version]:
    """All but what is drawn."""
    if alignment:
        yield Version(clip.speaker, clip.set, audio, alignment, 1.0)
        if augment.shifts and rng.random() < augment.shifted:
            factor = exact_factor(float(rng.choice(augment.shifts)))
            yield Version(f"{clip.speaker} x{factor:.3f}", clip.set, shift_voice(audio, factor), alignment, factor)
    if not alignment or rng.random() < augment.recorded:
        yield Version(clip.speaker, clip.set, as_recorded(audio, rng), None, 1.0)


@dataclass
class Batch:
    """`x` int64 `[B, L, D]`; what is to be made are the positions that are valid and no prompt."""

    x: torch.Tensor
    condition: SpeechCondition

    @property
    def made(self) -> torch.Tensor:
        return self.condition.valid & ~self.condition.prompt


@dataclass
class Row:
    """`at` is the position of its clip from which what is to be made was cut."""

    x: torch.Tensor
    prompt: int
    phones: list[int]
    frames: np.ndarray
    at: int = 0

    def without_prompt(self) -> Row:
        return replace(self, x=self.x[self.prompt :], prompt=0, frames=self.frames[self.prompt :])


class Cutter:
    """Draws rows: half of the prompts are the clip's own beginning, half are cut from another clip of the voice.

    What is to be made is at most `longest_s`: of a longer clip as much, from one word's start to another's. `weights` are those of a set's clips, which a
    speaker of n clips has n^-`balance` of each: with 0 a speaker is heard as often as there are clips of it, with 1 all are heard as often. Of all that is
    made, `drawn_share` is in drawn voices, however many draws there are (None: as many as come).
    """

    def __init__(
        self,
        tokens: SpeechTokens,
        weights: dict[str, float],
        frames_per_token: int,
        prompt_s: tuple[float, float],
        longest_s: float,
        drawn_share: float | None = None,
        balance: float = 0.0,
    ):
        self.tokens, self.R, self.prompt_s, self.rate = tokens, frames_per_token, prompt_s, tokens.tokens_per_second
        self.by_voice: dict[str, list[Entry]] = {}
        for e in tokens.entries:
            self.by_voice.setdefault(e.voice, []).append(e)
        self.longest = round(longest_s * self.rate)
        self.targets = [e for e in tokens.entries if e.phones]
        if not self.targets:
            raise SystemExit("No clip is aligned. Check `data.sets` in the recipe.")
        clips = Counter(e.speaker for e in self.targets)
        self.weight = torch.tensor([weights.get(e.set, 1.0) * clips[e.speaker] ** -balance for e in self.targets], dtype=torch.float64)
        drawn = torch.tensor([DRAWN in e.voice for e in self.targets])
        if drawn_share is not None and drawn.any() and not drawn.all():
            self.weight[drawn] *= drawn_share / (1 - drawn_share) * self.weight[~drawn].sum() / self.weight[drawn].sum()

    def row(self, entry: Entry, generator: torch.Generator) -> Row:
        seconds = self.prompt_s[0] + (self.prompt_s[1] - self.prompt_s[0]) * float(torch.rand((), generator=generator))
        want = max(1, round(seconds * self.rate))
        # A version of the clip itself is as long as it. To have what is to be made in the prompt would teach to copy, above all voices of one clip.
        others = [e for e in self.by_voice[entry.voice] if e is not entry and (e.phones or e.length != entry.length)]
        own = torch.rand((), generator=generator) < 0.5 or not others
        cut = self._word_start(entry, want, entry.length * 2 // 3) if own else 0
        if cut:
            # Not the whole beginning of a long clip, but what stands right before.
            at, prompt = cut, self._codes(entry)[max(0, cut - want) : cut]
        else:
            # A long clip may start anywhere.
            latest = max(0, entry.length - self.longest)
            at = self._word_start(entry, int(torch.randint(latest + 1, (), generator=generator)), latest) if latest else 0
            prompt = self._codes(entry)[:0]
            if others:
                other = others[int(torch.randint(len(others), (), generator=generator))]
                take = min(want, other.length)
                begin = int(torch.randint(other.length - take + 1, (), generator=generator))
                prompt = self._codes(other)[begin : begin + take]
        end = entry.length if entry.length - at <= self.longest else self._word_end(entry, at)
        first, last, frames = text_frames(entry, at, end, self.rate, self.R)
        absent = np.full((len(prompt), self.R), -1)
        return Row(torch.cat([prompt, self._codes(entry)[at:end]]), len(prompt), entry.phones[first : last + 1], np.concatenate([absent, frames]), at)

    def _codes(self, e: Entry) -> torch.Tensor:
        return self.tokens.x[e.start : e.start + e.length].long()

    def _word_start(self, e: Entry, earliest: int, latest: int) -> int:
        """The first position within these where a word starts; 0 if there is none."""
        return next((at for at in self._words(e) if at >= earliest and at <= latest), 0)

    def _word_end(self, e: Entry, at: int) -> int:
        """The last position within reach of `at` where a word ends, or simply the farthest."""
        return max((end for end in self._words(e) if at < end <= at + self.longest), default=at + self.longest)

    def _words(self, e: Entry) -> list[int]:
        """Positions where a boundary, and so perhaps a silence, is over and a word starts."""
        return [round(e.ends[i] * self.rate) for i, phone in enumerate(e.phones[:-1]) if phone == INDEX[BOUNDARY]]

    def draw(self, batch: int, generator: torch.Generator, drop: tuple[float, float, float] = (0.0, 0.0, 0.0), multiple: int = 1) -> Batch:
        """`multiple`: of what lengths are; `drop`: how often both text and voice, the text alone, and the voice alone are dropped.

        The rows are neighbours in length out of four times as many, as padding costs as much as speech.
        """
        index = torch.multinomial(self.weight, 4 * batch, replacement=True, generator=generator).tolist()
        rows = sorted((self.row(self.targets[i], generator) for i in index), key=lambda row: len(row.x))
        begin = int(torch.randint(3 * batch + 1, (), generator=generator))
        rows = rows[begin : begin + batch]
        u = torch.rand(batch, generator=generator)
        both, text, voice = drop
        drop_text = u < both + text
        drop_voice = (u < both) | ((u >= both + text) & (u < both + text + voice))
        # As sampling does it: without the voice, its clip's positions are left out too.
        rows = [row.without_prompt() if dropped else row for row, dropped in zip(rows, drop_voice.tolist())]
        return collate(rows, drop_text, drop_voice, multiple)


def text_frames(entry: Entry, begin: int, end: int, tokens_per_second: float, R: int) -> tuple[int, int, np.ndarray]:
    """First and last phone heard from position `begin` up to `end`, and for the R frames of each position the phone's index from that first one on, `[end - begin, R]`."""
    middle = (np.arange(begin * R, end * R) + 0.5) / (tokens_per_second * R)
    index = np.minimum(np.searchsorted(entry.ends, middle, side="right"), len(entry.phones) - 1)
    first, last = (int(index[0]), int(index[-1])) if len(index) else (0, 0)
    return first, last, (index - first).reshape(-1, R)


def collate(rows: list[Row], drop_text: torch.Tensor, drop_voice: torch.Tensor, multiple: int = 1) -> Batch:
    """Rows padded to the longest, and to a multiple."""
    B, D, R = len(rows), rows[0].x.shape[1], rows[0].frames.shape[1]
    L, P = (-(-n // multiple) * multiple for n in (max(len(r.x) for r in rows), max(1, *(len(r.phones) for r in rows))))
    x, phones = torch.zeros(B, L, D, dtype=torch.long), torch.zeros(B, P, dtype=torch.long)
    frames = torch.full((B, L, R), -1)
    at = torch.arange(L)
    for i, row in enumerate(rows):
        x[i, : len(row.x)] = row.x
        phones[i, : len(row.phones)] = torch.tensor(row.phones, dtype=torch.long)
        frames[i, : len(row.x)] = torch.from_numpy(row.frames)
    prompt = at < torch.tensor([r.prompt for r in rows]).unsqueeze(1)
    valid = at < torch.tensor([len(r.x) for r in rows]).unsqueeze(1)
    return Batch(x, SpeechCondition(phones, frames, prompt, valid, drop_text, drop_voice))


def from_durations(phones: list[int], seconds: list[float], prompt_LD: torch.Tensor, tokens_per_second: float, R: int) -> Row:
    """A row to sample: the prompt and, after it, room for the phones at these lengths."""
    entry = Entry("", "", 0, max(1, round(sum(seconds) * tokens_per_second)), phones, np.cumsum(seconds).tolist())
    *_, frames = text_frames(entry, 0, entry.length, tokens_per_second, R)
    x = torch.cat([prompt_LD.long(), torch.zeros(entry.length, prompt_LD.shape[1], dtype=torch.long)])
    return Row(x, len(prompt_LD), phones, np.concatenate([np.full((len(prompt_LD), R), -1), frames]))
