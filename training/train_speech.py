"""Trains ResGen for speech on the tokens of a trained codec.

    python -m training.train_speech --recipe training/recipes/voice-resgen.yaml
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training.codec import load_codec
from training.masking import draw_masked_depths, draw_progress, masked_count
from training.runner import Ema, Run, arguments, autocast, distributed, learning_rate, load_recipe, start_processes
from training.speech_data import VALIDATION_SPEAKERS
from training.speech_draws import load_tokens, speech_tokens
from training.speech_generator import SpeechCondition, SpeechConfig, SpeechGenerator
from training.speech_tokens import Batch, Cutter, SpeechTokens
from training.training_step import TrainingStep, adamw, descend


VALIDATION_ROWS = 16


def draw_masks(made_BL: torch.Tensor, D: int, r_B: torch.Tensor, schedule: str, generator: torch.Generator | None = None) -> torch.Tensor:
    """k `[B, L]`: the hypergeometric draw over each row's positions to be made; 0 on prompt and padding. At least one token is masked."""
    k_BL = torch.zeros(made_BL.shape, dtype=torch.long)
    for k, made, r in zip(k_BL, made_BL, r_B):
        L = int(made.sum())
        n = masked_count(r.reshape(1), L * D, schedule).clamp(min=1)
        k[made] = draw_masked_depths(n, L, D, generator)[0]
    return k_BL


@torch.inference_mode()
def validate(model: TrainingStep, cutter: Cutter, run: Run, schedule: str, batch: int) -> None:
    """Loss per dimension on voices that are never trained on, always with the same rows and masks."""
    model.eval()
    D, H, device = model.e_DVH.shape[0], model.e_DVH.shape[2], model.e_DVH.device
    draw, losses = torch.Generator().manual_seed(1), []
    for _ in range(4):
        rows = cutter.draw(batch, draw)
        k = draw_masks(rows.made, D, draw_progress(batch, generator=draw), schedule, draw)
        losses.append(float(model(rows.x.to(device), k.to(device), rows.condition.to(device))["loss"]) / H)
    run.write({"validation_loss_per_dim": sum(losses) / len(losses)})


def cutters(tokens: SpeechTokens, recipe: dict[str, Any], frames_per_token: int) -> tuple[Cutter, Cutter]:
    """Of the training voices, and of the validation speakers as they are."""
    held_out = lambda e: e.speaker in VALIDATION_SPEAKERS  # noqa: E731
    data = recipe["data"]
    settings = (data["sets"], frames_per_token, tuple(recipe["prompt_s"]), recipe["longest_s"], recipe.get("drawn_share"), data.get("balance", 0.0))
    validation = tokens.where(lambda e: held_out(e) and " " not in e.voice)
    return Cutter(tokens.where(lambda e: not held_out(e)), *settings), Cutter(validation, *settings)


@dataclass
class Drawn:
    """What one step is trained on."""

    rows: Batch
    k: torch.Tensor

    def to(self, device: torch.device) -> Drawn:
        return Drawn(Batch(self.rows.x.to(device, non_blocking=True).long(), self.rows.condition.to(device)), self.k.to(device, non_blocking=True))

    def pin_memory(self) -> Drawn:
        """For the loader: from here a GPU copies while it computes."""
        condition = SpeechCondition(*(x.pin_memory() for x in vars(self.rows.condition).values()))
        return Drawn(Batch(self.rows.x.pin_memory(), condition), self.k.pin_memory())


class Drawing(IterableDataset):
    """Batches without end, each process with its own random numbers."""

    def __init__(self, cutter: Cutter, recipe: dict[str, Any], batch: int, D: int, seed: int):
        self.cutter, self.recipe, self.batch, self.D, self.seed = cutter, recipe, batch, D, seed

    def __iter__(self) -> Iterator[Drawn]:
        worker = get_worker_info()
        draw = torch.Generator().manual_seed(self.seed + 100_000_000 * (worker.id if worker else 0))
        while True:
            rows = self.cutter.draw(self.batch, draw, tuple(self.recipe["drop"]), self.recipe.get("lengths", 1))
            r = draw_progress(self.batch, self.recipe.get("fine_share"), generator=draw)
            k = draw_masks(rows.made, self.D, r, self.recipe["schedule"], draw)
            yield Drawn(Batch(rows.x.to(torch.int16), rows.condition), k)


class Batches:
    """Batches of all tokens that are there; new draws are taken up when `look` finds some."""

    def __init__(self, recipe: dict[str, Any], runs: Path, D: int, R: int, batch: int, seed: int):
        self.recipe, self.runs, self.D, self.R, self.batch, self.seed = recipe, runs, D, R, batch, seed
        self._take_up(load_tokens(recipe, runs))

    def look(self) -> None:
        found = load_tokens(self.recipe, self.runs, (self.tokens, self.draws))
        if found[1] > self.draws:
            self._take_up(found)

    def _take_up(self, found: tuple[SpeechTokens, int]) -> None:
        self.tokens, self.draws = found
        train, self.validation = cutters(self.tokens, self.recipe, self.R)
        self.seed += 1
        drawing = Drawing(train, self.recipe, self.batch, self.D, self.seed)
        workers = self.recipe.get("loaders", 0)
        loading = {"prefetch_factor": 4, "multiprocessing_context": "fork", "pin_memory": torch.cuda.is_available()} if workers else {}
        self._next = iter(DataLoader(drawing, batch_size=None, num_workers=workers, **loading))

    def __next__(self) -> Drawn:
        return next(self._next)


def main() -> None:
    args = arguments(__doc__)
    recipe = load_recipe(args.recipe, args.set)
    device = start_processes(args.threads)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    runs = Path(args.runs)
    codec, _ = load_codec(runs, recipe["codec"])
    if rank == 0:
        speech_tokens(recipe, runs)
    if world > 1:
        dist.barrier()
    # All ranks start from the same weights.
    torch.manual_seed(recipe["seed"])
    config = SpeechConfig(D=codec.config.D, H=codec.config.H, **recipe["model"])
    generator = SpeechGenerator(config).to(device)
    ema = Ema(generator, recipe["ema"])
    optimizer = adamw(generator, recipe["lr"], recipe["weight_decay"])
    batch = recipe["batch"] // world
    with Run(args, recipe, {"generator": generator, "ema": ema.module, "optimizer": optimizer}) as run:
        batches = Batches(recipe, runs, config.D, config.frames_per_token, batch, recipe["seed"] + 1000 * run.step + rank)
        e_DVH = codec.quantiser.e_DVH.to(device)
        training = TrainingStep(generator, e_DVH, batches.tokens.scale, recipe["smoothing"])
        averaged = TrainingStep(ema.module, e_DVH, batches.tokens.scale, recipe["smoothing"])
        model = distributed(training)
        for step in run.steps():
            drawn = next(batches).to(device)
            with autocast(device):
                out = model(drawn.rows.x, drawn.k, drawn.rows.condition)
            lr = learning_rate(run.scheduled, recipe["lr"], recipe["warmup"], run.total, recipe["decay_share"])
            norm = descend(out["loss"] / config.H, generator, optimizer, ema, step, lr)
            parts = {name: out[name] / config.H for name in ("loss", "regression", "classification")}
            run.log(50, **parts, log_a=out["log_a"], gradient=norm)
            if (step + 1) % recipe["validate_every"] == 0:
                if run.main:
                    validate(averaged, batches.validation, run, recipe["schedule"], min(batch, VALIDATION_ROWS))
                batches.look()


if __name__ == "__main__":
    main()
