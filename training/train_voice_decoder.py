"""Teaches the decoder of a trained codec to make clean speech of tokens that a generator made.

    python -m training.train_voice_decoder --recipe training/recipes/voice-decoder.yaml

As `train_decoder` for pictures: the decoder has seen none but real tokens, and what it makes of sampled ones is rough where they contradict each other.
Encoder and codebooks stand still, so tokens stay valid, and the decoder alone learns on, from real tokens and from clips said again: the generator is given
a clip's text, its lengths, a prompt of its speaker and perhaps its first depths, and samples the rest. Where the first depth is real, so are pitch and
formants, and the clip itself is what to decode to. Where none is, critics alone judge: complex STFTs and waveforms folded at several periods, all of them at
every step. The recipe is one for a GPU, on which all clips and codes are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from tqdm import tqdm

from training.alignments import Alignment, load_alignments
from training.codec import Codec, load_codec, with_more_blocks
from training.export_voice import trained_models
from training.period_discriminator import PeriodDiscriminator
from training.quantiser import sum_embeddings, with_zero_code
from training.runner import Ema, Run, arguments, autocast, learning_rate, load_recipe, start_processes
from training.sampler import Sampling
from training.speech_data import RATE, Speech, load_speech, to_level
from training.speech_losses import SpectralLoss
from training.speech_sampler import AlikeRows, SpeechStep, sample_alike
from training.speech_tokens import LEVEL_DB, Cutter, Entry, Row, SpeechTokens, Version
from training.stft_discriminator import StftDiscriminator, adversarial_loss, critic_loss, feature_matching_loss
from training.train_codec import validate, validation_clips
from training.train_speech import cutters
from training.training_step import step_down

def targets_of_clips(tokens: SpeechTokens, speech: Speech, alignments: list[Alignment]) -> list[tuple[Entry, int]]:
    """Each training clip that has a text, as it is and in no shifted voice, with its index in `speech`: they are told by where their phones end, as several
    processes may have encoded them in any order. Raises SystemExit where tokens and clips do not match."""
    aligned = {(a.set, a.path): a for a in alignments if a.phones}
    clips: dict[tuple[object, ...], int] = {}
    for i, c in enumerate(speech.clips):
        if a := aligned.get((c.set, c.path)):
            entry = Version(c.speaker, c.set, np.empty(0), a, 1).entry(0, -(-c.samples * round(tokens.tokens_per_second) // RATE))
            clips[_as_said(entry)] = i
    pairs = []
    speakers = {c.speaker for c in speech.clips}
    for e in tokens.entries:
        if e.phones and e.voice in speakers:
            if (clip := clips.get(_as_said(e))) is None:
                raise SystemExit(f"The tokens of {e.set} were made of other clips. Remove tokens.pt of the generator's run; train_speech makes it again.")
            pairs.append((e, clip))
    return pairs


def _as_said(e: Entry) -> tuple[object, ...]:
    return e.set, e.voice, e.length, *e.phones, *e.ends


class Recordings:
    """Training clips on one device, codes and samples of each in step: `codes` int16 `[all positions, D]`, `samples` int16, `per_token` of them for each position."""

    def __init__(self, tokens: SpeechTokens, speech: Speech, pairs: list[tuple[Entry, int]], set_weights: dict[str, float], device: torch.device):
        self.per_token = round(RATE / tokens.tokens_per_second)
        self.length = torch.tensor([e.length for e, _ in pairs])
        self.start = self.length.cumsum(0) - self.length
        self.weight = torch.tensor([set_weights[e.set] * e.length for e, _ in pairs], dtype=torch.float64)
        self.codes = torch.cat([tokens.x[e.start : e.start + e.length] for e, _ in pairs]).to(device)
        samples = torch.zeros(len(self.codes) * self.per_token, dtype=torch.int16)
        for (_, clip), start in zip(tqdm(pairs, desc="clips", mininterval=5), self.start.tolist()):
            # The gain of the whole clip, as its tokens were made with.
            x = to_level(speech.read(clip), speech.clips[clip].level, LEVEL_DB)
            samples[start * self.per_token :][: len(x)] = torch.from_numpy(np.round(x * 32767).astype(np.int16))
        self.samples = samples.to(device)

    def draw(self, count: int, positions: int, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes int64 `[B, L, D]` of random pieces, and where each starts `[B]`. A clip by the weight of its set times its length."""
        weight = self.weight.where(self.length >= positions, 0)
        clip = torch.multinomial(weight, count, replacement=True, generator=draw)
        at = self.start[clip] + (torch.rand(count, generator=draw) * (self.length[clip] - positions + 1)).long()
        at = at.to(self.codes.device)
        return self.codes[at.unsqueeze(1) + torch.arange(positions, device=at.device)].long(), at

    def heard(self, at_B: torch.Tensor, positions: int) -> torch.Tensor:
        """The samples float32 `[B, N]` of what starts at these positions."""
        n = torch.arange(positions * self.per_token, device=at_B.device)
        return self.samples[at_B.unsqueeze(1) * self.per_token + n].float() / 32767


class Retold:
    """The newest `keep` pieces of clips that the generator said again, `positions` long, behind `prompt` positions of the voice; refreshed as training goes on.

    Beside the codes as they are said again: where the clip's own are in `recordings`, and how many first depths stayed real.
    """

    def __init__(
        self, step: SpeechStep, sampling: Sampling, cutter: Cutter, recordings: Recordings, pairs: list[tuple[Entry, int]], weights: dict[str, float], settings: dict[str, Any]
    ):
        self.step, self.sampling, self.cutter, self.recordings, self.settings = step, sampling, cutter, recordings, settings
        self.entries = [e for e, _ in pairs]
        self.weight = torch.tensor([weights[e.set] for e in self.entries], dtype=torch.float64)
        device = recordings.codes.device
        self.made = torch.zeros(0, settings["positions"], recordings.codes.shape[1], dtype=torch.int16, device=device)
        self.at, self.kept = (torch.zeros(0, dtype=torch.long, device=device) for _ in range(2))

    def _rows(self, draw: torch.Generator) -> Iterator[tuple[Row, int]]:
        """Rows long enough, without end, and where in `recordings` what is to be made starts."""
        while True:
            for i in torch.multinomial(self.weight, 64, replacement=True, generator=draw).tolist():
                row = self.cutter.row(self.entries[i], draw)
                if row.prompt >= self.settings["prompt"] and len(row.x) - row.prompt >= self.settings["positions"]:
                    yield row, int(self.recordings.start[i]) + row.at

    def make(self, seed: int) -> None:
        """A batch of them; the seed says all."""
        draw, B, device = torch.Generator().manual_seed(seed), self.settings["batch"], self.made.device
        rows, at = zip(*islice(self._rows(draw), B))
        kept = torch.tensor(self.settings["kept"])[torch.randint(len(self.settings["kept"]), (B,), generator=draw)].to(device)
        low, high = self.settings["noise"]
        sampling = self.sampling.with_(noise=low + (high - low) * float(torch.rand((), generator=draw)))
        alike = AlikeRows.cut(list(rows), self.settings["prompt"], self.settings["positions"]).to(device)
        made = sample_alike(self.step, alike, kept, sampling, torch.Generator(device).manual_seed(seed)).to(torch.int16)
        for name, fresh in (("made", made), ("at", torch.tensor(at, device=device)), ("kept", kept)):
            setattr(self, name, torch.cat([getattr(self, name), fresh])[-self.settings["keep"] :])

    def draw(self, count: int, positions: int, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Codes int64 `[B, L, D]` of random pieces, where in `recordings` each starts, and the depths kept `[B]`."""
        i = torch.randint(len(self.made), (count,), generator=draw).to(self.at.device)
        first = torch.randint(self.made.shape[1] - positions + 1, (count,), generator=draw).to(self.at.device)
        inside = first.unsqueeze(1) + torch.arange(positions, device=first.device)
        return self.made[i.unsqueeze(1), inside].long(), self.at[i] + first, self.kept[i]


class Critics(nn.Module):
    """Audio `[B, N]` -> the feature maps of each critic that judges at step `n`: of `at_once`, in turn, or of all where that is None."""

    def __init__(self, windows: list[int], width: int, periods: list[int], period_width: int, at_once: int | None = None):
        super().__init__()
        seen = [StftDiscriminator(window, width) for window in windows]
        self.each = nn.ModuleList([*seen, *(PeriodDiscriminator(period, period_width) for period in periods)])
        self.at_once = at_once or len(self.each)

    def forward(self, audio_BN: torch.Tensor, n: int) -> list[list[torch.Tensor]]:
        of_step = {(n * self.at_once + i) % len(self.each) for i in range(self.at_once)}
        return [critic(audio_BN) for i, critic in enumerate(self.each) if i in of_step]


class Balance:
    """How several losses pull at an output together: each with the share that the recipe gives it, however large its own gradient is (Défossez et al. 2022, section 3.4)."""

    def __init__(self, shares: dict[str, float], decay: float = 0.99):
        self.shares, self.decay, self.length, self.weight = shares, decay, dict.fromkeys(shares, 0.0), 0.0

    def __call__(self, losses: dict[str, torch.Tensor], y_BN: torch.Tensor) -> torch.Tensor:
        """The gradient `[B, N]`."""
        self.weight = self.decay * self.weight + 1 - self.decay
        total = torch.zeros_like(y_BN)
        for name, loss in losses.items():
            (gradient,) = torch.autograd.grad(loss, y_BN, retain_graph=True)
            self.length[name] = self.decay * self.length[name] + (1 - self.decay) * gradient.norm(dim=1).mean()
            total += self.shares[name] / sum(self.shares.values()) * gradient / (self.length[name] / self.weight).clamp(min=1e-12)
        return total


def summed(codec: Codec, x_BLD: torch.Tensor, depth_B: torch.Tensor) -> torch.Tensor:
    """Embeddings of each row's first `depth` depths, summed: `[B, L, H]`."""
    shown_BLD = (torch.arange(x_BLD.shape[2], device=x_BLD.device) < depth_B.view(-1, 1, 1)).expand_as(x_BLD)
    return sum_embeddings(with_zero_code(codec.quantiser.e_DVH), x_BLD, shown_BLD)


def mean(losses: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack(losses).mean()


def main() -> None:
    args = arguments(__doc__)
    recipe = load_recipe(args.recipe, args.set)
    device = start_processes(args.threads)
    if dist.is_initialized():
        raise SystemExit("The decoder is trained by one process; start it without torchrun.")
    # Linear layers may round their inputs on a GPU, the inverse STFT may not: its noise would be heard.
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = False
    runs = Path(args.runs)
    path = runs / recipe["generator"] / "checkpoint.pt"
    if not path.exists():
        raise SystemExit(f"There is no generator at {path}. Train it first: python -m training.train_speech --recipe …")
    spoken = torch.load(path, map_location="cpu", weights_only=True)["recipe"]
    _, step, _ = trained_models({**spoken, "decoder": None, "decoder_share": 1.0}, runs)
    codec = with_more_blocks(load_codec(runs, recipe["from"])[0], recipe["decoder_blocks"])
    recipe["model"] = asdict(codec.config)  # so that it loads as any codec's run
    tokens = SpeechTokens.load(runs / recipe["generator"] / "tokens.pt")
    cutter, _ = cutters(tokens, spoken, step.generator.config.frames_per_token)
    speech, held_out = load_speech(spoken, runs)
    alignments, _ = load_alignments(spoken, runs)
    pairs = targets_of_clips(tokens, speech, alignments)
    weights = spoken["data"]["sets"]
    recordings = Recordings(tokens, speech, pairs, weights, device)

    torch.manual_seed(recipe["seed"])
    codec = codec.to(device).requires_grad_(False)
    codec.decoder.requires_grad_(True)
    ema = Ema(codec, recipe["ema"])
    critic = recipe["critic"]
    critics = Critics(critic["windows"], critic["width"], critic["periods"], critic["period_width"], critic.get("at_once")).to(device)
    if "from" in critic:
        critics.load_state_dict(torch.load(runs / critic["from"] / "checkpoint.pt", map_location=device, weights_only=True)["state"]["critics"])
    spectral = SpectralLoss().to(device)
    optimizer = torch.optim.AdamW(codec.decoder.parameters(), lr=recipe["lr"], betas=(0.8, 0.95), weight_decay=0.0)
    critic_optimizer = torch.optim.AdamW(critics.parameters(), lr=critic["lr"], betas=(0.8, 0.95), weight_decay=0.0)
    state: dict[str, object] = {"codec": codec, "ema": ema.module, "critics": critics}
    state |= {"optimizer": optimizer, "critic_optimizer": critic_optimizer}

    sampling = Sampling(**spoken["package"]["presets"]["balanced"]).with_(steps=recipe["sample_steps"])
    retold = Retold(step.to(device), sampling, cutter, recordings, pairs, weights, recipe["retold"])
    positions = round(recipe["segment_s"] * tokens.tokens_per_second)
    heard = validation_clips(held_out, LEVEL_DB, recipe["validation_clips"]).to(device)
    real, made, w, D = recipe["batch"]["real"], recipe["batch"]["made"], recipe["weights"], codec.config.D
    balance = Balance({"spectra": w["spectra"], "critics": w["critics"]})

    with Run(args, recipe, state) as run:
        draw = torch.Generator().manual_seed(recipe["seed"] + 1000 * run.step)
        for i in tqdm(range(recipe["retold"]["first"]), desc="clips said again"):
            retold.make(run.step + run.total * (i + 1))
        for n in run.steps():
            if n % recipe["retold"]["every"] == 0:
                retold.make(n)
            x, at = recordings.draw(real, positions, draw)
            depth = torch.full((real + made,), D)
            cut = torch.rand(real, generator=draw) < recipe["cut_share"]
            depth[:real][cut] = torch.randint(1, D + 1, (int(cut.sum()),), generator=draw)
            said, said_at, kept = retold.draw(made, positions, draw)
            x, a = torch.cat([x, said]), recordings.heard(torch.cat([at, said_at]), positions)
            # Of these the clip itself is what to decode to.
            paired = real + torch.nonzero(kept > 0).squeeze(1)
            known = torch.cat([torch.arange(real, device=device), paired])

            with torch.no_grad():
                z = summed(codec, x, depth.to(device))
            y = codec.decoder(z)
            mel, complex_ = spectral(y[:real], a[:real])
            mel_made = spectral(y[paired], a[paired])[0] if len(paired) else torch.zeros((), device=device)
            with autocast(device):
                true = critics(a, n)
                critics.requires_grad_(False)
                fake = critics(y, n)
                critics.requires_grad_(True)
                judged = mean([critic_loss(r, f) for r, f in zip(true, critics(y.detach(), n))])
            matching = mean([feature_matching_loss([m[known] for m in r], [m[known] for m in f]) for r, f in zip(true, fake)])
            adversarial = mean([adversarial_loss(f) for f in fake])
            losses = {"spectra": w["mel"] * mel + w["complex"] * complex_ + w["mel_made"] * mel_made, "critics": adversarial + w["matching"] * matching}
            lr = learning_rate(run.scheduled, 1.0, recipe["warmup"], run.total, recipe["decay_share"])
            pull = balance(losses, y)
            # What critics that have learnt nothing yet say would undo what the decoder knows.
            if n >= critic["alone"]:
                step_down((pull * y).sum(), codec.decoder, optimizer, recipe["lr"] * lr)
                ema.update(codec, n)
            step_down(judged, critics, critic_optimizer, critic["lr"] * lr)
            run.log(recipe["log_every"], mel=mel, mel_made=mel_made, complex=complex_, matching=matching, adversarial=adversarial, critic=judged)
            if (n + 1) % recipe["validate_every"] == 0:
                validate(ema.module, heard, run)


if __name__ == "__main__":
    main()
