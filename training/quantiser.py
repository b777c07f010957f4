"""Residual vector quantiser with EMA codebooks.

Symbols: `L` positions, `D` depths, `V` codes a depth, `H` width of a code; `e(v; j)` is row `v` of codebook `j`.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn


def nearest_code(r_NH: torch.Tensor, e_VH: torch.Tensor) -> torch.Tensor:
    """Index `[N]` of the nearest code: argmin_v |r - e_v|^2 = argmin_v |e_v|^2 - 2 r.e_v."""
    return torch.addmm(e_VH.square().sum(1), r_NH, e_VH.t(), alpha=-2.0).argmin(1)


def with_zero_code(e_DVH: torch.Tensor) -> torch.Tensor:
    """Codebooks `[D, V + 1, H]` in which code `V` adds nothing: what a masked token is looked up as."""
    return F.pad(e_DVH, (0, 0, 0, 1))


def sum_embeddings(table_DVH: torch.Tensor, x_BLD: torch.Tensor, shown_BLD: torch.Tensor) -> torch.Tensor:
    """Sum `[B, L, H]` of the embeddings of the shown tokens; `table_DVH` is `with_zero_code`. The others may be anything."""
    x_BLD = torch.where(shown_BLD, x_BLD, table_DVH.shape[1] - 1)
    return sum(F.embedding(x_BL1.squeeze(2), e_VH) for x_BL1, e_VH in zip(x_BLD.split(1, 2), table_DVH))


class ResidualQuantiser(nn.Module):
    """`e(.; j)` for `j = 1..D`, learned as exponential moving averages of the residuals assigned to each code.

    A code whose average use falls below `restart_below` residuals a batch takes the place of a random residual of the
    current batch (Dhariwal et al. 2020), so that codebooks do not die.
    """

    def __init__(self, D: int, V: int, H: int, decay: float = 0.99, restart_below: float = 0.05):
        super().__init__()
        self.D, self.V, self.H, self.decay, self.restart_below = D, V, H, decay, restart_below
        self.register_buffer("e_DVH", torch.randn(D, V, H) * 0.01)
        self.register_buffer("count_DV", torch.zeros(D, V))
        self.register_buffer("sum_DVH", torch.zeros(D, V, H))
        self.register_buffer("initialised", torch.zeros((), dtype=torch.bool))

    @torch.no_grad()
    def encode(self, z_NH: torch.Tensor) -> torch.Tensor:
        """Codes int64 `[N, D]` of latents `[N, H]`, depth by depth the code nearest to what is left."""
        r_NH, codes = z_NH.float(), []
        for e_VH in self.e_DVH:
            code_N = nearest_code(r_NH, e_VH)
            r_NH = r_NH - e_VH[code_N]
            codes.append(code_N)
        return torch.stack(codes, 1)

    def embed(self, x_ND: torch.Tensor, depth: int | None = None) -> torch.Tensor:
        """Sum over the first `depth` depths of the codes' embeddings: `[N, D]` -> `[N, H]`."""
        depth = self.D if depth is None else depth
        return sum(self.e_DVH[j][x_ND[:, j]] for j in range(depth))

    def forward(self, z_NH: torch.Tensor, depth_N: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Quantises to each row's own depth.

        Returns the straight-through latent `[N, H]`, the commitment loss (mean over depths of the squared distance to
        the partial sums, per dimension) and the mean squared residual after each depth `[D]`.
        """
        z = z_NH.float()
        if self.training and not self.initialised:
            self._initialise(z.detach())
        r, partial, quantised = z.detach(), torch.zeros_like(z), torch.zeros_like(z)
        commit, residual = z.new_zeros(()), []
        for j in range(self.D):
            code_N = nearest_code(r, self.e_DVH[j])
            q = self.e_DVH[j][code_N]
            if self.training:
                self._update(j, r, code_N)
            partial = partial + q
            r = r - q
            residual.append(r.square().mean())
            commit = commit + (z - partial).square().mean() / self.D
            quantised = torch.where((depth_N > j).unsqueeze(1), partial, quantised)
        return z + (quantised - z).detach(), commit, torch.stack(residual)

    @torch.no_grad()
    def _initialise(self, z_NH: torch.Tensor) -> None:
        """First batch: codes of each depth are residuals of that batch, so that no depth starts dead."""
        r = z_NH
        for j in range(self.D):
            self.e_DVH[j] = self._broadcast(r[torch.randint(len(r), (self.V,))] + 1e-3 * torch.randn(self.V, self.H))
            r = r - self.e_DVH[j][nearest_code(r, self.e_DVH[j])]
        self.count_DV.fill_(1.0)
        self.sum_DVH.copy_(self.e_DVH)
        self.initialised.fill_(True)

    @torch.no_grad()
    def _update(self, j: int, r_NH: torch.Tensor, code_N: torch.Tensor) -> None:
        count = torch.bincount(code_N, minlength=self.V).to(r_NH.dtype)
        total = torch.zeros_like(self.sum_DVH[j]).index_add_(0, code_N, r_NH)
        if dist.is_initialized():
            dist.all_reduce(count)
            dist.all_reduce(total)
        self.count_DV[j].lerp_(count, 1 - self.decay)
        self.sum_DVH[j].lerp_(total, 1 - self.decay)
        self.e_DVH[j] = self.sum_DVH[j] / self.count_DV[j].clamp(min=1e-5).unsqueeze(1)
        dead = self.count_DV[j] < self.restart_below
        if dead.any():
            fresh = self._broadcast(r_NH[torch.randint(len(r_NH), (int(dead.sum()),), device=r_NH.device)])
            self.e_DVH[j, dead] = fresh
            self.count_DV[j, dead] = 1.0
            self.sum_DVH[j, dead] = fresh

    @staticmethod
    def _broadcast(t: torch.Tensor) -> torch.Tensor:
        """Every process must restart a code from the same residual."""
        if dist.is_initialized():
            dist.broadcast(t, 0)
        return t
