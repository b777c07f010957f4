import torch

from training.quantiser import ResidualQuantiser, nearest_code

D, V, H = 4, 16, 8


def fitted(batches: int = 30) -> tuple[ResidualQuantiser, torch.Tensor]:
    quantiser, z = ResidualQuantiser(D, V, H), torch.randn(512, H)
    quantiser.train()
    for _ in range(batches):
        quantiser(z, torch.full((len(z),), D))
    return quantiser.eval(), z


def test_nearest_code_is_the_naive_one():
    r, e = torch.randn(50, H), torch.randn(V, H)
    assert torch.equal(nearest_code(r, e), torch.cdist(r, e).argmin(1))


def test_embedding_the_codes_leaves_the_residual_of_every_depth():
    quantiser, z = fitted()
    x = quantiser.encode(z)
    assert x.shape == (len(z), D)
    _, _, residual_D = quantiser(z, torch.full((len(z),), D))
    for j in range(1, D + 1):
        left = z - quantiser.embed(x, j)
        torch.testing.assert_close(left.square().mean(), residual_D[j - 1])
        if j < D:
            assert torch.equal(x[:, j], nearest_code(left, quantiser.e_DVH[j]))
    assert bool((residual_D.diff() < 0).all())


def test_each_row_is_quantised_to_its_own_depth_with_a_straight_gradient():
    quantiser, z = fitted()
    z = z.clone().requires_grad_()
    depth_N = torch.arange(len(z)) % D + 1
    zq, _, _ = quantiser(z, depth_N)
    x = quantiser.encode(z.detach())
    for d in range(1, D + 1):
        torch.testing.assert_close(zq[depth_N == d].detach(), quantiser.embed(x, d)[depth_N == d])
    zq.sum().backward()
    torch.testing.assert_close(z.grad, torch.ones_like(z))


def test_commitment_pulls_latents_to_their_codes():
    quantiser, z = fitted()
    z = z.clone().requires_grad_()
    _, commit, _ = quantiser(z, torch.full((len(z),), D))
    (gradient,) = torch.autograd.grad(commit, z)
    _, moved, _ = quantiser(z - 10 * gradient, torch.full((len(z),), D))
    assert moved < commit


def test_evaluation_changes_no_codebook():
    quantiser, z = fitted()
    before = quantiser.e_DVH.clone()
    quantiser(z * 3, torch.full((len(z),), D))
    assert torch.equal(quantiser.e_DVH, before)


def test_dead_codes_come_back_to_life():
    quantiser, z = fitted()
    quantiser.e_DVH[0, 3] = 1e3
    quantiser.sum_DVH[0, 3] = 1e3
    quantiser.count_DV[0, 3] = 1e-6
    quantiser.train()
    quantiser(z, torch.full((len(z),), D))
    assert float(quantiser.e_DVH[0, 3].abs().max()) < 10
