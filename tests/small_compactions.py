"""Networks and choices small enough for tests of compaction: six and twelve channels, 8 x 8 digits."""

from copy import deepcopy
from fractions import Fraction
from functools import cache

import torch
from torch import Tensor, nn

from archlock.models import labelled, structure_of
from archlock.tasks import Task
from archlock.testing.small_tasks import small_digits
from archlock.training import Choice, Cost, Goal, Plan, fit
from foreign_models import plain_network


def digits() -> Task:
    return small_digits(train=240, validation=60, test=60, labels=(0, 1, 2, 3))


@cache
def _trained() -> nn.Module:
    return fit(plain_network(4), digits(), Plan(5, batch_size=16, learning_rate=0.1, shift=0.0), seed=0).model


def trained() -> nn.Module:
    """A network of six and twelve channels that knows its four digits."""
    return _trained()


def choice_of(
    model: nn.Module,
    keep: str = "1/2",
    cost: Cost = "groups",
    *,
    divisible: int = 1,
    floor: str = "0",
    shape: tuple[int, int, int] = (1, 8, 8),
) -> Choice:
    images = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    structure = labelled(model, structure_of(model, images[:1]), images)
    exact = tuple(group for group in structure.groups if group.exact)
    return Choice(structure, exact, Goal(Fraction(keep), cost, divisible, Fraction(floor)))


class Concatenated(nn.Module):
    """Two convolutions side by side, and one normalisation behind them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.left, self.right = (nn.Conv2d(1, width, 3, padding=1) for width in (4, 6))
        self.norm = nn.BatchNorm2d(10)
        self.head = nn.Linear(10, 4)

    def forward(self, images: Tensor) -> Tensor:
        maps = torch.relu(self.norm(torch.cat([self.left(images), self.right(images)], 1)))
        answer: Tensor = self.head(maps.mean((2, 3)))
        return answer


def planted() -> nn.Module:
    """The trained network, whose first layer has a tenth of its numbers and the next ten times its own.

    It answers the same: everything still hangs on the first layer, whose norm is the least by far.
    """
    model = deepcopy(_trained())
    assert isinstance(model, nn.Sequential)
    with torch.no_grad():
        for value in (model[0].weight, model[0].bias, model[1].weight, model[1].bias, model[1].running_mean):
            value.mul_(0.1)
        model[1].running_var.mul_(0.01)
        model[1].eps = 1e-7
        model[3].weight.mul_(10)
    return model
