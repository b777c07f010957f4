"""The mixture head's density and the training loss (resgen.md section 2).

A position's target `z` (H) has density sum_v pi_v N(zt; mu_v, I) a^-H with zt = (z - b) / a and low-rank means mu_v = M_v u + s_v, where
`u` (rank h) is predicted at each position and `M [K, H, h]`, `s [K, H]` are shared parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

LOG_A_MIN = -4.0


@dataclass
class HeadState:
    """What the head predicts for N positions: `logits [N, K]` of pi, `u [N, h]`, `log_a [N]`, `b [N, H]`."""

    logits: torch.Tensor
    u: torch.Tensor
    log_a: torch.Tensor
    b: torch.Tensor


def squared_distance(zt_NH: torch.Tensor, u_Nh: torch.Tensor, M_KHh: torch.Tensor, s_KH: torch.Tensor) -> torch.Tensor:
    """|zt - M_v u - s_v|^2 for every component, `[N, K]`, without a tensor of N x K x H or N x K x h.

    |zt|^2 - 2 <zt u^T, M_v> - 2 zt.s_v + <u u^T, M_v^T M_v> + 2 u.(M_v^T s_v) + |s_v|^2: each inner product is one matrix product with
    the outer product flattened.
    """
    K = len(M_KHh)
    G_Khh = M_KHh.transpose(1, 2) @ M_KHh
    Ms_Kh = (M_KHh * s_KH.unsqueeze(2)).sum(1)
    zu = (zt_NH.unsqueeze(2) * u_Nh.unsqueeze(1)).flatten(1)
    uu = (u_Nh.unsqueeze(2) * u_Nh.unsqueeze(1)).flatten(1)
    left = torch.cat([zu, zt_NH, uu, u_Nh], 1)
    right = torch.cat([-2 * M_KHh.reshape(K, -1), -2 * s_KH, G_Khh.reshape(K, -1), 2 * Ms_Kh], 1)
    return zt_NH.square().sum(1, keepdim=True) + s_KH.square().sum(1) + left @ right.t()


def mixture_loss(z_NH: torch.Tensor, head: HeadState, M_KHh: torch.Tensor, s_KH: torch.Tensor, smoothing: float = 0.01) -> dict[str, torch.Tensor]:
    """The variational bound on -log p(z), a mean over N positions, and its parts.

    H log a - sum_v q_v log N(zt; mu_v, I) + KL(q || pi), with q_v proportional to N(zt; mu_v, I), detached, and smoothed towards uniform.
    With the exact posterior as q this would be -log p(z) itself; any q bounds it from above.
    """
    H, K = z_NH.shape[1], len(s_KH)
    log_a = head.log_a.clamp(min=LOG_A_MIN)
    zt = (z_NH - head.b) * torch.exp(-log_a).unsqueeze(1)
    log_n = -0.5 * squared_distance(zt, head.u, M_KHh, s_KH)
    log_pi = F.log_softmax(head.logits, 1)
    with torch.no_grad():
        q = torch.softmax(log_n, 1).mul_(1 - smoothing).add_(smoothing / K)
        negative_entropy = torch.xlogy(q, q).sum(1)
    regression = H * log_a - (q * log_n).sum(1) + 0.5 * H * math.log(2 * math.pi)
    classification = negative_entropy - (q * log_pi).sum(1)
    return {
        "loss": (regression + classification).mean(),
        "regression": regression.detach().mean(),
        "classification": classification.detach().mean(),
        "log_a": log_a.detach().mean(),
    }
