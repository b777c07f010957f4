"""Sampling (resgen.md section 3). `Step` is what is exported as the ONNX graph `step`; `sample` is the twin of `src/engine/sampler.ts`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from training import noise
from training.generator import Generator
from training.loss import LOG_A_MIN, HeadState
from training.masking import masked_count, visible
from training.quantiser import sum_embeddings, with_zero_code

Propose = Callable[..., tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class Sampling:
    """The knobs of `src/contract/sampling.ts`, same names, same meaning."""

    steps: int = 24
    schedule: str = "circle"
    guidance_from: float = 0.0
    guidance_to: float = 1.5
    top_p: float = 0.9
    tau: float = 4.0
    noise: float = 0.7
    reveal: str = "confidence"
    candidates: int = 1  # of speech
    voice_share: float | None = None  # of the guidance of speech; None guides text and voice together

    def with_(self, **changes: object) -> Sampling:
        return replace(self, **changes)


class Step(nn.Module):
    """One forward pass: embedding sum, trunk with and without condition, mixture draw, residual quantisation, scores.

    `e_DVH` are the codebooks in the tokenizer's own scale; `scale` brings the sum of all depths to unit variance, the generator's scale.
    `sigma_D` is the spread of the residual after each depth, in the tokenizer's scale.
    """

    def __init__(self, generator: Generator, e_DVH: torch.Tensor, scale: float, sigma_D: torch.Tensor):
        super().__init__()
        self.generator = generator
        self.register_buffer("e_DVH", e_DVH.float() * scale)
        self.sigma_D = sigma_D
        self.register_buffer("precision_D", 0.5 / (sigma_D.float() * scale).square())

    def forward(
        self,
        tokens: torch.Tensor,
        k: torch.Tensor,
        condition: torch.Tensor,
        guidance: torch.Tensor,
        top_p: torch.Tensor,
        noise_scale: torch.Tensor,
        uniform: torch.Tensor,
        gaussian: torch.Tensor,
        view: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapes in `src/contract/graphs.ts`: -> proposed int32 `[B, L, D]`, confidence float32 `[B, L, D]`."""
        D, C = self.generator.config.D, self.generator.config.C
        k, seen = k.long(), visible(k, D)
        visible_sum = self.embed(tokens, seen)
        unconditional = torch.full_like(condition, C)
        both = self.generator(
            torch.cat([visible_sum, visible_sum]),
            torch.cat([k, k]),
            torch.cat([condition, unconditional]).long(),
            None if view is None else torch.cat([view, torch.full_like(view, -1.0)]),
        )
        z = self.draw(self.guide(both, guidance, k.shape[1]), top_p, noise_scale, uniform, gaussian)
        return self.quantise(z, tokens, seen)

    def embed(self, tokens: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Sum `[B, L, H]` of the visible tokens' embeddings; what stands at masked places is not read."""
        return sum_embeddings(with_zero_code(self.e_DVH), tokens, seen)

    @staticmethod
    def guide(both: HeadState, guidance_B: torch.Tensor, L: int) -> HeadState:
        """c + s (c - u) on everything the head predicts but the scale a, whose extrapolation would grow the noise with the guidance."""
        s = _each_position(guidance_B, L)

        def halves(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return x.unflatten(0, (2, -1)).unbind(0)

        def combine(x: torch.Tensor) -> torch.Tensor:
            c, u = halves(x)
            return c + s * (c - u)

        return HeadState(combine(both.logits), combine(both.u), halves(both.log_a)[0], combine(both.b))

    def draw(self, head: HeadState, top_p: torch.Tensor, noise_scale: torch.Tensor, uniform: torch.Tensor, gaussian: torch.Tensor) -> torch.Tensor:
        """`z [B, L, H]`: a component by the inverse distribution over the nucleus sorted by weight, then its Gaussian."""
        B, L, H = gaussian.shape
        p_sorted, index = torch.softmax(head.logits, 1).topk(head.logits.shape[1], dim=1)
        cumulative = p_sorted.cumsum(1)
        kept = (cumulative - p_sorted) < _each_position(top_p, L)
        mass = (p_sorted * kept).sum(1, keepdim=True)
        rank = ((cumulative < uniform.reshape(-1, 1) * mass) & kept).sum(1, keepdim=True)
        # Rounding can count one past the last kept component.
        rank = torch.minimum(rank, kept.sum(1, keepdim=True) - 1)
        v = index.gather(1, rank).squeeze(1)
        mu = (self.generator.M[v] @ head.u.unsqueeze(2)).squeeze(2) + self.generator.s[v]
        zt = mu + _each_position(noise_scale, L) * gaussian.reshape(-1, H)
        z = zt * torch.exp(head.log_a.clamp(min=LOG_A_MIN)).unsqueeze(1) + head.b
        return z.reshape(B, L, H)

    def quantise(self, z: torch.Tensor, tokens: torch.Tensor, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Residual quantisation over the masked depths of each position, and the cumulative score of each choice.

        Each depth waits for the one before it, so that only what has to be done depth by depth is: the rest is one operation on all of them.
        """
        V, H = self.e_DVH.shape[1:]
        # |r - e|^2 = |r|^2 + [r, 1] . [-2 e, |e|^2]: the product by itself ranks the codes, without another pass over the distances to all.
        rank_DVh = torch.cat([-2 * self.e_DVH, self.e_DVH.square().sum(2, keepdim=True)], 2)
        r_N1H, masked_ND = z.reshape(-1, 1, H), ~seen.flatten(0, 1)
        one_N11 = torch.ones_like(r_N1H[:, :, :1])
        codes, left = [], []
        for masked_N1, rank_Vh, e_VH in zip(masked_ND.split(1, 1), rank_DVh, with_zero_code(self.e_DVH)):
            code_N1 = argmin(torch.cat([r_N1H, one_N11], 2) @ rank_Vh.t())
            r_N1H = r_N1H - F.embedding(torch.where(masked_N1, code_N1, V), e_VH)
            codes.append(code_N1)
            left.append(torch.linalg.vector_norm(r_N1H, dim=2))
        score_ND = torch.cat(left, 1).square() * self.precision_D * masked_ND.float()
        proposed = torch.where(seen, tokens, torch.cat(codes, 1).to(torch.int32).view_as(tokens))
        return proposed, -score_ND.cumsum(1).view(tokens.shape)


def argmin(x_N1V: torch.Tensor, block: int = 32) -> torch.Tensor:
    """Index `[N, 1]` of each row's first minimum: the block that has it, then the place in the block.

    onnxruntime looks for an index number by number, and takes a minimum many numbers at once: so this is twice as fast there.
    """
    V = x_N1V.shape[2]
    if V % block:
        return x_N1V.argmin(2)
    x_NMb = x_N1V.reshape(-1, V // block, block)
    best_N1 = x_NMb.amin(2).argmin(1, keepdim=True)
    inside_N1 = x_NMb.gather(1, best_N1.unsqueeze(2).expand(-1, -1, block)).argmin(2)
    return best_N1 * block + inside_N1


def _each_position(x_B: torch.Tensor, L: int) -> torch.Tensor:
    """`[B]` -> `[B L, 1]`."""
    return x_B.unsqueeze(1).expand(-1, L).reshape(-1, 1)


def reveal(k_L: np.ndarray, score_LD: np.ndarray, gumbel_LD: np.ndarray, n: int, tau: float, mode: str) -> np.ndarray:
    """New `k [L]`: of the masked tokens, the `n` with the lowest score + tau * gumbel stay masked (gumbel alone in mode "random")."""
    L, D = score_LD.shape
    masked = np.arange(D) >= (D - k_L)[:, None]
    value = gumbel_LD if mode == "random" else score_LD.astype(np.float64) + tau * gumbel_LD
    position = np.nonzero(masked)[0]
    stays = np.argsort(value[masked], kind="stable")[:n]
    return np.bincount(position[stays], minlength=L)


@torch.inference_mode()
def sample(step: Step, condition_B: list[int], seeds_B: list[int], s: Sampling) -> torch.Tensor:
    """Tokens int32 `[B, L, D]` of one picture for each (class, seed)."""
    c = step.generator.config
    B = len(condition_B)
    condition = torch.tensor(condition_B, dtype=torch.int32)
    view = [torch.tensor([noise.uniform(seed, noise.VIEW, 0, 1)[0] for seed in seeds_B]).float()] if c.views else []

    def propose(tokens: torch.Tensor, k: torch.Tensor, *draw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return step(tokens, k, condition, *draw, *view)

    return unmask(propose, torch.zeros(B, c.L, c.D, dtype=torch.int32), np.full((B, c.L), c.D, np.int32), seeds_B, s, c.H)


def unmask(propose: Propose, tokens: torch.Tensor, k: np.ndarray, seeds_B: list[int], s: Sampling, H: int) -> torch.Tensor:
    """`tokens` int32 `[B, L, D]` with the deepest `k [B, L]` of each position made, the others as they are.

    `propose` takes tokens, k, guidance, top_p and noise scale `[B]`, uniforms `[B, L]` and normals `[B, L, H]`, and returns what `Step` does.
    """
    B, L, D = tokens.shape
    N_B = k.sum(1)
    for t in range(1, s.steps + 1):
        share = (t - 1) / (s.steps - 1) if s.steps > 1 else 1.0
        guidance = s.guidance_from + (s.guidance_to - s.guidance_from) * share
        u = np.stack([noise.uniform(seed, noise.UNIFORM, t, L) for seed in seeds_B])
        g = np.stack([noise.gaussian(seed, noise.GAUSSIAN, t, L * H) for seed in seeds_B]).reshape(B, L, H)
        full = lambda value: torch.full((B,), value)  # noqa: E731
        proposed, confidence = propose(
            tokens, torch.from_numpy(k), full(guidance), full(s.top_p), full(s.noise), torch.from_numpy(u).float(), torch.from_numpy(g).float()
        )
        tau = s.tau * (1 - t / s.steps)
        score, was, k = confidence.numpy(), k, k.copy()
        for i, seed in enumerate(seeds_B):
            n = int(masked_count(torch.tensor(t / s.steps, dtype=torch.float64), int(N_B[i]), s.schedule))
            # float32, as the engine stores its noise, so that both rank alike
            gumbel = noise.gumbel(seed, noise.GUMBEL, t, L * D).astype(np.float32).reshape(L, D)
            k[i] = reveal(was[i], score[i], gumbel, n, tau, s.reveal)
        fresh = visible(torch.from_numpy(k), D) & ~visible(torch.from_numpy(was), D)
        tokens = torch.where(fresh, proposed, tokens)
    return tokens
