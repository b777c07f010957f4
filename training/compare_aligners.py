"""Which aligner finds phones better: pocketsphinx, which `alignments` uses, or monotonic alignment search, as in the paper (issue 6, section 2)?

    python -m training.compare_aligners --recipe training/recipes/voice-durations.yaml --minutes 10

Monotonic alignment search after Glow-TTS (Kim et al., 2020, algorithm 1): a text encoder says which log-mel spectrum each phone has, the likeliest monotonic
path through a clip says which frames are whose, and the encoder learns from that path. It hears no length, so the clips whose exact lengths the data has
(`kokoro-synth`, from the synthesiser) judge both: how far each phone's end is from where it was made. Prints what it finds and writes
`<runs>/<name>/aligners.json`.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from training.alignments import Aligner, Alignment, load_alignments
from training.evaluate_codec import save_report
from training.phone_table import BOUNDARY, PAD, PHONES, is_pause, to_ids
from training.runner import arguments, load_recipe, start_processes
from training.speech_data import RATE, Speech
from training.speech_losses import complex_stft, log_mel, mel_filters

WINDOW, BANDS = 640, 80  # 40 ms, so that a frame is 10 ms
FRAME_MS = 10
JUDGED = 300  # clips
TOLERANCE_MS = (25, 50)


def spectrum(audio_N: np.ndarray, filters_FM: torch.Tensor, hann_W: torch.Tensor) -> torch.Tensor:
    """float32 `[frames, 80]`, each band of mean 0 and deviation 1 over the clip, which takes the speaker's level and channel out."""
    mel_LM = log_mel(*complex_stft(torch.from_numpy(audio_N).unsqueeze(0), hann_W), filters_FM)[0]
    return (mel_LM - mel_LM.mean(0)) / mel_LM.std(0).clamp(min=0.1)


class PhoneEncoder(nn.Module):
    """Phone ids `[B, T]` -> the mean log-mel spectrum of each phone among its neighbours `[B, T, 80]`."""

    def __init__(self, width: int = 192, blocks: int = 4):
        super().__init__()
        self.embed = nn.Embedding(len(PHONES), width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv1d(width, width, 5, padding=2), nn.GroupNorm(1, width), nn.GELU(), nn.Conv1d(width, width, 1)) for _ in range(blocks)
        )
        # Begins as one spectrum for each phone wherever it stands: neighbours that count from the start explain the silence beside a phone as its part.
        for block in self.blocks:
            nn.init.zeros_(block[-1].weight)
            nn.init.zeros_(block[-1].bias)
        self.out = nn.Linear(width, BANDS)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        h = self.embed(ids_BT).transpose(1, 2)
        for block in self.blocks:
            h = h + block(h)
        return self.out(h.transpose(1, 2))


def monotonic_paths(scores: list[np.ndarray], may_skip: list[np.ndarray]) -> list[np.ndarray | None]:
    """For each clip's scores `[L, T]` of its frames under its phones, the phone of each frame `[L]` on the path of the highest total: it starts at the first
    phone, ends at the last and goes on by one at a time, or past one that may be skipped (a boundary without silence). None where the frames are too few."""
    B, L, T = len(scores), max(len(s) for s in scores), max(s.shape[1] for s in scores)
    score_LBT, may_skip_BT = np.full((L, B, T), -1e9), np.zeros((B, T), bool)
    for b, (score, skip) in enumerate(zip(scores, may_skip)):
        score_LBT[: len(score), b, : score.shape[1]] = score
        may_skip_BT[b, : len(skip)] = skip
    none_B1 = np.full((B, 1), -np.inf)
    best_BT = np.where(np.arange(T) == 0, score_LBT[0], -np.inf)
    may_start = np.where(may_skip_BT[:, 0], 1, 0)  # at the second, past the first
    best_BT[np.arange(B), may_start] = score_LBT[0, np.arange(B), may_start]
    # To phone t past t - 1.
    may_pass_BT = np.concatenate([np.zeros((B, 2), bool), may_skip_BT[:, 1:-1]], 1)[:, :T]
    totals_LBT, came_LBT = np.empty((L, B, T)), np.zeros((L, B, T), np.int8)
    totals_LBT[0] = best_BT
    for n in range(1, L):
        by_one = np.concatenate([none_B1, best_BT[:, :-1]], 1)
        past_one = np.where(may_pass_BT, np.concatenate([none_B1, none_B1, best_BT[:, :-2]], 1)[:, :T], -np.inf)
        by_one_wins, past_one_wins = by_one > best_BT, past_one > np.maximum(best_BT, by_one)
        came_LBT[n] = np.where(past_one_wins, 2, by_one_wins)
        best_BT = np.where(past_one_wins, past_one, np.where(by_one_wins, by_one, best_BT)) + score_LBT[n]
        totals_LBT[n] = best_BT
    return [_path_back(totals_LBT[: len(s), b, : s.shape[1]], came_LBT[:, b], skip) for b, (s, skip) in enumerate(zip(scores, may_skip))]


def _path_back(total_LT: np.ndarray, came_LT: np.ndarray, may_skip_T: np.ndarray) -> np.ndarray | None:
    end_T = total_LT[-1]
    last = len(end_T) - 1
    if last > 0 and may_skip_T[last] and end_T[last - 1] > end_T[last]:
        last -= 1
    if not np.isfinite(end_T[last]):
        return None
    path = np.empty(len(total_LT), np.int64)
    for n in range(len(path) - 1, -1, -1):
        path[n] = last
        last -= int(came_LT[n, last])
    return path


@dataclass
class Said:
    """A clip and what is said in it."""

    alignment: Alignment
    clip: int

    @property
    def phones(self) -> list[str]:
        """With a boundary before and after them, for the silence there."""
        return [BOUNDARY, *self.alignment.phones, BOUNDARY]


class MonotonicAligner:
    """Learns from clips and their phones alone, then aligns any of them."""

    def __init__(self, speech: Speech, blocks: int = 4):
        torch.manual_seed(0)
        self.speech, self.encoder = speech, PhoneEncoder(blocks=blocks)
        self.filters_FM, self.hann_W = mel_filters(WINDOW, BANDS), torch.hann_window(WINDOW)

    def paths(self, some: list[Said], even: bool = False) -> tuple[list[np.ndarray | None], list[torch.Tensor], list[torch.Tensor]]:
        """The phone of each frame, the frames `[L, 80]` and what the encoder expects of each phone `[T, 80]`. `even` shares the frames out in equal parts."""
        mels = [spectrum(self.speech.read(said.clip), self.filters_FM, self.hann_W) for said in some]
        ids_BT = nn.utils.rnn.pad_sequence([torch.tensor(to_ids(said.phones)) for said in some], batch_first=True, padding_value=PAD)
        expected = [e_TM[: len(said.phones)] for e_TM, said in zip(self.encoder(ids_BT), some)]
        if even:
            return [np.arange(len(m)) * len(e) // len(m) for m, e in zip(mels, expected)], mels, expected
        with torch.no_grad():
            scores = [-torch.cdist(m, e).square().double().numpy() for m, e in zip(mels, expected)]
        return monotonic_paths(scores, [np.array([is_pause(p) for p in said.phones]) for said in some]), mels, expected

    def learn(self, clips: list[Said], seconds: float, batch: int = 16, flat: int = 100, lr: float = 2e-3) -> int:
        """For so many seconds, the first `flat` steps from equal parts; the rate falls with the clock. Returns the steps taken."""
        optimizer, draw = torch.optim.AdamW(self.encoder.parameters(), lr), np.random.default_rng(0)
        start, n = time.monotonic(), 0
        bar = tqdm(total=round(seconds), desc="monotonic alignment search", unit="s")
        while (spent := time.monotonic() - start) < seconds:
            for group in optimizer.param_groups:
                group["lr"] = lr * min(1, 2.02 - 2 * spent / seconds)
            found = zip(*self.paths([clips[i] for i in draw.integers(len(clips), size=batch)], even=n < flat))
            # One that is read faster than a phone a frame teaches nothing.
            off = [(mel_LM - expected_TM[torch.from_numpy(path)]).square().mean(1) for path, mel_LM, expected_TM in found if path is not None]
            loss = torch.cat(off).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            n += 1
            bar.update(int(time.monotonic() - start) - bar.n)
            if n % 50 == 0:
                bar.set_postfix(loss=f"{float(loss.detach()):.3f}")
        bar.close()
        return n

    @torch.inference_mode()
    def __call__(self, said: Said) -> tuple[int, list[int]] | None:
        """(lead, ms of each phone) as `Aligner` gives them."""
        [path], _, _ = self.paths([said])
        if path is None:
            return None
        ms = np.bincount(path, minlength=len(said.phones)) * FRAME_MS
        return int(ms[0]), ms[1:-1].tolist()


def errors(true: Alignment, found: tuple[int, list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """For each phone that is spoken, how far its end is off and how far its length is, both in milliseconds."""
    spoken = np.array([not is_pause(p) for p in true.phones])
    lead, ms = found
    off = np.abs(lead + np.cumsum(ms) - true.ends())
    return off[spoken], np.abs(np.array(ms) - np.array(true.ms))[spoken]


def judge(clips: list[Said], align) -> dict[str, Any]:
    """Over all phones of the clips that `align` could align."""
    off, length, lost = [], [], 0
    for said in tqdm(clips, desc="judge"):
        found = align(said)
        if found is None:
            lost += 1
            continue
        a, b = errors(said.alignment, found)
        off.append(a)
        length.append(b)
    ends, lengths = np.concatenate(off), np.concatenate(length)
    within = {f"ends_within_{ms}_ms": float((ends <= ms).mean()) for ms in TOLERANCE_MS}
    return {"clips": len(clips), "lost": lost, "end_ms": float(ends.mean()), "end_median_ms": float(np.median(ends)), **within, "length_ms": float(lengths.mean())}


def main() -> None:
    args = arguments(__doc__)
    recipe, runs = load_recipe(args.recipe, args.set), Path(args.runs)
    start_processes(args.threads)
    alignments, all_clips = load_alignments(recipe, runs)
    speech = Speech(runs / recipe["cache"], all_clips)
    places = {(c.set, c.path): i for i, c in enumerate(speech.clips)}
    clips = [Said(a, places[a.set, a.path]) for a in alignments if a.phones]
    exact = [said for said in clips if said.alignment.exact]
    if not exact:
        raise SystemExit("No clip has exact lengths. Name a set that has them in `data.sets`, such as kokoro-synth-16k.")
    judged = [exact[i] for i in np.linspace(0, len(exact) - 1, min(JUDGED, len(exact))).astype(int)]

    monotonic = MonotonicAligner(speech)
    steps = monotonic.learn(clips, 60 * (args.minutes or 10))
    sphinx = Aligner()
    found = {
        "monotonic_alignment_search": {"steps": steps, "learnt_from": len(clips), **judge(judged, monotonic)},
        "pocketsphinx": judge(judged, lambda said: sphinx(speech.read(said.clip), said.alignment.phones)),
    }
    path = runs / recipe["name"] / "aligners.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_report(path, found)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
