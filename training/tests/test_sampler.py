import numpy as np
import pytest
import torch
from scipy.stats import chisquare, hypergeom

from training import noise
from training.loss import HeadState
from training.masking import visible
from training.quantiser import ResidualQuantiser
from training.sampler import Sampling, Step, reveal, sample

L, D, V, H, K = 4, 3, 8, 4, 6


def step_inputs(k: list[int], seed: int = 1) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return {
        "tokens": torch.randint(0, V, (1, L, D), generator=g, dtype=torch.int32),
        "k": torch.tensor([k], dtype=torch.int32),
        "condition": torch.tensor([2], dtype=torch.int32),
        "guidance": torch.tensor([1.0]),
        "top_p": torch.tensor([0.9]),
        "noise_scale": torch.tensor([0.7]),
        "uniform": torch.rand(1, L, generator=g),
        "gaussian": torch.randn(1, L, H, generator=g),
    }


@torch.no_grad()
def test_visible_tokens_stay_and_score_nothing(tiny_step):
    inputs = step_inputs([0, 1, 2, 3])
    proposed, confidence = tiny_step(**inputs)
    seen = visible(inputs["k"], D)
    assert torch.equal(proposed[seen], inputs["tokens"][seen])
    assert bool((confidence[seen] == 0).all())
    assert bool((confidence[~seen] < 0).all())
    assert int(proposed.min()) >= 0 and int(proposed.max()) < V


@torch.no_grad()
def test_masked_entries_of_the_input_are_ignored(tiny_step):
    inputs = step_inputs([1, 3, 0, 2])
    changed = {**inputs, "tokens": torch.where(visible(inputs["k"], D), inputs["tokens"], 5).to(torch.int32)}
    for a, b in zip(tiny_step(**inputs), tiny_step(**changed)):
        assert torch.equal(a, b)


@torch.no_grad()
def test_quantising_everything_is_the_tokenizers_encoding(tiny_step):
    quantiser = ResidualQuantiser(D, V, H)
    quantiser.e_DVH.copy_(tiny_step.e_DVH)
    z = torch.randn(2, L, H)
    nothing_seen = torch.zeros(2, L, D, dtype=torch.bool)
    proposed, confidence = tiny_step.quantise(z, torch.zeros(2, L, D, dtype=torch.int32), nothing_seen)
    assert torch.equal(proposed.long().flatten(0, 1), quantiser.encode(z.flatten(0, 1)))

    # The score is sum_{d <= j} -|z - sum_{m <= d} e(x_m; m)|^2 / (2 sigma_d^2).
    expected, total = [], torch.zeros(2 * L)
    for j, sigma in enumerate([0.8, 0.5, 0.3]):
        left = z.flatten(0, 1) - quantiser.embed(proposed.long().flatten(0, 1), j + 1)
        total = total - left.square().sum(1) / (2 * sigma**2)
        expected.append(total)
    torch.testing.assert_close(confidence.flatten(0, 1), torch.stack(expected, 1))
    assert bool((confidence.diff(dim=2) <= 0).all())


@torch.no_grad()
def test_scale_moves_neither_tokens_nor_scores(tiny_step):
    """Codebooks, sigma and z all times c: same codes, same confidence."""
    scaled = Step(tiny_step.generator, tiny_step.e_DVH, scale=3.0, sigma_D=torch.tensor([0.8, 0.5, 0.3]))
    z, tokens, seen = torch.randn(1, L, H), torch.zeros(1, L, D, dtype=torch.int32), torch.zeros(1, L, D, dtype=torch.bool)
    for a, b in zip(tiny_step.quantise(z, tokens, seen), scaled.quantise(3 * z, tokens, seen)):
        torch.testing.assert_close(a, b)


def random_head(rows: int) -> HeadState:
    return HeadState(torch.randn(rows, K), torch.randn(rows, 2), torch.randn(rows) * 0.1, torch.randn(rows, H))


def test_guidance_of_zero_is_the_conditional_prediction():
    both = random_head(2 * L)
    guided = Step.guide(both, torch.zeros(1), L)
    torch.testing.assert_close(guided.logits, both.logits[:L])
    torch.testing.assert_close(guided.u, both.u[:L])
    torch.testing.assert_close(guided.b, both.b[:L])


def test_guidance_extrapolates_from_the_unconditional_prediction():
    both = random_head(2 * L)
    guided = Step.guide(both, torch.tensor([1.5]), L)
    torch.testing.assert_close(guided.logits, both.logits[:L] + 1.5 * (both.logits[:L] - both.logits[L:]))
    torch.testing.assert_close(guided.log_a, both.log_a[:L])


@torch.no_grad()
def test_draw_without_noise_is_a_component_mean_through_the_affine_map(tiny_step):
    head = random_head(L)
    z = tiny_step.draw(head, torch.tensor([1e-6]), torch.zeros(1), torch.full((1, L), 0.5), torch.randn(1, L, H))
    v = head.logits.argmax(1)
    mu = torch.einsum("nhr,nr->nh", tiny_step.generator.M[v], head.u) + tiny_step.generator.s[v]
    torch.testing.assert_close(z[0], mu * head.log_a.exp().unsqueeze(1) + head.b)


@torch.no_grad()
@pytest.mark.parametrize("top_p", [1.0, 0.6])
def test_components_are_drawn_by_their_weight_in_the_nucleus(tiny_step, top_p):
    """A fine grid of uniforms visits each component for its share of the nucleus."""
    rows = 6000
    p = torch.tensor([0.05, 0.4, 0.1, 0.25, 0.15, 0.05])
    head = HeadState(p.log().expand(rows, K), torch.zeros(rows, 2), torch.zeros(rows), torch.zeros(rows, H))
    uniform = ((torch.arange(rows) + 0.5) / rows).view(1, rows)
    z = tiny_step.draw(head, torch.tensor([top_p]), torch.zeros(1), uniform, torch.zeros(1, rows, H))[0]
    v = torch.cdist(z, tiny_step.generator.s).argmin(1)
    share = torch.bincount(v, minlength=K) / rows
    kept = p if top_p == 1.0 else torch.where(p >= 0.25, p, 0.0)
    torch.testing.assert_close(share, kept / kept.sum(), atol=1e-3, rtol=0)


def test_reveal_keeps_the_least_certain_tokens_masked():
    k = np.array([3, 3])
    score = np.array([[-1.0, -2.0, -9.0], [-3.0, -4.0, -5.0]])
    gumbel = np.zeros((2, 3))
    assert reveal(k, score, gumbel, 1, 0.0, "confidence").tolist() == [1, 0]
    assert reveal(k, score, gumbel, 3, 0.0, "confidence").tolist() == [1, 2]
    assert reveal(k, score, gumbel, 0, 0.0, "confidence").tolist() == [0, 0]


def test_reveal_never_masks_again_and_leaves_n_masked():
    rng = np.random.default_rng(0)
    for mode in ("confidence", "random"):
        k = np.array([3, 1, 0, 2])
        for n in range(6, -1, -1):
            new = reveal(k, -rng.random((L, D)).cumsum(1), noise.gumbel(1, noise.GUMBEL, n, L * D).reshape(L, D), n, 4.0, mode)
            assert new.sum() == n and (new <= k).all()


def test_random_reveal_draws_from_the_hypergeometric_posterior():
    k, n, draws = np.array([3, 2, 0, 1]), 3, 4000
    score = np.zeros((4, 3))
    first = [reveal(k, score, noise.gumbel(i, noise.GUMBEL, 1, 12).reshape(4, 3), n, 1.0, "random")[0] for i in range(draws)]
    expected = hypergeom(6, 3, n).pmf(range(4)) * draws
    assert chisquare(np.bincount(first, minlength=4), expected).pvalue > 1e-3


@pytest.mark.parametrize("s", [Sampling(steps=1), Sampling(steps=5), Sampling(steps=40), Sampling(steps=6, reveal="random", schedule="cosine")])
def test_sampling_ends_with_every_token_revealed(tiny_step, s, monkeypatch):
    """n = 0 at the last step: the k handed to reveal falls step by step to nothing, and only proposed codes are returned."""
    left = []

    def spy(k, *rest):
        new = reveal(k, *rest)
        left.append(int(new.sum()))
        return new

    monkeypatch.setattr("training.sampler.reveal", spy)
    tokens = sample(tiny_step, [0], [3], s)
    assert tokens.shape == (1, L, D) and int(tokens.min()) >= 0 and int(tokens.max()) < V
    assert left == sorted(left, reverse=True) and left[-1] == 0 and len(left) == s.steps


def test_revealed_tokens_are_never_revised(tiny_step, monkeypatch):
    seen_tokens = []
    forward = tiny_step.forward

    def spy(tokens, k, *rest):
        seen_tokens.append((tokens.clone(), visible(k.clone(), D)))
        return forward(tokens, k, *rest)

    monkeypatch.setattr(tiny_step, "forward", spy)
    final = sample(tiny_step, [1, 2], [3, 4], Sampling(steps=8))
    assert len(seen_tokens) == 8
    for tokens, seen in seen_tokens:
        assert torch.equal(tokens[seen], final[seen])


def test_a_seed_gives_the_same_tokens_alone_or_in_a_batch(tiny_step):
    s = Sampling(steps=6)
    together = sample(tiny_step, [0, 1, 2], [11, 12, 13], s)
    assert torch.equal(together, sample(tiny_step, [0, 1, 2], [11, 12, 13], s))
    for i in range(3):
        assert torch.equal(sample(tiny_step, [i], [11 + i], s)[0], together[i])
    assert not torch.equal(sample(tiny_step, [0], [99], s)[0], together[0])
