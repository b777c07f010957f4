import math
from collections import Counter

import pytest
import torch
from scipy.stats import chisquare, hypergeom

from training.masking import SCHEDULES, draw_masked_depths, draw_progress, gamma, masked_count, visible


@pytest.mark.parametrize("n", [1, 5, 7, 11])
def test_marginals_of_the_masked_depths_are_hypergeometric(n):
    L, D, draws = 4, 3, 20_000
    k = draw_masked_depths(torch.full((draws,), n), L, D, torch.Generator().manual_seed(n))
    expected = hypergeom(L * D, D, n).pmf(range(D + 1)) * draws
    possible = expected > 0
    for i in range(L):
        seen = torch.bincount(k[:, i], minlength=D + 1).numpy()
        assert seen[~possible].sum() == 0
        assert chisquare(seen[possible], expected[possible]).pvalue > 1e-3


def test_joint_distribution_is_the_product_of_binomials():
    L, D, n, draws = 2, 3, 3, 20_000
    k = draw_masked_depths(torch.full((draws,), n), L, D, torch.Generator().manual_seed(1))
    seen = Counter(map(tuple, k.tolist()))
    cells = [(a, n - a) for a in range(n + 1)]
    expected = [draws * math.comb(D, a) * math.comb(D, b) / math.comb(L * D, n) for a, b in cells]
    assert set(seen) <= set(cells)
    assert chisquare([seen[c] for c in cells], expected).pvalue > 1e-3


def test_every_draw_masks_exactly_n_tokens():
    n = torch.arange(0, 13)
    k = draw_masked_depths(n, 4, 3)
    assert torch.equal(k.sum(1), n)
    assert int(k.min()) >= 0 and int(k.max()) <= 3


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedule_falls_from_everything_to_nothing(schedule):
    r = torch.linspace(0, 1, 101, dtype=torch.float64)
    g = gamma(r, schedule)
    assert g[0] == pytest.approx(1) and g[-1] == pytest.approx(0, abs=1e-9)
    assert bool((g.diff() < 0).all())
    n = masked_count(r, 1024, schedule)
    assert n[0] == 1024 and n[-1] == 0
    assert torch.equal(n[1:-1], torch.ceil(g[1:-1] * 1024).long())


@pytest.mark.parametrize(
    ("schedule", "area"),
    [("circle", math.pi / 4), ("cosine", 2 / math.pi), ("exponential", 1 / (1 - math.exp(-5)) - 1 / 5)],
)
def test_mean_masked_share_is_the_area_under_the_schedule(schedule, area):
    total = 1024
    r = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
    # Rounding up adds half a token on average.
    assert float(masked_count(r, total, schedule).double().mean()) == pytest.approx(area * total + 0.5, abs=0.1)


def test_unknown_schedule_is_named():
    with pytest.raises(ValueError, match="'linear'.*circle"):
        gamma(torch.zeros(1), "linear")


def test_visible_tokens_are_the_coarse_prefix():
    assert visible(torch.tensor([[0, 1, 3]]), 3).tolist() == [[[True, True, True], [True, True, False], [False, False, False]]]


@pytest.mark.parametrize(("fine_share", "above"), [(None, 0.3), (0.125, 0.125)])
def test_progress_is_stratified_and_has_the_asked_share_of_fine_draws(fine_share, above):
    r = draw_progress(10_000, fine_share)
    assert 0 <= float(r.min()) and float(r.max()) < 1
    assert bool((r.diff() > 0).all())
    assert float((r > 0.7).float().mean()) == pytest.approx(above, abs=2e-4)
    # Uniform on either side.
    assert float(r[r <= 0.7].mean()) == pytest.approx(0.35, abs=1e-3)
