"""Discriminators for the tokenizer's decoder, with the hinge loss: of patches of pixels (Isola et al. 2017), and of a frozen network's features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from training.perceptual import unit


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


class FeatureCritic(nn.Module):
    """Features `[B, c, S, S]` at growing strides (`perceptual.FeatureDistance`) and classes `[B]` -> logits `[B, n]` (Sauer et al. 2021, "Projected GANs").

    Each head adds what it says of any picture and what it says of one of this class (projection, Miyato and Koyama 2018). The first head takes
    steps of two: at stride 2 there are many places and little meaning.
    """

    def __init__(self, channels: list[int], classes: int, width: int = 64):
        super().__init__()
        self.heads = nn.ModuleList(_FeatureHead(c, width, classes, 2 if i == 0 else 1) for i, c in enumerate(channels))

    def forward(self, features: list[torch.Tensor], label_B: torch.Tensor) -> torch.Tensor:
        logits = [head(f, label_B) for head, f in zip(self.heads, features, strict=True)]
        # Each stride counts alike, however many places it has.
        most = max(x.shape[1] for x in logits)
        return torch.cat([x.repeat_interleave(most // x.shape[1], 1) for x in logits], 1)


class _FeatureHead(nn.Module):
    def __init__(self, channels: int, width: int, classes: int, stride: int):
        super().__init__()
        self.scale = channels**0.5
        self.layers = nn.Sequential(
            spectral_norm(nn.Conv2d(channels, width, 1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, width, 3, stride, padding=1)),
            nn.LeakyReLU(0.2),
        )
        self.any_class = spectral_norm(nn.Conv2d(width, 1, 1))
        self.this_class = spectral_norm(nn.Embedding(classes, width))

    def forward(self, f: torch.Tensor, label_B: torch.Tensor) -> torch.Tensor:
        h = self.layers(unit(f) * self.scale)
        return (self.any_class(h) + (h * self.this_class(label_B)[:, :, None, None]).sum(1, keepdim=True)).flatten(1)


def discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    return (F.relu(1 - real.float()).mean() + F.relu(1 + fake.float()).mean()) / 2


def generator_loss(fake: torch.Tensor) -> torch.Tensor:
    return -fake.float().mean()
