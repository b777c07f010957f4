"""Sampling of speech: as in `sampler.py`, with a text, a voice prompt in front whose tokens stay, and guidance on both."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from training.durations import DurationModel
from training.loss import HeadState
from training.masking import visible
from training.sampler import Sampling, Step, unmask
from training.speech_generator import SpeechCondition


def guidance_branches(voice_share: float | None) -> tuple[torch.Tensor, torch.Tensor]:
    """`drop` int32 `[G, 2]` and its weights `[G]`, as `SpeechStep` takes them.

    Text and voice together, c + s (c - u), take one evaluation without a condition. `voice_share` r of 0..1 gives each its own and moves the guidance
    from the text to the voice: c + s ((1 - r) (c - no text) + r (c - no voice)).
    """
    if voice_share is None:
        return torch.ones(1, 2, dtype=torch.int32), torch.ones(1)
    return torch.eye(2, dtype=torch.int32), torch.tensor([1 - voice_share, voice_share])


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
        drop: torch.Tensor,
        drop_weight: torch.Tensor,
        guidance: torch.Tensor,
        top_p: torch.Tensor,
        noise_scale: torch.Tensor,
        uniform: torch.Tensor,
        gaussian: torch.Tensor,
        valid: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`text [B, P, W]` and `voice [B, W]` from the encoders -> proposed, confidence. `valid [B, L]` is false for padding; a package has none."""
        g, D, (B, L) = self.generator, self.generator.config.D, k.shape
        k, seen, prompt = k.long(), visible(k, D), prompt > 0
        n = 1 + drop.shape[0]
        # Row by row the condition as it is, then each evaluation that goes without some of it.
        dropped_n2 = torch.cat([torch.zeros_like(drop[:1]), drop]) > 0
        dropped = dropped_n2.unsqueeze(1).expand(-1, B, -1).flatten(0, 1)
        states = g.trunk(
            self.embed(tokens, seen).repeat(n, 1, 1),
            k.repeat(n, 1),
            prompt.repeat(n, 1),
            None if valid is None else valid.repeat(n, 1),
            g.text.expand(text, frames.long()).repeat(n, 1, 1),
            voice.repeat(n, 1),
            dropped[:, 0],
            dropped[:, 1],
        )
        s = guidance.unsqueeze(1).expand(-1, L).reshape(-1, 1)
        w = drop_weight[:, None, None]

        def guided(x: torch.Tensor) -> torch.Tensor:
            c, u = x.reshape(n, B * L, -1).split([1, n - 1])
            return c[0] + s * (w * (c - u)).sum(0)

        head = HeadState(guided(states.logits), guided(states.u), states.log_a[: B * L], guided(states.b))
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


@torch.inference_mode()
def sample_speech(
    step: SpeechStep, prompt_BLD: torch.Tensor, condition: SpeechCondition, seeds_B: list[int], s: Sampling, voice_share: float | None = None
) -> torch.Tensor:
    """Tokens int32 `[B, L, D]`: those of `prompt_BLD` where `condition.prompt` says so, made ones in the other valid positions, 0 in the padding."""
    c = condition
    made = c.valid & ~c.prompt
    tokens = torch.where(c.prompt.unsqueeze(2), prompt_BLD.to(torch.int32), 0)
    text, voice = step.generator.text(c.phones), step.encode_voice(tokens, c.prompt)
    drop, weight = guidance_branches(voice_share)

    def propose(tokens: torch.Tensor, k: torch.Tensor, *draw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return step(tokens, k, text, voice, c.frames, c.prompt, drop, weight, *draw, c.valid)

    return unmask(propose, tokens, np.where(made.numpy(), prompt_BLD.shape[2], 0), seeds_B, s, step.generator.config.H)
