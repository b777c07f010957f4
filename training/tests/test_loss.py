import math
from dataclasses import fields

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from training.loss import LOG_A_MIN, HeadState, mixture_loss, squared_distance

N, K, H, RANK = 5, 7, 6, 3


def head_and_means(uniform_pi: bool = False) -> tuple[torch.Tensor, HeadState, torch.Tensor, torch.Tensor]:
    """Random targets, head state and mean parameters in float64, as leaves that collect gradients."""

    def leaf(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return (torch.randn(*shape, dtype=torch.float64) * scale).requires_grad_()

    logits = torch.zeros(N, K, dtype=torch.float64, requires_grad=True) if uniform_pi else leaf(N, K)
    head = HeadState(logits, leaf(N, RANK), leaf(N, scale=0.3), leaf(N, H))
    return torch.randn(N, H, dtype=torch.float64), head, leaf(K, H, RANK), leaf(K, H)


def naive_means(head: HeadState, M: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """mu_v = M_v u + s_v, `[N, K, H]`."""
    return torch.einsum("khr,nr->nkh", M, head.u) + s


def naive_log_density(z: torch.Tensor, head: HeadState, M: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """log p(z) `[N]` of the full mixture with its change of variables, from torch's own distributions."""
    mixture = MixtureSameFamily(Categorical(logits=head.logits), Independent(Normal(naive_means(head, M, s), 1.0), 1))
    zt = (z - head.b) / head.log_a.exp().unsqueeze(1)
    return mixture.log_prob(zt) - H * head.log_a


def naive_posterior(z: torch.Tensor, head: HeadState, M: torch.Tensor, s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """q_v proportional to N(zt; mu_v, I) and the mixture's posterior, proportional to pi_v N(zt; mu_v, I)."""
    zt = (z - head.b) / head.log_a.exp().unsqueeze(1)
    log_n = -0.5 * (zt.unsqueeze(1) - naive_means(head, M, s)).square().sum(2)
    return torch.softmax(log_n, 1), torch.softmax(log_n + torch.log_softmax(head.logits, 1), 1)


def gradients(value: torch.Tensor, head: HeadState, M: torch.Tensor, s: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.autograd.grad(value, [*(getattr(head, f.name) for f in fields(head)), M, s]))


def test_low_rank_distance_is_the_naive_one():
    z, head, M, s = head_and_means()
    expected = (z.unsqueeze(1) - naive_means(head, M, s)).square().sum(2)
    torch.testing.assert_close(squared_distance(z, head.u, M, s), expected)


def test_low_rank_distance_has_the_naive_gradient():
    z, head, M, s = head_and_means()
    weight = torch.randn(N, K, dtype=torch.float64)
    expected = ((z.unsqueeze(1) - naive_means(head, M, s)).square().sum(2) * weight).sum()
    got = (squared_distance(z, head.u, M, s) * weight).sum()
    for a, b in zip(torch.autograd.grad(got, [head.u, M, s]), torch.autograd.grad(expected, [head.u, M, s])):
        torch.testing.assert_close(a, b)


def test_uniform_weights_make_the_bound_the_density_itself_with_its_gradient():
    """With pi uniform, q is the posterior: the bound is tight, and so is its gradient although q is detached."""
    z, head, M, s = head_and_means(uniform_pi=True)
    loss = mixture_loss(z, head, M, s, smoothing=0.0)["loss"]
    expected = -naive_log_density(z, head, M, s).mean()
    torch.testing.assert_close(loss, expected)
    for a, b in zip(gradients(loss, head, M, s), gradients(expected, head, M, s)):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("smoothing", [0.0, 0.01, 0.3])
def test_gap_to_the_density_is_the_divergence_of_q_from_the_posterior(smoothing):
    z, head, M, s = head_and_means()
    loss = mixture_loss(z, head, M, s, smoothing)["loss"]
    q, posterior = naive_posterior(z, head, M, s)
    q = q * (1 - smoothing) + smoothing / K
    gap = (q * (q / posterior).log()).sum(1).mean()
    assert gap > 0
    torch.testing.assert_close(loss, -naive_log_density(z, head, M, s).mean() + gap)


def test_gradient_is_that_of_the_bound_with_q_held_fixed():
    z, head, M, s = head_and_means()
    q = naive_posterior(z, head, M, s)[0].detach() * 0.99 + 0.01 / K
    zt = (z - head.b) / head.log_a.exp().unsqueeze(1)
    log_n = -0.5 * (zt.unsqueeze(1) - naive_means(head, M, s)).square().sum(2) - 0.5 * H * math.log(2 * math.pi)
    bound = (H * head.log_a + (q * (q.log() - torch.log_softmax(head.logits, 1) - log_n)).sum(1)).mean()
    loss = mixture_loss(z, head, M, s, 0.01)["loss"]
    torch.testing.assert_close(loss, bound)
    for a, b in zip(gradients(loss, head, M, s), gradients(bound, head, M, s)):
        torch.testing.assert_close(a, b)


def test_parts_add_up_and_carry_no_gradient():
    z, head, M, s = head_and_means()
    parts = mixture_loss(z, head, M, s)
    torch.testing.assert_close(parts["loss"].detach(), parts["regression"] + parts["classification"])
    assert not parts["regression"].requires_grad and not parts["classification"].requires_grad


def test_scale_has_a_floor():
    z, head, M, s = head_and_means()
    low = HeadState(head.logits, head.u, torch.full((N,), LOG_A_MIN - 3, dtype=torch.float64), head.b)
    floor = HeadState(head.logits, head.u, torch.full((N,), LOG_A_MIN, dtype=torch.float64), head.b)
    torch.testing.assert_close(mixture_loss(z, low, M, s)["loss"], mixture_loss(z, floor, M, s)["loss"])


def test_descending_the_loss_fits_two_clusters():
    """Gradient sanity: from a random start the bound approaches the density of the data's own mixture."""
    centres = torch.tensor([[2.0, 0.0], [-2.0, 1.0]])
    z = centres.repeat(64, 1) + 0.3 * torch.randn(128, 2)
    M, s = (torch.randn(4, 2, 1) * 0.3).requires_grad_(), torch.randn(4, 2).requires_grad_()
    shared = [torch.zeros(1, 4).requires_grad_(), torch.zeros(1, 1).requires_grad_(), torch.zeros(1).requires_grad_(), torch.zeros(1, 2).requires_grad_()]
    optimizer = torch.optim.Adam([M, s, *shared], lr=0.05)

    def loss() -> torch.Tensor:
        logits, u, log_a, b = shared
        return mixture_loss(z, HeadState(logits.expand(128, -1), u.expand(128, -1), log_a.expand(128), b.expand(128, -1)), M, s)["loss"]

    start = loss().item()
    for _ in range(200):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    truth = MixtureSameFamily(Categorical(torch.ones(2)), Independent(Normal(centres, 0.3), 1))
    assert loss().item() < -truth.log_prob(z).mean().item() + 0.4 < start
