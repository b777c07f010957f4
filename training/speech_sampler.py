"""Sampling of speech: as in `sampler.py`, with a text, a voice prompt in front whose tokens stay, and guidance on both."""

from __future__ import annotations

import numpy as np
import torch

from training import noise
from training.loss import HeadState
from training.masking import masked_count, visible
from training.sampler import Sampling, Step, reveal
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
        z = sum(self.e_DVH[j][tokens[:, :, j].long()] * seen[:, :, j : j + 1].float() for j in range(D))
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
    c = step.generator.config
    B, L, D = prompt_BLD.shape
    made = condition.valid & ~condition.prompt
    tokens = torch.where(condition.prompt.unsqueeze(2), prompt_BLD.to(torch.int32), 0)
    k = np.where(made.numpy(), D, 0)
    total = made.sum(1) * D
    for t in range(1, s.steps + 1):
        share = (t - 1) / (s.steps - 1) if s.steps > 1 else 1.0
        guidance = s.guidance_from + (s.guidance_to - s.guidance_from) * share
        u = torch.from_numpy(np.stack([noise.uniform(seed, noise.UNIFORM, t, L) for seed in seeds_B])).float()
        g = torch.from_numpy(np.stack([noise.gaussian(seed, noise.GAUSSIAN, t, L * c.H) for seed in seeds_B])).float().view(B, L, c.H)
        full = lambda value: torch.full((B,), value)  # noqa: E731
        proposed, confidence = step(tokens, torch.from_numpy(k), condition, full(guidance), full(s.top_p), full(s.noise), u, g, voice_share)
        was, tau = k.copy(), s.tau * (1 - t / s.steps)
        for i, seed in enumerate(seeds_B):
            n = int(masked_count(torch.tensor(t / s.steps, dtype=torch.float64), int(total[i]), s.schedule))
            gumbel = noise.gumbel(seed, noise.GUMBEL, t, L * D).astype(np.float32).reshape(L, D)
            k[i] = reveal(was[i], confidence[i].numpy(), gumbel, n, tau, s.reveal)
        fresh = visible(torch.from_numpy(k), D) & ~visible(torch.from_numpy(was), D)
        tokens = torch.where(fresh, proposed, tokens)
    return tokens
