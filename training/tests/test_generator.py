import pytest
import torch

from training.generator import Generator, GeneratorConfig, View
from training.tokens import TokenSet

CONFIG = GeneratorConfig(C=3, L=4, D=3, H=4, K=6, rank=2, width=16, blocks=1, heads=2, views=5, view_rank=4)


def inputs(condition: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    B = len(condition)
    return torch.randn(B, 4, 4), torch.full((B, 4), 2), torch.tensor(condition)


def trained_view(g: Generator) -> None:
    """Away from its start, where a view changes nothing yet."""
    for p in g.view.parameters():
        torch.nn.init.normal_(p)


@torch.no_grad()
def test_at_the_start_of_training_a_view_changes_nothing():
    g = Generator(CONFIG).eval()
    x, k, c = inputs([0, 1])
    assert torch.equal(g(x, k, c, torch.tensor([0.2, 0.9])).b, g(x, k, c).b)


@torch.no_grad()
def test_a_missing_view_is_an_unknown_one():
    g = Generator(CONFIG).eval()
    trained_view(g)
    x, k, c = inputs([0, 3])
    assert torch.equal(g(x, k, c).logits, g(x, k, c, torch.tensor([-1.0, -1.0])).logits)
    assert not torch.allclose(g(x, k, c).logits, g(x, k, c, torch.tensor([0.5, 0.5])).logits)


@torch.no_grad()
def test_codes_are_linear_between_knots():
    view = View(CONFIG)
    view.code.normal_()
    view.embed_code.weight.copy_(torch.eye(16, 4))
    at = torch.tensor([0.0, 0.25, 0.375, 1.0])
    code, _ = view(torch.full((4,), 1), at)
    knots = view.code[1]
    expected = torch.stack([knots[0], knots[1], (knots[1] + knots[2]) / 2, knots[4]])
    torch.testing.assert_close(code[:, :4], expected)


@torch.no_grad()
def test_fit_recovers_pictures_that_lie_on_a_line_through_each_class():
    N = 120
    label, at = torch.arange(N) % 3, torch.linspace(0, 1, N)
    start, slope = torch.randn(3, 4, 4), torch.randn(3, 4, 4)
    z = start[label] + slope[label] * at.view(-1, 1, 1)
    view = View(GeneratorConfig(C=3, L=4, D=3, H=4, views=9, view_rank=5))
    view.fit(z, label, at)
    view.embed_picture.weight.copy_(torch.eye(256, 4))
    _, picture = view(label, at)
    error = (picture[..., :4] - z).square().mean() / z.var()
    assert float(error) < 0.01
    # Without a view: the class's mean.
    _, picture = view(label, torch.full((N,), -1.0))
    mean = torch.stack([z[label == c].mean(0) for c in range(3)])[label]
    torch.testing.assert_close(picture[..., :4], mean, atol=1e-3, rtol=1e-3)


def test_views_are_places_among_all_pictures_of_the_class():
    # Class 0 has 21 pictures, of which 0 and 20 are held out; class 1 has 3, of which 0 is.
    label, held_out = torch.tensor([0] * 19 + [1] * 2), torch.tensor([0, 0, 1])
    none = torch.zeros(1, 1, 1, 1)
    train, validation = TokenSet(none, label, none, held_out, ["a", "b"], 1.0, none).views()
    assert validation.tolist() == pytest.approx([0, 1, 0])
    assert train[:19].tolist() == pytest.approx([i / 20 for i in range(1, 20)])
    assert train[19:].tolist() == pytest.approx([0.5, 1.0])
