import torch
from torch import Tensor, nn

from archlock.models.straightening import StraightThrough, straighten


class TwoBits(nn.Module):
    """A rectifier with four levels."""

    def forward(self, maps: Tensor) -> Tensor:
        return torch.round(maps.clamp(0, 1.5) * 2) / 2


class Straight(nn.Module):
    """Rounded, with a gradient of its own."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps + (torch.round(maps) - maps).detach()


def network(*activations: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    first, second = activations
    layers = [nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), first, nn.Conv2d(8, 8, 3), second, nn.Flatten(), nn.Linear(128, 3)]
    return nn.Sequential(*layers).eval()


def test_steps_get_a_slope_and_answer_the_same() -> None:
    images = torch.rand(6, 1, 8, 8)
    model = network(TwoBits(), TwoBits())
    before = model(images)
    before.sum().backward()
    assert model[0].weight.grad is None or not model[0].weight.grad.any()
    assert straighten(model, images) == 2
    torch.testing.assert_close(model(images), before)
    model.zero_grad()
    model(images).sum().backward()
    assert model[0].weight.grad.abs().max() > 0
    assert isinstance(model[2], StraightThrough)
    assert straighten(model, images) == 0, "they have one now"


def test_the_slope_is_that_of_the_ramp_and_zero_where_it_is_flat() -> None:
    steps = StraightThrough(TwoBits(), 0.5)
    given = torch.tensor([-2.0, 0.5, 0.75, 3.0], requires_grad=True)
    steps(given).sum().backward()
    assert given.grad is not None
    torch.testing.assert_close(given.grad, torch.tensor([0.0, 1.0, 1.0, 0.0]), atol=0.51, rtol=0)
    assert given.grad[0] == given.grad[3] == 0


def test_what_has_a_gradient_or_is_no_activation_stays() -> None:
    images = torch.rand(6, 1, 8, 8)
    for one in (nn.ReLU(), nn.Identity(), Straight(), nn.Dropout(0.5), nn.Softmax(1)):
        model = network(nn.ReLU(), one)
        assert straighten(model, images) == 0, one
    mixed = network(nn.ReLU(), TwoBits())
    assert straighten(mixed, images) == 1
