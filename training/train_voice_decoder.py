"""Teaches the decoder of a trained codec to make clean speech of tokens that a generator made.

    python -m training.train_voice_decoder --recipe training/recipes/voice-decoder.yaml

As `train_decoder` for pictures: the decoder has seen none but real tokens, and what it makes of sampled ones is rough where they contradict each other.
Encoder and codebooks stand still, so tokens stay valid, and the decoder alone learns on, from real tokens and from clips said again: the generator is given
a clip's text, its lengths, a prompt of its speaker and perhaps its first depths, and samples the rest. Where the first depth is real, so are pitch and
formants, and the clip itself is what to decode to. Where none is, a critic alone judges. The critics are those of the codec's own training, complex STFTs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from tqdm import tqdm

from training.alignments import Alignment, load_alignments
from training.codec import Codec, load_codec
from training.export_voice import trained_models
from training.quantiser import sum_embeddings, with_zero_code
from training.runner import Ema, Run, arguments, autocast, learning_rate, load_recipe, start_processes
from training.sampler import Sampling
from training.speech_data import RATE, Speech, load_speech, to_level
from training.speech_losses import SpectralLoss
from training.speech_sampler import SpeechStep, sample_speech
from training.speech_tokens import LEVEL_DB, Cutter, Entry, Row, SpeechTokens, Version
from training.stft_discriminator import StftDiscriminators, adversarial_loss, critic_loss, feature_matching_loss
from training.train_codec import validate, validation_clips
from training.train_speech import cutters
from training.training_step import step_down

FIRST_SEED = 1_000_000  # far from the seeds of the evaluation, whose samples the decoder must not have seen


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


@dataclass
class Told:
    """A clip, or part of one, and how the generator said it again: codes int16 `[L, D]`, samples float32 `[N]`, how many first depths stayed real."""

    real: torch.Tensor
    made: torch.Tensor
    audio: np.ndarray
    kept: int


class Retold:
    """The newest `keep` clips that the generator said again, refreshed as training goes on."""

    def __init__(
        self,
        step: SpeechStep,
        sampling: Sampling,
        cutter: Cutter,
        speech: Speech,
        pairs: list[tuple[Entry, int]],
        set_weights: dict[str, float],
        settings: dict[str, Any],
    ):
        self.step, self.sampling, self.cutter, self.speech, self.pairs, self.settings = step, sampling, cutter, speech, pairs, settings
        self.weight = torch.tensor([set_weights[e.set] for e, _ in pairs], dtype=torch.float64)
        self.told: list[Told] = []

    @torch.inference_mode()
    def make(self, seed: int) -> None:
        """A batch of them; the seed says all."""
        draw, B = torch.Generator().manual_seed(seed), self.settings["batch"]
        picks = torch.multinomial(self.weight, B, replacement=True, generator=draw).tolist()
        chosen = [(self.cutter.row(self.pairs[i][0], draw), i) for i in picks]
        kept = torch.tensor(self.settings["kept"])[torch.randint(len(self.settings["kept"]), (B,), generator=draw)]
        low, high = self.settings["noise"]
        sampling = self.sampling.with_(noise=low + (high - low) * float(torch.rand((), generator=draw)))
        for n, ((row, i), depth) in enumerate(zip(chosen, kept.tolist())):
            if row.prompt == 0:
                continue  # a clip with nothing to prompt it: no one's voice is asked for in the studio
            x = sample_speech(self.step, row, FIRST_SEED + seed * B + n, sampling, kept=depth)
            self.told.append(self._told(row, self.pairs[i][1], x, depth))
        del self.told[: -self.settings["keep"]]

    def _told(self, row: Row, clip: int, x_LD: torch.Tensor, kept: int) -> Told:
        end = len(row.x)
        per_token = round(RATE / self.cutter.rate)
        # The gain of the whole clip, as its tokens were made with.
        audio = to_level(self.speech.read(clip), self.speech.clips[clip].level, LEVEL_DB)
        wanted = np.zeros((end - row.prompt) * per_token, np.float32)
        found = audio[row.at * per_token :][: len(wanted)]
        wanted[: len(found)] = found
        return Told(row.x[row.prompt :].to(torch.int16), x_LD.to(torch.int16), wanted, kept)

    def draw(self, count: int, positions: int, made: bool, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Codes int64 `[B, L, D]` of random pieces, the samples `[B, N]` of the true clips there, and the depths kept `[B]`, D of what is real."""
        codes, audio, kept = [], [], []
        long = [t for t in self.told if len(t.real) >= positions]
        for i in torch.randint(len(long), (count,), generator=draw).tolist():
            t = long[i]
            at, per_token = int(torch.randint(len(t.real) - positions + 1, (), generator=draw)), len(t.audio) // len(t.real)
            codes.append((t.made if made else t.real)[at : at + positions])
            audio.append(t.audio[at * per_token : (at + positions) * per_token])
            kept.append(t.kept if made else t.real.shape[1])
        return torch.stack(codes).long(), torch.from_numpy(np.stack(audio)), torch.tensor(kept)


def summed(codec: Codec, x_BLD: torch.Tensor, depth_B: torch.Tensor) -> torch.Tensor:
    """Embeddings of each row's first `depth` depths, summed: `[B, L, H]`."""
    shown_BLD = (torch.arange(x_BLD.shape[2], device=x_BLD.device) < depth_B.view(-1, 1, 1)).expand_as(x_BLD)
    return sum_embeddings(with_zero_code(codec.quantiser.e_DVH), x_BLD, shown_BLD)


def main() -> None:
    args = arguments(__doc__)
    recipe = load_recipe(args.recipe, args.set)
    device = start_processes(args.threads)
    if dist.is_initialized():
        raise SystemExit("The decoder is trained by one process; start it without torchrun.")
    runs = Path(args.runs)
    path = runs / recipe["generator"] / "checkpoint.pt"
    if not path.exists():
        raise SystemExit(f"There is no generator at {path}. Train it first: python -m training.train_speech --recipe …")
    spoken = torch.load(path, map_location="cpu", weights_only=True)["recipe"]
    _, step, _ = trained_models({**spoken, "decoder": None}, runs)
    codec, _ = load_codec(runs, spoken["codec"])
    recipe["model"] = asdict(codec.config)  # so that it loads as any codec's run
    tokens = SpeechTokens.load(runs / recipe["generator"] / "tokens.pt")
    cutter, _ = cutters(tokens, spoken, step.generator.config.frames_per_token)
    speech, held_out = load_speech(spoken, runs)
    alignments, _ = load_alignments(spoken, runs)
    pairs = targets_of_clips(tokens, speech, alignments)

    torch.manual_seed(recipe["seed"])
    codec = codec.to(device)
    codec.decoder.requires_grad_(True)
    ema = Ema(codec, recipe["ema"])
    critics = StftDiscriminators(recipe["critic"]["windows"], recipe["critic"]["width"]).to(device)
    # Those that taught this decoder, if that run is at hand and not made from a package.
    taught = torch.load(runs / spoken["codec"] / "checkpoint.pt", map_location="cpu", weights_only=True)["state"].get("critics")
    if taught and recipe["critic"]["from_codec"]:
        critics.load_state_dict(taught)
    spectral = SpectralLoss().to(device)
    optimizer = torch.optim.AdamW(codec.decoder.parameters(), lr=recipe["lr"], betas=(0.8, 0.95), weight_decay=0.0)
    critic_optimizer = torch.optim.AdamW(critics.parameters(), lr=recipe["critic"]["lr"], betas=(0.8, 0.95), weight_decay=0.0)
    state: dict[str, object] = {"codec": codec, "ema": ema.module, "critics": critics}
    state |= {"optimizer": optimizer, "critic_optimizer": critic_optimizer}

    sampling = Sampling(**spoken["package"]["presets"]["balanced"]).with_(steps=recipe["sample_steps"])
    retold = Retold(step, sampling, cutter, speech, pairs, spoken["data"]["sets"], recipe["retold"])
    positions = round(recipe["segment_s"] * tokens.tokens_per_second)
    heard = validation_clips(held_out, LEVEL_DB, recipe["validation_clips"]).to(device)
    share, w, D = recipe["batch"], recipe["weights"], codec.config.D

    with Run(args, recipe, state) as run:
        draw = torch.Generator().manual_seed(recipe["seed"] + 1000 * run.step)
        first = recipe["retold"]["keep"] // recipe["retold"]["batch"] // 2
        for i in tqdm(range(first), desc="clips said again"):
            retold.make(run.step + run.total * (i + 1))
        for n in run.steps():
            if n % recipe["retold"]["every"] == 0:
                retold.make(n)
            x, a, kept = (torch.cat(pair) for pair in zip(retold.draw(share["real"], positions, False, draw), retold.draw(share["made"], positions, True, draw)))
            x, a = x.to(device), a.to(device)
            depth = torch.full((len(x),), D)
            cut = torch.rand(share["real"], generator=draw) < recipe["cut_share"]
            depth[: share["real"]][cut] = torch.randint(1, D + 1, (int(cut.sum()),), generator=draw)
            true, paired = slice(0, share["real"]), torch.nonzero((kept > 0) & (torch.arange(len(x)) >= share["real"])).squeeze(1).to(device)
            known = torch.nonzero(kept > 0).squeeze(1).to(device)

            critic = critics.turn(n)
            with torch.no_grad():
                z = summed(codec, x, depth.to(device))
            with autocast(device):
                y = codec.decoder(z)
                mel, complex_ = spectral(y[true], a[true])
                loss = w["mel"] * mel + w["complex"] * complex_
                mel_made = spectral(y[paired], a[paired])[0] if len(paired) else torch.zeros(())
                loss = loss + w["mel_made"] * mel_made
                critic.requires_grad_(False)
                with torch.no_grad():
                    real = critic(a)
                fake = critic(y)
                matching = feature_matching_loss([m[known] for m in real], [m[known] for m in fake])
                ramp = min(1, n / recipe["ramp"])
                adversarial = adversarial_loss(fake)
                loss = loss + ramp * (w["adversarial"] * adversarial + w["matching"] * matching)
            lr = learning_rate(run.scheduled, 1.0, 100, run.total, recipe["decay_share"])
            step_down(loss, codec.decoder, optimizer, recipe["lr"] * lr)
            critic.requires_grad_(True)
            with autocast(device):
                judged = critic_loss(critic(a), critic(y.detach()))
            step_down(judged, critic, critic_optimizer, recipe["critic"]["lr"] * lr)
            ema.update(codec, n)
            run.log(recipe["log_every"], mel=mel, mel_made=mel_made, complex=complex_, matching=matching, adversarial=adversarial, critic=judged)
            if (n + 1) % recipe["validate_every"] == 0:
                validate(ema.module, heard, run)


if __name__ == "__main__":
    main()
