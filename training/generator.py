"""ResGen's network: a transformer over `L` positions with a mixture-of-Gaussians head (resgen.md sections 2 and 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from training.loss import HeadState


@dataclass
class GeneratorConfig:
    """`C` classes; condition index `C` stands for "no condition". Shapes as in the tokenizer: L, D, H; K components of rank h."""

    C: int
    L: int
    D: int
    H: int
    K: int = 512
    rank: int = 16
    width: int = 256
    blocks: int = 8
    heads: int = 4

    @property
    def grid(self) -> int:
        """Rows, and columns, of positions."""
        return math.isqrt(self.L)


class Block(nn.Module):
    """Pre-norm attention and MLP, shifted, scaled and gated by the condition (adaLN, Peebles and Xie 2023).

    A depthwise convolution over the grid goes before (conditional position encoding, Chu et al. 2023). The condition's projection is shared
    by all blocks; each adds its own bias, as the paper replaces adaLN's linear layers by biases.
    """

    def __init__(self, width: int, heads: int, grid: int):
        super().__init__()
        self.heads, self.grid = heads, grid
        # Attention has to learn who is whose neighbour; a depthwise convolution knows, which is most of the way in a short run.
        self.neighbours = nn.Conv2d(width, width, 3, padding=1, groups=width)
        nn.init.normal_(self.neighbours.weight, std=0.05)
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.bias = nn.Parameter(torch.zeros(6, width))
        with torch.no_grad():
            # Gates start at a tenth: near the identity, yet every block learns from the first step.
            self.bias[2], self.bias[5] = 0.1, 0.1

    def forward(self, x_BLW: torch.Tensor, modulation_B6W: torch.Tensor) -> torch.Tensor:
        grid_BWgg = x_BLW.transpose(1, 2).unflatten(2, (self.grid, self.grid))
        x_BLW = x_BLW + self.neighbours(grid_BWgg).flatten(2).transpose(1, 2)
        shift1, scale1, gate1, shift2, scale2, gate2 = (modulation_B6W + self.bias).unsqueeze(2).unbind(1)
        q, k, v = self.qkv(self.norm1(x_BLW) * (1 + scale1) + shift1).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x_BLW = x_BLW + gate1 * self.out(attended)
        h = self.norm2(x_BLW) * (1 + scale2) + shift2
        return x_BLW + gate2 * self.down(F.gelu(self.up(h), approximate="tanh"))


class Generator(nn.Module):
    """Visible embedding sums, masked depths and a class -> the head's state at every position."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        c = self.config = config
        self.embed_z = nn.Linear(c.H, c.width)
        self.embed_k = nn.Embedding(c.D + 1, c.width)
        self.position = nn.Parameter(torch.randn(c.L, c.width) * 0.02)
        self.embed_class = nn.Embedding(c.C + 1, c.width)
        self.modulation = nn.Linear(c.width, 6 * c.width)
        self.blocks = nn.ModuleList(Block(c.width, c.heads, c.grid) for _ in range(c.blocks))
        self.norm = nn.LayerNorm(c.width)
        self.head_pi = nn.Linear(c.width, c.K)
        self.head_ab = nn.Linear(c.width, c.rank + 1 + c.H)
        self.M = nn.Parameter(torch.randn(c.K, c.H, c.rank) * c.rank**-0.5)
        self.s = nn.Parameter(torch.randn(c.K, c.H) * 0.5)
        for embedding in (self.embed_k, self.embed_class):
            nn.init.normal_(embedding.weight, std=0.5 if embedding is self.embed_class else 0.02)
        nn.init.normal_(self.modulation.weight, std=0.02)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, visible_sum_BLH: torch.Tensor, k_BL: torch.Tensor, condition_B: torch.Tensor) -> HeadState:
        """`visible_sum [B, L, H]` in the generator's scale, `k [B, L]`, `condition [B]` -> head state with N = B L rows."""
        c = self.config
        y_BW = self.embed_class(condition_B)
        modulation = self.modulation(F.silu(y_BW)).unflatten(1, (6, c.width))
        x = self.embed_z(visible_sum_BLH) + self.embed_k(k_BL) + self.position + y_BW.unsqueeze(1)
        for block in self.blocks:
            x = block(x, modulation)
        x = self.norm(x).flatten(0, 1)
        u, log_a, b = self.head_ab(x).split([c.rank, 1, c.H], 1)
        return HeadState(self.head_pi(x), u, log_a.squeeze(1), b)
