"""RQ-VAE for pictures: convolutional encoder, residual quantiser, convolutional decoder. No attention (resgen.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from training.quantiser import ResidualQuantiser


@dataclass
class TokenizerConfig:
    """`strides` are the encoder's two reductions; a picture of `size` gives a grid of `size / (s1 * s2)` a side."""

    size: int = 96
    strides: tuple[int, int] = (4, 3)
    encoder_widths: tuple[int, int] = (64, 256)
    decoder_widths: tuple[int, int, int] = (256, 96, 32)
    D: int = 16
    V: int = 1024
    H: int = 64

    @property
    def grid(self) -> int:
        return self.size // (self.strides[0] * self.strides[1])

    @property
    def L(self) -> int:
        return self.grid**2


class ResBlock(nn.Module):
    """GroupNorm, SiLU, 3x3 convolution, twice, plus the input; `[B, C, S, S]` -> the same."""

    def __init__(self, width: int):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(16, width), nn.GroupNorm(16, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(h)))


class Upsample(nn.Module):
    """Pointwise sub-pixel convolution: `[B, C, S, S]` -> `[B, C', s S, s S]`, started as nearest-neighbour so that no checkerboard shows."""

    def __init__(self, width_in: int, width_out: int, stride: int, kernel: int = 1):
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(width_in, width_out * stride**2, kernel, padding=kernel // 2)
        with torch.no_grad():
            for t in (self.conv.weight, self.conv.bias):
                t.copy_(t[:: stride**2].repeat_interleave(stride**2, 0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pixel_shuffle(self.conv(x), self.stride)


def _downsample(width_in: int, width_out: int, stride: int) -> nn.Conv2d:
    """`[B, C, S, S]` -> `[B, C', S / stride, S / stride]`; neighbouring windows overlap by one pixel a side."""
    return nn.Conv2d(width_in, width_out, stride + 2, stride, padding=1)


class Encoder(nn.Module):
    """Pixels `[B, 3, S, S]` in -1..1 -> latents `[B, H, g, g]`."""

    def __init__(self, c: TokenizerConfig):
        super().__init__()
        (s1, s2), (w1, w2) = c.strides, c.encoder_widths
        self.layers = nn.Sequential(
            _downsample(3, w1, s1),
            ResBlock(w1),
            _downsample(w1, w2, s2),
            ResBlock(w2),
            ResBlock(w2),
            nn.GroupNorm(16, w2),
            nn.SiLU(),
            nn.Conv2d(w2, c.H, 1),
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.layers(pixels)


class Decoder(nn.Module):
    """Latents `[B, H, g, g]` -> pixels `[B, 3, S, S]`, about -1..1."""

    def __init__(self, c: TokenizerConfig):
        super().__init__()
        (s1, s2), (w1, w2, w3) = c.strides, c.decoder_widths
        self.layers = nn.Sequential(
            nn.Conv2d(c.H, w1, 3, padding=1),
            ResBlock(w1),
            ResBlock(w1),
            Upsample(w1, w2, s2),
            ResBlock(w2),
            ResBlock(w2),
            Upsample(w2, w3, 2),
            ResBlock(w3),
            nn.GroupNorm(16, w3),
            nn.SiLU(),
            Upsample(w3, 3, s1 // 2, kernel=3),
        )

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.layers(latents)


class Tokenizer(nn.Module):
    """Pictures to tokens `[B, L, D]` and back; `L` runs row by row over the grid."""

    def __init__(self, config: TokenizerConfig):
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.quantiser = ResidualQuantiser(config.D, config.V, config.H)

    def latents(self, pixels_BCSS: torch.Tensor) -> torch.Tensor:
        """`[B, 3, S, S]` -> `[B, L, H]`, float32."""
        return self.encoder(pixels_BCSS).float().flatten(2).transpose(1, 2)

    def encode(self, pixels_BCSS: torch.Tensor) -> torch.Tensor:
        """`[B, 3, S, S]` in -1..1 -> codes int64 `[B, L, D]`."""
        z_BLH = self.latents(pixels_BCSS)
        return self.quantiser.encode(z_BLH.flatten(0, 1)).unflatten(0, z_BLH.shape[:2])

    def decode(self, x_BLD: torch.Tensor, depth: int | None = None) -> torch.Tensor:
        """Codes `[B, L, D]` -> pixels `[B, 3, S, S]` from the first `depth` depths (all by default)."""
        z_BLH = self.quantiser.embed(x_BLD.flatten(0, 1), depth).unflatten(0, x_BLD.shape[:2])
        return self.decode_latents(z_BLH)

    def decode_latents(self, z_BLH: torch.Tensor) -> torch.Tensor:
        g = self.config.grid
        return self.decoder(z_BLH.transpose(1, 2).unflatten(2, (g, g)).contiguous(memory_format=torch.channels_last))

    def forward(self, pixels_BCSS: torch.Tensor, depth_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Reconstruction at each picture's own depth, commitment loss, mean squared residual by depth `[D]`."""
        z_BLH = self.latents(pixels_BCSS)
        depth_N = depth_B.repeat_interleave(z_BLH.shape[1])
        zq, commit, residual_D = self.quantiser(z_BLH.flatten(0, 1), depth_N)
        return self.decode_latents(zq.unflatten(0, z_BLH.shape[:2])), commit, residual_D
