"""Discriminators that see a waveform folded at several periods (Kong et al. 2020, HiFi-GAN): what repeats, as a voice's pitch does, is a column there."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm


class PeriodDiscriminator(nn.Module):
    """Audio `[B, N]` -> the feature maps of every layer, the last of them one logit for each patch. Time shrinks 27-fold, the period never."""

    def __init__(self, period: int, width: int = 32):
        super().__init__()
        self.period = period
        widths = [1, width, 3 * width, 8 * width, 16 * width]
        strides = [3, 3, 3, 1]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (stride, 1), padding=(2, 0))) for a, b, stride in zip(widths, widths[1:], strides)
        )
        self.last = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio_BN: torch.Tensor) -> list[torch.Tensor]:
        h = F.pad(audio_BN.unsqueeze(1), (0, -audio_BN.shape[1] % self.period), mode="reflect").unflatten(2, (-1, self.period))
        maps = []
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.1)
            maps.append(h)
        return [*maps, self.last(h)]
