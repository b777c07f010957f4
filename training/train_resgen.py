"""Trains ResGen on the tokens of a trained tokenizer.

    python -m training.train_resgen --recipe training/recipes/fruits-resgen.yaml
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.distributed as dist

from training.generator import Generator, GeneratorConfig
from training.masking import draw_masked_depths, draw_progress, masked_count
from training.runner import Ema, Run, arguments, autocast, distributed, learning_rate, load_recipe, start_processes
from training.sampler import Sampling, Step, sample
from training.sheet import save_sheet
from training.tokenizer import Tokenizer
from training.tokens import TokenSet, load_tokenizer, token_set
from training.training_step import TrainingStep, adamw, descend


@torch.inference_mode()
def validate(model: TrainingStep, tokens: TokenSet, run: Run, schedule: str) -> None:
    """Loss per dimension on the validation split, always with the same masks."""
    model.eval()
    D, H = model.e_DVH.shape[0], model.e_DVH.shape[2]
    index = torch.arange(0, len(tokens.x_validation), 2)
    x, label, view = tokens.x_validation[index].long(), tokens.label_validation[index], tokens.views()[1][index]
    r = torch.linspace(0, 1, len(x) + 1)[:-1]
    r = r[torch.randperm(len(x), generator=torch.Generator().manual_seed(1))]
    k = draw_masked_depths(masked_count(r, x.shape[1] * D, schedule), x.shape[1], D, torch.Generator().manual_seed(2))
    losses = [model(a, b, c, v)["loss"] * len(a) for a, b, c, v in zip(x.split(64), k.split(64), label.split(64), view.split(64))]
    run.write({"validation_loss_per_dim": float(sum(losses)) / len(x) / H})


@torch.inference_mode()
def sheet(generator: Generator, tokenizer: Tokenizer, tokens: TokenSet, run: Run, sampling: Sampling) -> None:
    """Four samples of twelve classes."""
    step = Step(generator, tokenizer.quantiser.e_DVH, tokens.scale, tokens.sigma)
    picked = torch.linspace(0, len(tokens.classes) - 1, 12).long().tolist()
    x = sample(step, [c for c in picked for _ in range(4)], [1000 + i for i in range(48)], sampling)
    save_sheet(run.folder / "samples" / f"{run.step + 1:06d}.png", tokenizer.decode(x.long()).float(), 12)


def main() -> None:
    args = arguments(__doc__)
    recipe = load_recipe(args.recipe, args.set)
    device = start_processes(args.threads)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    torch.manual_seed(recipe["seed"])

    runs = Path(args.runs)
    tokenizer, _ = load_tokenizer(runs, recipe["tokenizer"])
    cache = runs / recipe["name"] / "tokens.pt"
    if rank == 0:
        token_set(runs, recipe["tokenizer"], recipe["data"], cache, recipe.get("mirror", False))
    if world > 1:
        dist.barrier()
    tokens = token_set(runs, recipe["tokenizer"], recipe["data"], cache)
    # Again: only rank 0 may have drawn numbers for the token set, and all ranks must start from the same weights.
    torch.manual_seed(recipe["seed"])
    t = tokenizer.config
    generator = Generator(GeneratorConfig(C=len(tokens.classes), L=t.L, D=t.D, H=t.H, **recipe["model"])).to(device)
    if generator.view is not None and not (runs / recipe["name"] / "checkpoint.pt").exists():
        generator.view.fit(tokens.summed(tokenizer.quantiser.e_DVH), tokens.label, tokens.views()[0])
    ema = Ema(generator, recipe["ema"])
    optimizer = adamw(generator, recipe["lr"], recipe["weight_decay"])
    training = TrainingStep(generator, tokenizer.quantiser.e_DVH.to(device), tokens.scale, recipe["smoothing"])
    averaged = TrainingStep(ema.module, tokenizer.quantiser.e_DVH.to(device), tokens.scale, recipe["smoothing"])

    batch, H = recipe["batch"] // world, t.H
    views = tokens.views()[0]
    with Run(args, recipe, {"generator": generator, "ema": ema.module, "optimizer": optimizer}) as run:
        model = distributed(training)
        draw = torch.Generator().manual_seed(recipe["seed"] + 1000 * run.step + rank)
        for step in run.steps():
            index = torch.randint(len(tokens.label), (batch,), generator=draw)
            variant = torch.randint(len(tokens.x), (batch,), generator=draw)
            x, label = tokens.x[variant, index].long().to(device), tokens.label[index].clone()
            label[torch.rand(batch, generator=draw) < recipe["drop_condition"]] = len(tokens.classes)
            view = views[index].clone()
            view[(torch.rand(batch, generator=draw) < recipe["drop_condition"]) | (label == len(tokens.classes))] = -1
            r = draw_progress(batch, recipe.get("fine_share"), generator=draw)
            k = draw_masked_depths(masked_count(r, t.L * t.D, recipe["schedule"]), t.L, t.D, draw)
            with autocast(device):
                out = model(x, k.to(device), label.to(device), view.to(device))
            lr = learning_rate(run.scheduled, recipe["lr"], recipe["warmup"], run.total, recipe["decay_share"])
            norm = descend(out["loss"] / H, generator, optimizer, ema, step, lr)

            parts = {name: float(out[name].detach()) / H for name in ("loss", "regression", "classification")}
            run.log(50, **parts, log_a=out["log_a"], gradient=norm)
            if (step + 1) % recipe["validate_every"] == 0 and run.main:
                validate(averaged, tokens, run, recipe["schedule"])
            if (step + 1) % recipe["sheet_every"] == 0 and run.main:
                sheet(ema.module, tokenizer, tokens, run, Sampling(**recipe["sampling"]))


if __name__ == "__main__":
    main()
