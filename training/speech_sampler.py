"""Sampling of speech: as in `sampler.py`, with a text, a voice prompt in front whose tokens stay, and guidance on both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from training.durations import DurationModel
from training.loss import HeadState
from training.masking import visible
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
        textless = torch.cat([torch.zeros(1), torch.ones_like(no_text)]).unsqueeze(1).expand(-1, B).flatten() > 0
        absent = g.text.absent.expand(B, Q, -1)
        role = behind_clip(torch.ones(B, Q, dtype=torch.bool), torch.zeros(B, L, dtype=torch.bool))
        no_k = torch.zeros(B, Q, dtype=torch.long)
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
            torch.zeros(1, dtype=torch.bool).expand(B * F, L),
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
def sample_speech(step: SpeechStep, row: Row, seed: int, s: Sampling, kept: int = 0) -> torch.Tensor:
    """Tokens int32 `[L, D]` of what stands behind the row's prompt. The first `kept` depths stay as the row has them.

    Of several candidates the one whose voice vector is nearest to the prompt's; where something is kept or too short to tell, there is but one.
    """
    D = row.x.shape[1]
    prompt, x = row.x[: row.prompt].unsqueeze(0).to(torch.int32), row.x[row.prompt :].unsqueeze(0).to(torch.int32)
    text, voice = step.generator.text(torch.tensor([row.phones])), step.encode_voice(prompt)
    frames = torch.from_numpy(row.frames[row.prompt :]).unsqueeze(0)
    branches = guidance_branches(s.voice_share)

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
