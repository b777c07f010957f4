import torch

from training.discriminator import FeatureCritic, discriminator_loss, generator_loss
from training.perceptual import ClassNeighbours, FeatureDistance


def features(value: torch.Tensor) -> list[torch.Tensor]:
    """Two strides of features `[B, 2, S, S]` that hold `value [B, 2]` everywhere."""
    return [value[:, :, None, None].expand(-1, -1, side, side) for side in (4, 2)]


def test_class_neighbours_is_the_share_of_weights_on_the_class():
    bank = torch.tensor([[3.0, 0.0], [2.0, 1.0], [0.0, 3.0], [1.0, 2.0]]).repeat(1, 2)
    label = torch.tensor([0, 0, 1, 1])
    n = ClassNeighbours(bank, label, tau=0.5)
    asked = torch.tensor([[2.5, 0.5], [0.5, 2.5]])
    z = torch.nn.functional.normalize((asked.repeat(1, 2) - bank.mean(0)) / bank.std(0), dim=1)
    p = torch.softmax(z @ n.bank.t() / 0.5, 1)
    expected = -torch.stack([p[0, :2].sum(), p[1, 2:].sum()]).log()
    assert torch.allclose(n(features(asked), torch.tensor([0, 1])), expected, atol=1e-5)
    assert bool((n(features(asked), torch.tensor([1, 0])) > n(features(asked), torch.tensor([0, 1]))).all())


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
