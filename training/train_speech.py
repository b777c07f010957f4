"""Trains ResGen for speech on the tokens of a trained codec.

    python -m training.train_speech --recipe training/recipes/voice-resgen.yaml
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from training.alignments import load_alignments
from training.codec import load_codec
from training.masking import draw_masked_depths, draw_progress, masked_count
from training.runner import Ema, Run, arguments, autocast, distributed, learning_rate, load_recipe, start_processes
from training.speech_data import VALIDATION_SPEAKERS, Speech
from training.speech_generator import SpeechCondition, SpeechConfig, SpeechGenerator
from training.speech_tokens import Augment, Batch, Cutter, SpeechTokens, encode_all
from training.training_step import TrainingStep, adamw, descend


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
    D, H = model.e_DVH.shape[0], model.e_DVH.shape[2]
    draw, losses = torch.Generator().manual_seed(1), []
    for _ in range(4):
        rows = cutter.draw(batch, draw)
        k = draw_masks(rows.made, D, draw_progress(batch, generator=draw), schedule, draw)
        losses.append(float(model(rows.x, k, rows.condition)["loss"]) / H)
    run.write({"validation_loss_per_dim": sum(losses) / len(losses)})


def speech_tokens(recipe: dict[str, Any], runs: Path, cache: Path) -> SpeechTokens:
    """Reads the cache; aligns and encodes what it lacks of the recipe's `data`, and writes it."""
    known = SpeechTokens.load(cache) if cache.exists() else None
    augment = Augment(**recipe["augment"])
    missing = set(recipe["data"]["sets"]) - (known.sets if known else set())
    undrawn = known.sets if known and augment.clips_per_drawn and not known.drawn else set()
    if missing or undrawn:
        codec, _ = load_codec(runs, recipe["codec"])
        alignments, clips = load_alignments(recipe, runs)
        for sets, drawn_only in ((undrawn, True), (missing, False)):
            if sets:
                speech = Speech(runs / recipe["cache"], [clip for clip in clips if clip.set in sets])
                made = encode_all(codec, speech, alignments, augment, recipe["seed"], drawn_only)
                known = known.with_more(made) if known else made
        known.save(cache)
    return known


def cutters(tokens: SpeechTokens, recipe: dict[str, Any], frames_per_token: int) -> tuple[Cutter, Cutter]:
    """Of the training voices, and of the validation speakers as they are."""
    held_out = lambda e: e.voice.split()[0] in VALIDATION_SPEAKERS  # noqa: E731
    settings = (recipe["data"]["sets"], frames_per_token, tuple(recipe["prompt_s"]), recipe["longest_s"])
    validation = tokens.where(lambda e: held_out(e) and " " not in e.voice)
    return Cutter(tokens.where(lambda e: not held_out(e)), *settings), Cutter(validation, *settings)


def main() -> None:
    args = arguments(__doc__)
    recipe = load_recipe(args.recipe, args.set)
    device = start_processes(args.threads)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    runs = Path(args.runs)
    codec, _ = load_codec(runs, recipe["codec"])
    cache = runs / recipe["name"] / "tokens.pt"
    if rank == 0:
        speech_tokens(recipe, runs, cache)
    if world > 1:
        dist.barrier()
    tokens = SpeechTokens.load(cache)
    # All ranks start from the same weights.
    torch.manual_seed(recipe["seed"])
    config = SpeechConfig(D=codec.config.D, H=codec.config.H, **recipe["model"])
    generator = SpeechGenerator(config).to(device)
    ema = Ema(generator, recipe["ema"])
    optimizer = adamw(generator, recipe["lr"], recipe["weight_decay"])
    e_DVH = codec.quantiser.e_DVH.to(device)
    training = TrainingStep(generator, e_DVH, tokens.scale, recipe["smoothing"])
    averaged = TrainingStep(ema.module, e_DVH, tokens.scale, recipe["smoothing"])
    train, validation = cutters(tokens, recipe, config.frames_per_token)

    batch = recipe["batch"] // world
    with Run(args, recipe, {"generator": generator, "ema": ema.module, "optimizer": optimizer}) as run:
        model = distributed(training)
        draw = torch.Generator().manual_seed(recipe["seed"] + 1000 * run.step + rank)
        for step in run.steps():
            rows: Batch = train.draw(batch, draw, tuple(recipe["drop"]))
            r = draw_progress(batch, recipe.get("fine_share"), generator=draw)
            k = draw_masks(rows.made, config.D, r, recipe["schedule"], draw)
            with autocast(device):
                out = model(rows.x.to(device), k.to(device), rows.condition.to(device))
            lr = learning_rate(step, recipe["lr"], recipe["warmup"], run.total, recipe["decay_share"])
            norm = descend(out["loss"] / config.H, generator, optimizer, ema, step, lr)
            parts = {name: float(out[name].detach()) / config.H for name in ("loss", "regression", "classification")}
            run.log(50, **parts, log_a=out["log_a"], gradient=norm)
            if (step + 1) % recipe["validate_every"] == 0 and run.main:
                validate(averaged, validation, run, recipe["schedule"], batch)


if __name__ == "__main__":
    main()
