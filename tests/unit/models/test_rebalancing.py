import copy

import pytest
import torch
from torch import nn

from archlock.models import as_classifier, build, rebalanced
from archlock.models.rebalancing import Normalised
from archlock.spaces import Architecture
from archlock.tasks import Signature
from shared_networks import resnet20

IMAGES = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def settled(model: nn.Module, shape: tuple[int, int, int] = (1, 8, 8)) -> nn.Module:
    """With statistics of its own, body and head."""
    model.train()(torch.rand(64, *shape, generator=torch.Generator().manual_seed(0)))
    return as_classifier(model, shape).eval()


def chain(activation: type[nn.Module] = nn.ReLU, norm: bool = True, inplace: bool = False) -> nn.Module:
    torch.manual_seed(2)
    act = (lambda: nn.ReLU(inplace=True)) if inplace else activation
    layers = [
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        act(),
        nn.Conv2d(6, 6, 3, groups=6),
        nn.BatchNorm2d(6),
        act(),
    ]
    kept = [part for part in layers if norm or not isinstance(part, nn.BatchNorm2d)]
    return nn.Sequential(
        *kept, nn.Conv2d(6, 8, 1), act(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 12), act(), nn.Linear(12, 3)
    )


def deviations(model: nn.Module) -> list[torch.Tensor]:
    """Of what the layers say that have a normalisation behind them, per channel."""
    seen = []
    handles = [
        part.layer.register_forward_hook(lambda _, __, said: seen.append(said.transpose(0, 1).flatten(1).std(1)))
        for part in model.modules()
        if isinstance(part, Normalised)
    ]
    with torch.no_grad():
        model(IMAGES)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("inplace", [False, True])
def test_a_chain_is_folded_equalised_and_normalised_and_answers_the_same(inplace: bool) -> None:
    model = settled(chain(inplace=inplace))
    state = copy.deepcopy(model.state_dict())
    found = rebalanced(model, IMAGES)
    assert (found.folded, found.equalised, found.normalised) == (2, 4, 4)
    with torch.no_grad():
        torch.testing.assert_close(found.model(IMAGES), model(IMAGES), rtol=1e-4, atol=1e-5)
    for deviation in deviations(found.model):
        alive = deviation > 1e-3
        torch.testing.assert_close(deviation[alive], torch.ones(int(alive.sum())), rtol=0.02, atol=0.02)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in found.model.modules())


@pytest.mark.parametrize("least", [1e-3, 1e-25])
def test_channels_that_somebody_rescaled_come_back_to_the_same_network(least: float) -> None:
    plain = settled(chain(norm=False))
    hidden = copy.deepcopy(plain)
    first, second = (hidden.body.model[place] for place in (0, 2))
    scale = torch.tensor([1 / least, least, 30.0, 1.0, 0.01, 5.0])
    with torch.no_grad():
        first.weight.mul_(scale[:, None, None, None])
        first.bias.mul_(scale)
        second.weight.div_(scale[:, None, None, None])
        torch.testing.assert_close(hidden(IMAGES), plain(IMAGES), rtol=1e-4, atol=1e-5)
    one, other = (rebalanced(model, IMAGES).model.state_dict() for model in (plain, hidden))
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-3, atol=1e-4)


def test_what_is_not_homogeneous_or_shared_is_not_scaled() -> None:
    bent = rebalanced(settled(chain(activation=nn.GELU)), IMAGES)
    assert (bent.folded, bent.equalised) == (2, 0)

    class Skipping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter, self.inner, self.out = (
                nn.Conv2d(1, 4, 1),
                nn.Conv2d(4, 4, 3, padding=1),
                nn.Conv2d(4, 4, 3, padding=1),
            )
            self.head = nn.Linear(4, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            stream = torch.relu(self.enter(images))
            return self.head((stream + self.out(torch.relu(self.inner(stream)))).mean((2, 3)))

    model = settled(Skipping())
    found = rebalanced(model, IMAGES)
    assert found.equalised == 1, "the layer inside alone: the others write into the stream"
    with torch.no_grad():
        torch.testing.assert_close(found.model(IMAGES), model(IMAGES), rtol=1e-4, atol=1e-5)


def test_of_a_single_value_there_is_no_normalisation() -> None:
    model = as_classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 3)), (1, 8, 8)).eval()
    assert rebalanced(model, IMAGES[:1]).normalised == 0
    assert rebalanced(model, IMAGES[:2]).normalised == 1


def test_networks_of_ours_and_tokens_stay_what_they_are() -> None:
    signature = Signature("classification", (1, 8, 8), 3, (0.3,), (0.4,))
    network = build(Architecture("nasbench201", "314321"), signature, width=4, depth=1, seed=0)
    network.train()(IMAGES)
    found = rebalanced(network.eval(), IMAGES)
    assert found.folded > 3
    with torch.no_grad():
        torch.testing.assert_close(found.model(IMAGES), network(IMAGES), rtol=1e-3, atol=1e-4)


def test_the_shared_resnet_keeps_its_function_folded_or_not() -> None:
    model = as_classifier(resnet20(), (3, 32, 32)).eval()
    images = torch.rand(30, 3, 32, 32)
    found = rebalanced(model, images)
    assert (found.folded, found.equalised, found.normalised) == (19, 9, 19)
    again = rebalanced(found.model, images)
    with torch.no_grad():
        expected = model(images)
        for one in (found, again):
            assert (one.model(images) - expected).abs().max() < 1e-4 * expected.abs().max()
