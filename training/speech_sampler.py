"""Sampling of speech: as in `sampler.py`, with a text, a voice prompt in front whose tokens stay, and guidance on both."""

from __future__ import annotations

import numpy as np
import torch

from training.loss import HeadState
from training.masking import visible
from training.sampler import Sampling, Step, unmask
from training.speech_generator import SpeechCondition


class SpeechStep(Step):
    """One forward pass. Guidance on text and voice together, c + s (c - u), takes two evaluations; with `voice_share` each has its own: three.

    `voice_share` r of 0..1 moves the guidance from the text to the voice: c + s ((1 - r) (c - no text) + r (c - no voice)).
    """

    def forward(
        self,
        tokens: torch.Tensor,
        k: torch.Tensor,
        condition: SpeechCondition,
        guidance: torch.Tensor,
        top_p: torch.Tensor,
        noise_scale: torch.Tensor,
        uniform: torch.Tensor,
        gaussian: torch.Tensor,
        voice_share: float | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """tokens int32 `[B, L, D]`, k `[B, L]`, guidance, top_p, noise_scale `[B]`, uniform `[B, L]`, gaussian `[B, L, H]` -> proposed, confidence."""
        D, (B, L) = self.generator.config.D, k.shape
        k, seen = k.long(), visible(k, D)
        z = self.embed(tokens, seen)
        dropped = [(True, True)] if voice_share is None else [(True, False), (False, True)]
        branches = [condition, *(condition.dropping(*which) for which in dropped)]
        n = len(branches)
        states = self.generator(z.repeat(n, 1, 1), k.repeat(n, 1), SpeechCondition.cat(branches))
        weights = [1.0] if voice_share is None else [1 - voice_share, voice_share]
        s = guidance.unsqueeze(1).expand(-1, L).reshape(-1, 1)
        parts = [x.unflatten(0, (n, B * L)).unbind(0) for x in (states.logits, states.u, states.b)]
        guided = [c + s * sum(w * (c - u) for w, u in zip(weights, others)) for c, *others in parts]
        head = HeadState(guided[0], guided[1], states.log_a[: B * L], guided[2])
        return self.quantise(self.draw(head, top_p, noise_scale, uniform, gaussian), tokens, seen)


@torch.inference_mode()
def sample_speech(
    step: SpeechStep, prompt_BLD: torch.Tensor, condition: SpeechCondition, seeds_B: list[int], s: Sampling, voice_share: float | None = None
) -> torch.Tensor:
    """Tokens int32 `[B, L, D]`: those of `prompt_BLD` where `condition.prompt` says so, made ones in the other valid positions, 0 in the padding."""
    made = condition.valid & ~condition.prompt
    tokens = torch.where(condition.prompt.unsqueeze(2), prompt_BLD.to(torch.int32), 0)

    def propose(tokens: torch.Tensor, k: torch.Tensor, *draw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return step(tokens, k, condition, *draw, voice_share)

    return unmask(propose, tokens, np.where(made.numpy(), prompt_BLD.shape[2], 0), seeds_B, s, step.generator.config.H)
