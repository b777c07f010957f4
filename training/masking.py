"""Coarse-to-fine masking (resgen.md section 1).

At position `i` the `k_i` deepest of `D` tokens are masked. `n` masked tokens in all spread over the `L` positions by a multivariate
hypergeometric draw: P(k) = prod_i C(D, k_i) / C(L D, n).
"""

from __future__ import annotations

import math

import torch

SCHEDULES = ("circle", "cosine", "exponential")
_STEEPNESS = 5.0


def gamma(r: torch.Tensor, schedule: str = "circle") -> torch.Tensor:
    """Masked share at progress `r` in 0..1, from 1 to 0. The paper gives no formula for its exponential; ours is (1 - e^{-5(1-r)}) / (1 - e^{-5})."""
    if schedule == "circle":
        return torch.sqrt(torch.clamp(1 - r * r, min=0.0))
    if schedule == "cosine":
        return torch.cos(r * math.pi / 2).clamp(min=0.0)
    if schedule == "exponential":
        return torch.expm1(-_STEEPNESS * (1 - r)) / math.expm1(-_STEEPNESS)
    raise ValueError(f"unknown schedule {schedule!r}; use one of {SCHEDULES}")


def masked_count(r: torch.Tensor, total: int, schedule: str = "circle") -> torch.Tensor:
    """n = ceil(gamma(r) * total), int64; the small constant keeps rounding noise at r = 1 from masking a token."""
    return torch.ceil(gamma(r.double(), schedule) * total - 1e-9).long()


def draw_progress(batch: int, fine_share: float | None = None, fine_from: float = 0.7, generator: torch.Generator | None = None) -> torch.Tensor:
    """`r [B]` in 0..1, stratified: one from each of `batch` equal slices of probability, which evens out the loss from step to step.

    Uniform as in the paper, or with just `fine_share` of the draws above `fine_from`. Up there little but the deepest tokens is masked: they hardly
    show in the picture, yet on fruits their gradients are three times longer and would set the pace of the optimizer.
    """
    u = (torch.arange(batch) + torch.rand(batch, generator=generator)) / batch
    if fine_share is None:
        return u
    coarse = 1 - fine_share
    r = torch.where(u < coarse, u * fine_from / coarse, fine_from + (u - coarse) * (1 - fine_from) / fine_share)
    return r.clamp(max=1 - 1e-4)


def draw_masked_depths(n_B: torch.Tensor, L: int, D: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """`k [B, L]`: draws `n` of the `L D` tokens without replacement and counts them by position."""
    order = torch.rand(len(n_B), L * D, generator=generator).argsort(1)
    rank = torch.empty_like(order).scatter_(1, order, torch.arange(L * D).expand_as(order))
    return (rank < n_B.unsqueeze(1)).view(-1, L, D).sum(2)


def visible(k_BL: torch.Tensor, D: int) -> torch.Tensor:
    """bool `[B, L, D]`: depth `j` (from 0) of position `i` is visible where `j < D - k_i`."""
    return torch.arange(D, device=k_BL.device) < (D - k_BL).unsqueeze(-1)
