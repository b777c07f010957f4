"""Patch discriminator (Isola et al. 2017) for the tokenizer's decoder, with the hinge loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """Pixels `[B, 3, S, S]` -> one logit for each overlapping patch of 34 pixels, `[B, 1, S/8, S/8]`."""

    def __init__(self, width: int = 48):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for i in range(3):
            layers += [spectral_norm(nn.Conv2d(channels, width * 2**i, 4, 2, padding=1)), nn.LeakyReLU(0.2)]
            channels = width * 2**i
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(channels, 1, 3, padding=1)))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.layers(pixels)


def discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    return (F.relu(1 - real.float()).mean() + F.relu(1 + fake.float()).mean()) / 2


def generator_loss(fake: torch.Tensor) -> torch.Tensor:
    return -fake.float().mean()
