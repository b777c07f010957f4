"""Sampling of speech: as in `sampler.py`, with a text, a voice prompt in front whose tokens stay, and guidance on both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from training.durations import DurationModel
from training.loss import HeadState
from training.masking import masked_count, visible
from training.sampler import Sampling, Step, unmask
from training.speech_tokens import Row


@dataclass
class Branches:
    """The evaluations that guidance needs besides that of the whole condition, as `SpeechStep` takes them: c + s (sum_g w_g (c - u_g)).

    Without the voice, its clip's positions are left out too: at 8 s of clip and 4 s to be made, two thirds of them. That guides as well as blank positions do, or better.
    """

    no_text: torch.Tensor  # float32 [G], weights of the evaluations with voice but without text
    no_voice: torch.Tensor  # float32 [F], weights of those without the voice
    text_too: torch.Tensor  # int32 [F], 1 where such a one goes without the text too

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter((self.no_text, self.no_voice, self.text_too))


NO_BRANCHES = Branches(torch.zeros(0), torch.zeros(0), torch.zeros(0, dtype=torch.int32))


def guidance_branches(voice_share: float | None) -> Branches:
    """Text and voice together, c + s (c - u), take one evaluation without either. `voice_share` r of 0..1 gives each its own and moves the guidance
    from the text to the voice: c + s ((1 - r) (c - no text) + r (c - no voice))."""
    if voice_share is None:
        return Branches(torch.zeros(0), torch.ones(1), torch.ones(1, dtype=torch.int32))
    return Branches(torch.tensor([1 - voice_share]), torch.tensor([voice_share]), torch.zeros(1, dtype=torch.int32))


class SpeechStep(Step):
    """One forward pass. Exported as the ONNX graph `step` of a package that speaks; shapes in `src/contract/graphs.ts`."""

    def forward(
        self,
        tokens: torch.Tensor,
        k: torch.Tensor,
        text: torch.Tensor,
        voice: torch.Tensor,
        frames: torch.Tensor,
        prompt: torch.Tensor,
        no_text: torch.Tensor,
        no_voice: torch.Tensor,
        text_too: torch.Tensor,
        guidance: torch.Tensor,
        top_p: torch.Tensor,
        noise_scale: torch.Tensor,
        uniform: torch.Tensor,
        gaussian: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the L positions to be made, behind the Q of the clip `prompt [B, Q, D]`: `text [B, P, W]` and `voice [B, W]` from the encoders, -> proposed, confidence."""
        g, D, (B, L), Q = self.generator, self.generator.config.D, k.shape, prompt.shape[1]
        k, seen = k.long(), visible(k.long(), D)
        z_BLH, z_BQH = self.embed(tokens, seen), self.embed(prompt, torch.ones_like(prompt, dtype=torch.bool))
        text_BLW = g.text.expand(text, frames.long())
        n, F = 1 + no_text.shape[0], no_voice.shape[0]

        def behind_clip(clip: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
            return torch.cat([clip, made], 1).repeat(n, *[1] * (made.ndim - 1))

        # Row by row the condition as it is, then each evaluation without the text.
        textless = torch.cat([no_text.new_zeros(1), torch.ones_like(no_text)]).unsqueeze(1).expand(-1, B).flatten() > 0
        absent = g.text.absent.expand(B, Q, -1)
        role = behind_clip(torch.ones(B, Q, dtype=torch.bool, device=k.device), torch.zeros(B, L, dtype=torch.bool, device=k.device))
        no_k = torch.zeros(B, Q, dtype=torch.long, device=k.device)
        known = g.trunk(
            behind_clip(z_BQH, z_BLH),
            behind_clip(no_k, k),
            role,
            None,
            behind_clip(absent, text_BLW),
            voice.repeat(n, 1),
            textless,
            torch.zeros_like(textless),
            first=Q,
        )
        mute = text_too.unsqueeze(1).expand(-1, B).flatten() > 0
        bare = g.trunk(
            z_BLH.repeat(F, 1, 1),
            k.repeat(F, 1),
            torch.zeros(1, dtype=torch.bool, device=k.device).expand(B * F, L),
            None,
            text_BLW.repeat(F, 1, 1),
            voice.repeat(F, 1),
            mute,
            torch.ones_like(mute),
        )
        s = guidance.unsqueeze(1).expand(-1, L).reshape(-1, 1)

        def guided(with_clip: torch.Tensor, without: torch.Tensor) -> torch.Tensor:
            c, u = with_clip.unflatten(0, (n, B * L)).split([1, n - 1])
            c = c[0]
            pull = (no_text[:, None, None] * (c - u)).sum(0) + (no_voice[:, None, None] * (c - without.unflatten(0, (F, B * L)))).sum(0)
            return c + s * pull

        head = HeadState(guided(known.logits, bare.logits), guided(known.u, bare.u), known.log_a[: B * L], guided(known.b, bare.b))
        return self.quantise(self.draw(head, top_p, noise_scale, uniform, gaussian), tokens, seen)

    def encode_voice(self, prompt_BQD: torch.Tensor, mask_BQ: torch.Tensor | None = None) -> torch.Tensor:
        """Voice vector `[B, W]` of clips' tokens, of which those outside of the mask do not count."""
        z = self.embed(prompt_BQD, torch.ones_like(prompt_BQD, dtype=torch.bool))
        return self.generator.voice(z, mask_BQ)


class TextGraph(nn.Module):
    """What a step needs of the text and of the voice, once a sentence, and how long each phone lasts. Exported as the ONNX graph `text`."""

    def __init__(self, step: SpeechStep, durations: DurationModel):
        super().__init__()
        self.step, self.durations = step, durations

    def forward(self, phones: torch.Tensor, speed: torch.Tensor, prompt: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """phones int32 `[B, P]`, speed `[B]`, prompt int32 `[B, Q, D]` -> text `[B, P, W]`, ms `[B, P]`, voice `[B, W]`."""
        # Nobody knows the prompt's words, so the pace is the average one.
        ms = self.durations(phones.long(), torch.zeros_like(speed), speed)
        return self.step.generator.text(phones.long()), ms, self.step.encode_voice(prompt)


LEAST_VOICE = 8  # positions from which a voice vector is taken


def candidate_seed(seed: int, c: int) -> int:
    """That of the first candidate is the sentence's own. Twin of `candidateSeed` in `src/engine/speech.ts`."""
    return (seed + c * 0x9E3779B9) & 0xFFFFFFFF


@torch.inference_mode()
def sample_speech(step: SpeechStep, row: Row, seed: int, s: Sampling, voice_share: float | None = None, kept: int = 0) -> torch.Tensor:
    """Tokens int32 `[L, D]` of what stands behind the row's prompt. The first `kept` depths stay as the row has them.

    Of several candidates the one whose voice vector is nearest to the prompt's; where something is kept or too short to tell, there is but one.
    """
    D = row.x.shape[1]
    prompt, x = row.x[: row.prompt].unsqueeze(0).to(torch.int32), row.x[row.prompt :].unsqueeze(0).to(torch.int32)
    text, voice = step.generator.text(torch.tensor([row.phones])), step.encode_voice(prompt)
    frames = torch.from_numpy(row.frames[row.prompt :]).unsqueeze(0)
    branches = guidance_branches(voice_share)

    def propose(tokens: torch.Tensor, k: torch.Tensor, guidance: torch.Tensor, *draw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return step(tokens, k, text, voice, frames, prompt, *(branches if guidance.any() else NO_BRANCHES), guidance, *draw)

    L = x.shape[1]
    tokens = torch.where(torch.arange(D) < kept, x, 0)
    candidates = 1 if kept or L < LEAST_VOICE else s.candidates
    said = [
        unmask(propose, tokens, np.full((1, L), D - kept), [candidate_seed(seed, c)], s, step.generator.config.H) for c in range(candidates)
    ]
    near = [float(torch.cosine_similarity(step.encode_voice(one), voice)) for one in said] if candidates > 1 else [1.0]
    return said[near.index(max(near))][0]


@dataclass
class AlikeRows:
    """Rows of one length, on any device: the prompt's codes int64 `[B, Q, D]`, those of what is to be made `[B, L, D]`, padded phones `[B, P]`, and the phone of each text frame `[B, L, R]`."""

    prompt: torch.Tensor
    x: torch.Tensor
    phones: torch.Tensor
    frames: torch.Tensor

    def to(self, device: torch.device) -> AlikeRows:
        return AlikeRows(*(x.to(device) for x in vars(self).values()))

    @staticmethod
    def cut(rows: list[Row], Q: int, L: int) -> AlikeRows:
        """The last `Q` positions of each row's prompt and the first `L` of what follows it; every row must have as many."""
        phones = pad_sequence([torch.tensor(row.phones) for row in rows], batch_first=True)
        prompt, x = (torch.stack([row.x[row.prompt - before : row.prompt + after] for row in rows]) for before, after in ((Q, 0), (0, L)))
        frames = torch.stack([torch.from_numpy(row.frames[row.prompt : row.prompt + L]) for row in rows])
        return AlikeRows(prompt, x, phones, frames)


@torch.inference_mode()
def sample_alike(step: SpeechStep, rows: AlikeRows, kept_B: torch.Tensor, s: Sampling, draw: torch.Generator) -> torch.Tensor:
    """As `sample_speech`, of many rows together where they are: codes int64 `[B, L, D]`, of which the first `kept` depths of each row stay.

    For training alone: the numbers come from `draw`, on the rows' device, and not from seeds that the engine could repeat.
    """
    (B, L, D), H, device = rows.x.shape, step.generator.config.H, rows.x.device
    prompt, branches = rows.prompt.to(torch.int32), [branch.to(device) for branch in guidance_branches(None)]
    text, voice = step.generator.text(rows.phones), step.encode_voice(prompt)
    tokens, k = rows.x.to(torch.int32), (D - kept_B).unsqueeze(1).expand(B, L)
    n_all = k.sum(1)
    for t in range(1, s.steps + 1):
        share = (t - 1) / max(1, s.steps - 1)
        full = lambda value: torch.full((B,), value, device=device)  # noqa: E731
        guidance = full(s.guidance_from + (s.guidance_to - s.guidance_from) * share)
        uniform = torch.rand(B, L, generator=draw, device=device)
        gaussian = torch.randn(B, L, H, generator=draw, device=device)
        proposed, score = step(tokens, k, text, voice, rows.frames, prompt, *branches, guidance, full(s.top_p), full(s.noise), uniform, gaussian)
        n = masked_count(torch.full((B,), t / s.steps, device=device, dtype=torch.float64), n_all, s.schedule)
        gumbel = -torch.log(-torch.log(torch.rand(B, L, D, generator=draw, device=device).clamp(1e-7, 1 - 1e-7)))
        was, k = k, reveal_together(k, score + s.tau * (1 - t / s.steps) * gumbel, n)
        tokens = torch.where(visible(k, D) & ~visible(was, D), proposed, tokens)
    return tokens.long()


def reveal_together(k_BL: torch.Tensor, value_BLD: torch.Tensor, n_B: torch.Tensor) -> torch.Tensor:
    """New `k [B, L]`: of each row's masked tokens the `n` of the lowest value stay masked. As `training.sampler.reveal`, of all rows at once."""
    L, D = value_BLD.shape[1:]
    rank = value_BLD.masked_fill(visible(k_BL, D), torch.inf).flatten(1).argsort(dim=1, stable=True).argsort(1)
    return (rank < n_B.unsqueeze(1)).unflatten(1, (L, D)).sum(2)
