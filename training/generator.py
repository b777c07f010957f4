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
    """`C` classes; condition index `C` stands for "no condition". Shapes as in the tokenizer: L, D, H; K components of rank h.

    `views` knots of `view_rank` numbers a class describe how its pictures change along the film they were taken from; 0 for data without order.
    """

    C: int
    L: int
    D: int
    H: int
    K: int = 512
    rank: int = 16
    width: int = 256
    blocks: int = 8
    heads: int = 4
    views: int = 0
    view_rank: int = 96

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


class View(nn.Module):
    """What pictures of a class look like around view `v`: a few numbers, linear between knots, and the coarse picture they stand for.

    `code [C+1, views+1, P]`: the last column is the class without a view, the last row "no condition". `basis [P, L, H]` and `mean [L, H]` turn
    a code into summed embeddings. `fit` starts all of them from the training tokens' principal components; training goes on from there.
    """

    def __init__(self, c: GeneratorConfig):
        super().__init__()
        self.views = c.views
        self.code = nn.Parameter(torch.zeros(c.C + 1, c.views + 1, c.view_rank))
        self.basis = nn.Parameter(torch.zeros(c.view_rank, c.L, c.H))
        self.mean = nn.Parameter(torch.zeros(c.L, c.H))
        self.embed_code = nn.Linear(c.view_rank, c.width, bias=False)
        self.embed_picture = nn.Linear(c.H, c.width, bias=False)
        nn.init.zeros_(self.embed_code.weight)
        nn.init.zeros_(self.embed_picture.weight)

    def forward(self, condition_B: torch.Tensor, view_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """-> what to add to the class embedding `[B, W]` and to the positions `[B, L, W]`. A negative view is an unknown one."""
        at = view_B.clamp(0, 1) * (self.views - 1)
        left = at.floor().clamp(max=self.views - 2)
        share = (at - left).unsqueeze(1)
        left = left.long()
        between = self.code[condition_B, left] * (1 - share) + self.code[condition_B, left + 1] * share
        known = (view_B >= 0).unsqueeze(1).to(between.dtype)
        code_BP = between * known + self.code[condition_B, torch.full_like(left, self.views)] * (1 - known)
        picture_BLH = torch.einsum("bp,plh->blh", code_BP, self.basis) + self.mean
        return self.embed_code(code_BP), self.embed_picture(picture_BLH)

    @torch.no_grad()
    def fit(self, z_NLH: torch.Tensor, label_N: torch.Tensor, view_N: torch.Tensor) -> None:
        """Principal components of the training pictures, and for each class the knots that interpolate its pictures' components best."""
        z = z_NLH.flatten(1)
        self.mean.copy_(z_NLH.mean(0))
        P, C = self.code.shape[2], len(self.code) - 1
        centred = z - z.mean(0)
        U, S, V = torch.svd_lowrank(centred, q=min(P + 16, *z.shape), niter=3)
        spread = S[:P] / len(z) ** 0.5
        self.basis.copy_((V[:, :P] * spread).t().unflatten(1, self.basis.shape[1:]))
        score_NP = U[:, :P] * len(z) ** 0.5
        at = view_N * (self.views - 1)
        left = at.floor().clamp(max=self.views - 2).long()
        hats = torch.zeros(len(z), self.views)
        hats.scatter_(1, left.unsqueeze(1), (1 - (at - left)).unsqueeze(1)).scatter_add_(1, (left + 1).unsqueeze(1), (at - left).unsqueeze(1))
        for c in range(C):
            A, y = hats[label_N == c], score_NP[label_N == c]
            mean = y.mean(0)
            # The small ridge draws knots that no picture lies near to the class's mean.
            gram = A.t() @ A + 0.05 * torch.eye(self.views)
            self.code[c, : self.views] = mean + torch.linalg.solve(gram, A.t() @ (y - mean))
            self.code[c, self.views] = mean


class Generator(nn.Module):
    """Visible embedding sums, masked depths, a class and perhaps a view -> the head's state at every position."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        c = self.config = config
        self.embed_z = nn.Linear(c.H, c.width)
        self.embed_k = nn.Embedding(c.D + 1, c.width)
        self.position = nn.Parameter(torch.randn(c.L, c.width) * 0.02)
        self.embed_class = nn.Embedding(c.C + 1, c.width)
        self.view = View(c) if c.views else None
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

    def forward(
        self, visible_sum_BLH: torch.Tensor, k_BL: torch.Tensor, condition_B: torch.Tensor, view_B: torch.Tensor | None = None
    ) -> HeadState:
        """`visible_sum [B, L, H]` in the generator's scale, `k [B, L]`, `condition [B]`, `view [B]` in 0..1 or below 0 for unknown -> N = B L rows."""
        c = self.config
        y_BW = self.embed_class(condition_B)
        x = self.embed_z(visible_sum_BLH) + self.embed_k(k_BL) + self.position
        if self.view is not None:
            code_BW, picture_BLW = self.view(condition_B, torch.full_like(condition_B, -1.0, dtype=x.dtype) if view_B is None else view_B)
            y_BW, x = y_BW + code_BW, x + picture_BLW
        x = x + y_BW.unsqueeze(1)
        modulation = self.modulation(F.silu(y_BW)).unflatten(1, (6, c.width))
        for block in self.blocks:
            x = block(x, modulation)
        x = self.norm(x).flatten(0, 1)
        u, log_a, b = self.head_ab(x).split([c.rank, 1, c.H], 1)
        return HeadState(self.head_pi(x), u, log_a.squeeze(1), b)
