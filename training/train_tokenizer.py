"""Trains the picture tokenizer.

    python -m training.train_tokenizer --recipe training/recipes/fruits-tokenizer.yaml

Two phases in one run. First encoder, codebooks and decoder together, on reconstruction + feature distance + commitment. From step
`freeze_at` the encoder and the codebooks stand still, so that tokens made from then on stay valid, and only the decoder goes on,
with the patch discriminator where `weights.adversarial` is above 0.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from training.data import Pictures, centre_crop, load_pictures, random_crop_flip, split, to_float
from training.discriminator import PatchDiscriminator, discriminator_loss, generator_loss
from training.perceptual import FeatureDistance
from training.runner import Ema, Run, arguments, autocast, distributed, learning_rate, load_recipe, start_processes
from training.sheet import save_sheet
from training.tokenizer import Tokenizer, TokenizerConfig
from training.training_step import step_down


def psnr(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean over pictures, in dB, of pictures in -1..1 (clamped and rounded to 8 bits, as they would be saved)."""
    a = a.clamp(-1, 1).add(1).mul(127.5).round()
    b = b.clamp(-1, 1).add(1).mul(127.5).round()
    mse = (a - b).square().flatten(1).mean(1).clamp(min=1e-2)
    return (10 * torch.log10(255**2 / mse)).mean()


@torch.no_grad()
def validate(tokenizer: Tokenizer, pictures: Pictures, run: Run, limit: int = 404) -> None:
    size, D = tokenizer.config.size, tokenizer.config.D
    index = torch.linspace(0, len(pictures) - 1, min(limit, len(pictures))).long()
    pixels = to_float(centre_crop(pictures.pixels_NHWC[index], size))
    with autocast(next(tokenizer.parameters()).device):
        x = torch.cat([tokenizer.encode(b.contiguous(memory_format=torch.channels_last)) for b in pixels.split(64)])
        row, rows = {}, [pixels[::26]]
        for d in sorted({1, 2, 4, 8, D} & set(range(1, D + 1))):
            decoded = torch.cat([tokenizer.decode(b, d).float() for b in x.split(64)])
            row[f"psnr_{d}"] = float(psnr(decoded, pixels))
            rows.append(decoded[::26])
    for j in (0, D // 2, D - 1):
        row[f"codes_used_{j + 1}"] = len(x[..., j].unique())
    run.write(row)
    save_sheet(run.folder / "samples" / f"{run.step:06d}.png", torch.cat(rows), len(rows[0]))


def main() -> None:
    args = arguments(__doc__)
    recipe = load_recipe(args.recipe, args.set)
    device = start_processes(args.threads)
    rank = dist.get_rank() if dist.is_initialized() else 0
    torch.manual_seed(recipe["seed"])

    config = TokenizerConfig(**recipe["model"])
    tokenizer = Tokenizer(config).to(device, memory_format=torch.channels_last)
    ema = Ema(tokenizer, recipe["ema"])
    critic = PatchDiscriminator().to(device, memory_format=torch.channels_last)
    feature_distance = FeatureDistance().to(device)
    optimizer = torch.optim.AdamW(tokenizer.parameters(), lr=recipe["lr"], betas=(0.9, 0.95), weight_decay=0.0)
    critic_optimizer = torch.optim.AdamW(critic.parameters(), lr=recipe["lr"], betas=(0.5, 0.9), weight_decay=0.0)
    train, validation = split(load_pictures(recipe["data"], config.size))
    state: dict[str, object] = {"tokenizer": tokenizer, "ema": ema.module, "critic": critic}
    state |= {"optimizer": optimizer, "critic_optimizer": critic_optimizer}

    w, batch = recipe["weights"], recipe["batch"] // (dist.get_world_size() if dist.is_initialized() else 1)
    with Run(args, recipe, state) as run:
        model, judge = distributed(tokenizer), distributed(critic)
        draw = torch.Generator().manual_seed(recipe["seed"] + 1000 * run.step + rank)
        for step in run.steps():
            frozen = step >= recipe["freeze_at"]
            if step == recipe["freeze_at"]:
                # Tokens are made by the averaged encoder, so that is the one which has to stand still.
                tokenizer.load_state_dict(ema.module.state_dict())
            if frozen and tokenizer.quantiser.training:
                _freeze(tokenizer)
                # DDP waits for a gradient of every parameter that had one when it was made.
                model = distributed(tokenizer)
            pixels = random_crop_flip(train.pixels_NHWC[torch.randint(len(train), (batch,), generator=draw)], config.size, draw)
            x = to_float(pixels).to(device).contiguous(memory_format=torch.channels_last)
            depth = torch.randint(1, config.D + 1, (batch,), generator=draw)
            depth[torch.rand(batch, generator=draw) < recipe["full_depth_share"]] = config.D

            with autocast(device):
                y, commit, residual_D = model(x, depth.to(device))
                mse = F.mse_loss(y.float(), x)
                feature = feature_distance(y, x)
                loss = mse + w["feature"] * feature + (0 if frozen else w["commit"] * commit)
                adversarial = frozen and w["adversarial"] > 0
                if adversarial:
                    critic.requires_grad_(False)
                    loss = loss + w["adversarial"] * min(1, (step - recipe["freeze_at"]) / 500) * generator_loss(judge(y))
            phase_step = step - recipe["freeze_at"] if frozen else step
            phase_steps = run.total - recipe["freeze_at"] if frozen else recipe["freeze_at"]
            step_down(loss, tokenizer, optimizer, learning_rate(phase_step, recipe["lr"], 200, phase_steps, recipe["decay_share"]))
            if adversarial:
                critic.requires_grad_(True)
                with autocast(device):
                    critic_loss = discriminator_loss(judge(x), judge(y.detach()))
                step_down(critic_loss, critic, critic_optimizer, learning_rate(phase_step, recipe["lr"], 200, phase_steps, recipe["decay_share"]))
                run.log(50, critic=critic_loss)
            ema.update(tokenizer, phase_step)

            run.log(50, mse=mse, feature=feature, commit=commit, r1=residual_D[0], rD=residual_D[-1])
            if (step + 1) % recipe["validate_every"] == 0 and run.main:
                validate(ema.module, validation, run)


def _freeze(tokenizer: Tokenizer) -> None:
    tokenizer.encoder.requires_grad_(False)
    tokenizer.quantiser.eval()


if __name__ == "__main__":
    main()
