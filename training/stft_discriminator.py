"""Complex-STFT discriminators at several resolutions (after Defossez et al. 2022) with the hinge loss and feature matching."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from training.codec import compress
from training.speech_losses import complex_stft


class StftDiscriminator(nn.Module):
    """Audio `[B, N]` -> the feature maps of every layer, the last of them one logit for each patch of time and frequency.

    Frequency shrinks 16-fold in three convolutions, time twofold. With width 16 one pass costs about 0.1 GFLOP a second of audio.
    """

    def __init__(self, window: int, width: int = 16):
        super().__init__()
        self.register_buffer("hann", torch.hann_window(window), persistent=False)
        shapes = [(2, width, (3, 8), (1, 4)), (width, 2 * width, (3, 4), (1, 2)), (2 * width, 2 * width, (3, 4), (2, 2)), (2 * width, 2 * width, 3, 1)]
        self.layers = nn.ModuleList(weight_norm(nn.Conv2d(a, b, kernel, stride, padding=1)) for a, b, kernel, stride in shapes)
        self.last = weight_norm(nn.Conv2d(2 * width, 1, 3, padding=1))

    def forward(self, audio_BN: torch.Tensor) -> list[torch.Tensor]:
        h = torch.stack(compress(*complex_stft(audio_BN, self.hann)), 1).transpose(2, 3).contiguous(memory_format=torch.channels_last)
        maps = []
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.2)
            maps.append(h)
        return [*maps, self.last(h)]


class StftDiscriminators(nn.Module):
    """One for each window. A step uses one of them in turn: a third of the cost, and each still sees every third batch."""

    def __init__(self, windows: list[int], width: int):
        super().__init__()
        self.of_window = nn.ModuleList(StftDiscriminator(window, width) for window in windows)

    def turn(self, step: int) -> StftDiscriminator:
        return self.of_window[step % len(self.of_window)]


def critic_loss(real: list[torch.Tensor], fake: list[torch.Tensor]) -> torch.Tensor:
    return (F.relu(1 - real[-1].float()).mean() + F.relu(1 + fake[-1].float()).mean()) / 2


def adversarial_loss(fake: list[torch.Tensor]) -> torch.Tensor:
    return -fake[-1].float().mean()


def feature_matching_loss(real: list[torch.Tensor], fake: list[torch.Tensor]) -> torch.Tensor:
    """Mean over layers of the L1 distance relative to the real map's mean size."""
    distances = [(a - b.detach()).abs().mean() / b.detach().abs().mean().clamp(min=1e-4) for a, b in zip(fake[:-1], real[:-1])]
    return torch.stack(distances).mean()
