"""Phone durations by linear regression, as in the paper: the log of a phone's length is a sum of weights, one for each thing known about it.

    python -m training.durations --recipe training/recipes/voice-durations.yaml

Known are the phone, its neighbours two to each side, where it stands in word and sentence, and the speaker's pace. Solved exactly by ridge regression, in
about a minute; writes `<runs>/<name>/durations.pt` and prints the error on the validation speakers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training.alignments import Alignment, load_alignments
from training.phone_table import INDEX, MARKS, PAD, PHONES, is_pause, to_ids
from training.runner import arguments, load_recipe
from training.speech_data import VALIDATION_SPEAKERS

REACH = 2
# Milliseconds added before the logarithm, so that a boundary without silence has one.
FLOOR_MS = 10.0
_PLACES = 8
_COLUMNS = (2 * REACH + 1) * len(PHONES) + _PLACES + 1
_PAUSE_IDS = torch.tensor([i > 0 and is_pause(p) for i, p in enumerate(PHONES)])


def columns(ids_BN: torch.Tensor) -> torch.Tensor:
    """Indices of the weights that add up for each phone, int64 `[B, N, 2 REACH + 4]`: neighbourhood, first and last in word, near the end, bias."""
    B, N = ids_BN.shape
    padded = torch.nn.functional.pad(ids_BN, (REACH, REACH), value=PAD)
    near = torch.stack([padded[:, d : d + N] + d * len(PHONES) for d in range(2 * REACH + 1)], 2)
    first = (2 * REACH + 1) * len(PHONES)
    edge = torch.nn.functional.pad(_PAUSE_IDS.to(ids_BN.device)[ids_BN] | (ids_BN == PAD), (1, 1), value=True)
    word_start, word_end = edge[:, :-2].long(), edge[:, 2:].long()
    left = (ids_BN != PAD).long().flip(1).cumsum(1).flip(1)  # phones from here to the end
    near_end = (left <= 3).long() + (left <= 8).long()
    place = torch.stack([first + word_start + 2 * word_end, first + 4 + near_end], 2)
    return torch.cat([near, place, torch.full((B, N, 1), _COLUMNS - 1, device=ids_BN.device)], 2)


class DurationModel(nn.Module):
    """Phone ids -> milliseconds. `weight [columns]`; part of the package's `text` graph."""

    def __init__(self):
        super().__init__()
        self.register_buffer("weight", torch.zeros(_COLUMNS))

    def forward(self, ids_BN: torch.Tensor, log_pace_B: torch.Tensor, speed_B: torch.Tensor) -> torch.Tensor:
        """ms `[B, N]`, 0 for padding. `log_pace` is a speaker's mean deviation (0 for the average one); `speed` 2 halves every phone."""
        log_ms = self.weight[columns(ids_BN)].sum(2) + log_pace_B.unsqueeze(1)
        ms = (torch.exp(log_ms) - FLOOR_MS).clamp(min=0.0) / speed_B.unsqueeze(1)
        return ms * (ids_BN != PAD)


def fit(alignments: list[Alignment], ridge: float = 3.0, rounds: int = 3) -> tuple[DurationModel, dict[str, float]]:
    """Weights and each speaker's pace, in turn: paces are the speakers' mean residuals, the weights are solved for what is left."""
    blocks = [(columns(torch.tensor([to_ids(a.phones)]))[0].numpy(), np.log(np.array(a.ms) + FLOOR_MS), a.speaker) for a in alignments if a.phones]
    if not blocks:
        raise SystemExit("No clip is aligned. Check `data.sets` in the recipe.")
    where, y = np.concatenate([b[0] for b in blocks]), np.concatenate([b[1] for b in blocks])
    names = sorted({b[2] for b in blocks})
    speaker = np.concatenate([np.full(len(b[1]), names.index(b[2])) for b in blocks])
    gram = np.zeros((_COLUMNS, _COLUMNS))
    for i in range(where.shape[1]):
        for j in range(where.shape[1]):
            np.add.at(gram, (where[:, i], where[:, j]), 1.0)
    gram[np.diag_indices(_COLUMNS)] += ridge
    weight, pace = np.zeros(_COLUMNS), np.zeros(len(names))
    count = np.bincount(speaker, minlength=len(names))
    for _ in range(rounds):
        right = np.zeros(_COLUMNS)
        for i in range(where.shape[1]):
            right += np.bincount(where[:, i], y - pace[speaker], _COLUMNS)
        weight = np.linalg.solve(gram, right)
        # Drawn to 0 where little was heard of a speaker.
        pace = np.bincount(speaker, y - weight[where].sum(1), len(names)) / (count + 50)
    model = DurationModel()
    model.weight.copy_(torch.from_numpy(weight))
    return model, dict(zip(names, pace.tolist()))


def as_read(model: DurationModel, pace: dict[str, float], alignments: list[Alignment], readers: set[str]) -> dict[str, float]:
    """Makes what the model says at pace 0 what these speakers have: the mean of their pace, and after it each mark's mean silence in all clips.

    Both by total lengths. The regression gives the mean of logarithms, which says little of a pace where most boundaries have no silence and a few a long
    one, and is too short for a mark, whose silence is short or long. `pace` becomes relative to it. Returns by what all and each mark grew.
    """
    spoken: dict[str, list[float]] = {s: [0.0, 0.0] for s in readers}
    marks = {mark: [0.0, 0.0] for mark in MARKS}
    for a in alignments:
        ids = to_ids(a.phones)
        said = model(torch.tensor([ids]), torch.zeros(1), torch.ones(1))[0].tolist()
        for phone, ms, said_ms in zip(a.phones, a.ms, said):
            total = marks.get(phone) or (spoken.get(a.speaker) if not is_pause(phone) else None)
            if total:
                total[0] += ms + FLOOR_MS
                total[1] += said_ms + FLOOR_MS
    mean = float(np.mean([np.log(true / said) for true, said in spoken.values()]))
    model.weight[-1] += mean
    for speaker in pace:
        pace[speaker] -= mean
    grown = {"all": float(np.exp(mean))}
    for mark, (true, said) in marks.items():
        # Of all but the pace, as that counts for the marks as well.
        grown[mark] = true / said / grown["all"] if said else 1.0
        model.weight[REACH * len(PHONES) + INDEX[mark]] += float(np.log(grown[mark]))
    return grown


def pace_of(model: DurationModel, alignment: Alignment) -> float:
    """A speaker's pace from one aligned prompt."""
    log_ms = model.weight[columns(torch.tensor([to_ids(alignment.phones)]))].sum(2)[0].numpy()
    return float((np.log(np.array(alignment.ms) + FLOOR_MS) - log_ms).mean())


def evaluate(model: DurationModel, alignments: list[Alignment]) -> dict[str, float]:
    """Mean absolute error of a phone and of a whole clip, each clip's pace taken from another one of its speaker."""
    spoken = [a for a in alignments if a.phones]
    phone, total, true = [], [], []
    for i, a in enumerate(spoken):
        others = [b for b in spoken if b.speaker == a.speaker and b is not a]
        pace = pace_of(model, others[i % len(others)]) if others else 0.0
        ms = model(torch.tensor([to_ids(a.phones)]), torch.tensor([pace]), torch.ones(1))[0].numpy()
        phone += np.abs(ms - a.ms).tolist()
        total.append(abs(ms.sum() - sum(a.ms)))
        true.append(sum(a.ms))
    return {"phone_ms": float(np.mean(phone)), "clip_share": float(np.sum(total) / np.sum(true)), "clips": len(spoken)}


def load_durations(runs: Path, name: str) -> tuple[DurationModel, dict[str, float]]:
    """The model and the paces of the training speakers. Raises SystemExit where there is none."""
    path = runs / name / "durations.pt"
    if not path.exists():
        raise SystemExit(f"There is no duration model at {path}. Make it first: python -m training.durations --recipe …")
    saved: dict[str, Any] = torch.load(path, weights_only=True)
    model = DurationModel()
    model.load_state_dict(saved["model"])
    return model.eval(), saved["pace"]


def main() -> None:
    args = arguments(__doc__)
    recipe, runs = load_recipe(args.recipe, args.set), Path(args.runs)
    os.nice(10)
    torch.set_num_threads(args.threads)
    alignments, _ = load_alignments(recipe, runs)
    training = [a for a in alignments if a.speaker not in VALIDATION_SPEAKERS and recipe["data"]["sets"][a.set] > 0]
    validation = [a for a in alignments if a.speaker in VALIDATION_SPEAKERS]
    model, pace = fit(training, recipe["ridge"])
    # A text is said as people read it aloud. Most clips are synthetic, and those are spoken a fifth faster.
    spoken = [a for a in training if a.phones]
    if readers := {a.speaker for a in spoken if not a.exact}:
        grown = as_read(model, pace, spoken, readers)
        print("as recorded speakers read, longer by", {key: round(value, 2) for key, value in grown.items()})
    folder = runs / recipe["name"]
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model.state_dict(), "pace": pace}, folder / "durations.pt")
    for name, part in (("synthetic", [a for a in training if a.exact]), ("real", [a for a in training if not a.exact]), ("validation", validation)):
        if any(a.phones for a in part):
            print(name, {key: round(value, 3) for key, value in evaluate(model, part[:: max(1, len(part) // 300)]).items()})


if __name__ == "__main__":
    main()
