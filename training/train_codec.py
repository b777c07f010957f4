"""Trains the speech codec.

    python -m training.train_codec --recipe training/recipes/voice-codec.yaml --threads 2

Phases of one run, each from the step that the recipe names: the plain autoencoder; `quantise_from`: codebooks, started by k-means on many
batches; `freeze_at`: encoder and codebooks stand still, so that tokens made from then on stay valid, and the decoder goes on;
`adversarial_from`: complex-STFT discriminators with feature matching, before or after the freeze. Up to `clean_until` only the clips of `clean_set`
are drawn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from training.codec import Codec, CodecConfig, fit_codebooks
from training.runner import Ema, Run, arguments, autocast, learning_rate, load_recipe, start_processes
from training.speech_data import RATE, Segments, Speech, load_speech, to_level
from training.speech_losses import MelDistance, SpectralLoss
from training.stft_discriminator import StftDiscriminators, adversarial_loss, critic_loss, feature_matching_loss

LOG_EVERY = 50
VALIDATION_SECONDS = 4
ADVERSARIAL_RAMP = 500


def validation_clips(speech: Speech, level_db: float, limit: int) -> torch.Tensor:
    """`[limit, N]`: the first seconds of clips spread evenly over the held-out speakers, at the training level."""
    index = np.linspace(0, len(speech.clips) - 1, min(limit, len(speech.clips))).astype(int)
    rows = [to_level(speech.read(i, 0, VALIDATION_SECONDS * RATE), speech.clips[i].level, level_db) for i in index]
    return torch.from_numpy(np.stack(rows).astype(np.float32))


@torch.no_grad()
def validate(codec: Codec, audio_BN: torch.Tensor, run: Run) -> None:
    import soundfile

    distance, D = MelDistance().to(audio_BN.device), codec.config.D
    row, heard = {}, [audio_BN[:2]]
    with autocast(audio_BN.device):
        x = torch.cat([codec.encode(b) for b in audio_BN.split(8)])
        for d in sorted({d for d in (1, 2, 4, 8, D) if d <= D}):
            decoded = torch.cat([codec.decode(b, d).float() for b in x.split(8)])[:, : audio_BN.shape[1]]
            row[f"mel_db_{d}"] = float(distance(decoded, audio_BN).mean())
            heard.append(decoded[:2])
    for j in (0, D // 2, D - 1):
        row[f"codes_used_{j + 1}"] = len(x[..., j].unique())
    run.write(row)
    # Two clips: each as it was, then from the shallowest depth to the deepest.
    in_turn = torch.stack(heard, 1).flatten().clamp(-1, 1).cpu().numpy()
    soundfile.write(run.folder / "samples" / f"{run.step + 1:06d}.wav", in_turn, RATE)


@torch.no_grad()
def start_codebooks(codec: Codec, segments: Segments, frames: int, batch: int, generator: torch.Generator) -> None:
    """k-means on at least `frames` latents; every process gets the first one's codebooks."""
    device, latents, have = next(codec.parameters()).device, [], 0
    while have < frames:
        latents.append(codec.latents(segments.draw(batch, generator).to(device)).flatten(0, 1))
        have += len(latents[-1])
    fit_codebooks(codec.quantiser, torch.cat(latents))
    if dist.is_initialized():
        for buffer in codec.quantiser.buffers():
            dist.broadcast(buffer, 0)


def main() -> None:
    args = arguments(__doc__)
    recipe = load_recipe(args.recipe, args.set)
    device = start_processes(args.threads)
    rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    if rank == 0:
        load_speech(recipe, Path(args.runs))
    if processes > 1:
        dist.barrier()
    train, validation = load_speech(recipe, Path(args.runs))
    torch.manual_seed(recipe["seed"])

    config = CodecConfig(**recipe["model"])
    codec = Codec(config).to(device)
    ema = Ema(codec, recipe["ema"])
    critics = StftDiscriminators(recipe["critic"]["windows"], recipe["critic"]["width"]).to(device)
    spectral = SpectralLoss().to(device)
    optimizer = torch.optim.AdamW(codec.parameters(), lr=recipe["lr"], betas=(0.8, 0.95), weight_decay=0.0)
    critic_optimizer = torch.optim.AdamW(critics.parameters(), lr=recipe["critic"]["lr"], betas=(0.8, 0.95), weight_decay=0.0)
    state: dict[str, object] = {"codec": codec, "ema": ema.module, "critics": critics}
    state |= {"optimizer": optimizer, "critic_optimizer": critic_optimizer}

    segment = round(recipe["segment_s"] * RATE / config.samples_per_latent) * config.samples_per_latent
    sets, level = recipe["data"]["sets"], recipe["level"]
    everything = Segments(train, sets, segment, level["db"], level["spread_db"])
    only_clean = {name: float(name == recipe["clean_set"]) for name in sets}
    clean = Segments(train, only_clean, segment, level["db"], level["spread_db"]) if recipe["clean_until"] > 0 else everything
    w, batch = recipe["weights"], recipe["batch"] // processes
    heard = validation_clips(validation, level["db"], recipe["validation_clips"]).to(device)

    with Run(args, recipe, state) as run:
        draw = torch.Generator().manual_seed(recipe["seed"] + 1000 * run.step + rank)
        for step in run.steps():
            frozen, quantised = step >= recipe["freeze_at"], step >= recipe["quantise_from"]
            segments = clean if step < recipe["clean_until"] else everything
            if quantised and not codec.quantiser.initialised:
                start_codebooks(codec, segments, recipe["kmeans_frames"], batch, draw)
            if step == recipe["freeze_at"]:
                # Tokens are made by the averaged encoder, so that is the one which has to stand still.
                codec.load_state_dict(ema.module.state_dict())
            if frozen:
                codec.encoder.requires_grad_(False)
                codec.quantiser.eval()
            x = segments.draw(batch, draw).to(device)
            depth = torch.randint(1, config.D + 1, (batch,), generator=draw)
            depth[torch.rand(batch, generator=draw) < recipe["full_depth_share"]] = config.D

            adversarial = step >= recipe["adversarial_from"] and w["adversarial"] > 0
            critic = critics.turn(step)
            with autocast(device):
                if quantised:
                    y, commit, residual_D = codec(x, depth.to(device))
                    run.log(LOG_EVERY, commit=commit.detach(), r1=residual_D[0], rD=residual_D[-1])
                else:
                    y, commit = codec.decoder(codec.latents(x)), torch.zeros((), device=device)
                mel, complex_ = spectral(y, x)
                loss = w["mel"] * mel + w["complex"] * complex_ + (0 if frozen else w["commit"] * commit)
                if adversarial:
                    critic.requires_grad_(False)
                    with torch.no_grad():
                        real = critic(x)
                    fake = critic(y)
                    matching, ramp = feature_matching_loss(real, fake), min(1, (step - recipe["adversarial_from"]) / ADVERSARIAL_RAMP)
                    loss = loss + ramp * (w["adversarial"] * adversarial_loss(fake) + w["matching"] * matching)
            phase_step = step - recipe["freeze_at"] if frozen else step
            phase_steps = run.total - recipe["freeze_at"] if frozen else min(run.total, recipe["freeze_at"])
            rate_share = learning_rate(phase_step, 1.0, recipe["warmup"], phase_steps, recipe["decay_share"])
            _descend(optimizer, loss, codec, recipe["lr"] * rate_share)
            if adversarial:
                critic.requires_grad_(True)
                with autocast(device):
                    judged = critic_loss(critic(x), critic(y.detach()))
                _descend(critic_optimizer, judged, critic, recipe["critic"]["lr"] * rate_share)
                run.log(LOG_EVERY, critic=judged.detach(), matching=matching.detach())
            ema.update(codec, phase_step)

            run.log(LOG_EVERY, mel=mel.detach(), complex=complex_.detach())
            if quantised and (step + 1) % recipe["validate_every"] == 0 and run.main:
                validate(ema.module, heard, run)


def _descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor, module: nn.Module, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    if dist.is_initialized():
        # By hand and not by DistributedDataParallel, which cannot have parameters frozen, or left out of a step, half-way.
        for g in gradients:
            dist.all_reduce(g)
            g.div_(dist.get_world_size())
    nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimizer.step()


if __name__ == "__main__":
    main()
