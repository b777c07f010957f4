import torch

from training.discriminator import FeatureCritic, discriminator_loss, generator_loss
from training.perceptual import ClassFeatures, ClassNeighbours, FeatureDistance


def features(value: torch.Tensor) -> list[torch.Tensor]:
    """Two strides of features `[B, 2, S, S]` that hold `value [B, 2]` everywhere."""
    return [value[:, :, None, None].expand(-1, -1, side, side) for side in (4, 2)]


def test_class_neighbours_is_the_share_of_weights_on_the_class():
    """Two networks, of which the second swaps the axes: it sees the same, so the sum is twice the loss of one."""
    bank = torch.tensor([[3.0, 0.0], [2.0, 1.0], [0.0, 3.0], [1.0, 2.0]])
    label = torch.tensor([0, 0, 1, 1])
    n = ClassNeighbours(torch.stack([bank, bank.flip(1)]), label, tau=0.5)
    asked = torch.tensor([[2.5, 0.5], [0.5, 2.5]])
    seen = torch.stack([asked, asked.flip(1)])
    z = torch.nn.functional.normalize((asked - bank.mean(0)) / bank.std(0), dim=1)
    p = torch.softmax(z @ n.bank[0].t() / 0.5, 1)
    expected = -2 * torch.stack([p[0, :2].sum(), p[1, 2:].sum()]).log()
    assert torch.allclose(n(seen, torch.tensor([0, 1])), expected, atol=1e-5)
    assert bool((n(seen, torch.tensor([1, 0])) > n(seen, torch.tensor([0, 1]))).all())


def test_class_features_are_pooled_and_lead_back_to_the_pictures():
    pictures = (torch.rand(2, 3, 48, 48) * 2 - 1).requires_grad_()
    pooled = ClassFeatures(side=64)(pictures)
    assert pooled.shape == (2, 2, 1280) and bool((pooled >= 0).all())
    pooled.sum().backward()
    assert float(pictures.grad.abs().sum()) > 0


def test_the_critic_learns_the_class_not_only_the_look():
    """Two classes, two looks: the same features are real for one class and made for the other, so only the projection can tell."""
    torch.manual_seed(1)
    critic = FeatureCritic([2, 2], classes=2, width=8)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-2)
    look, label = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
    losses = []
    for _ in range(200):
        loss = discriminator_loss(critic(features(look), label), critic(features(look.flip(0)), label))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 0.9 and losses[-1] < 0.3
    assert generator_loss(critic(features(look), label)) < generator_loss(critic(features(look.flip(0)), label))


def test_feature_distance_is_zero_for_equals_and_grows_with_blur():
    network = FeatureDistance(max_stride=16)
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    blurred = torch.nn.functional.avg_pool2d(picture, 3, 1, 1)
    assert network.channels(32) == [f.shape[1] for f in network.features(picture)]
    assert float(network(picture, picture)) == 0 and network(blurred, picture) > network(0.9 * picture + 0.1 * blurred, picture) > 0
