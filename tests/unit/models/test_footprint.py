"""Memory and traffic of a forward pass: by hand, and watched on modules."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archlock.models.footprint import Step, moved_bytes, peak_bytes, steps_of


def test_what_is_not_read_any_more_makes_room() -> None:
    chain = (Step(10), Step(20, (0,)), Step(30, (1,)), Step(5, (2,)))
    assert peak_bytes(chain) == 50
    assert moved_bytes(chain) == (10 + 20) + (20 + 30) + (30 + 5)


def test_a_tensor_that_is_read_later_is_kept() -> None:
    shortcut = (Step(10), Step(20, (0,)), Step(20, (1,)), Step(20, (1, 2)))
    assert peak_bytes(shortcut) == 60
    assert peak_bytes((*shortcut[:3], Step(20, (1, 2), elementwise=True))) == 40


def test_an_elementwise_step_writes_over_what_nobody_else_reads() -> None:
    assert peak_bytes((Step(10), Step(10, (0,), elementwise=True))) == 10
    kept = (Step(10), Step(10, (0,), elementwise=True), Step(10, (0, 1)))
    assert peak_bytes(kept) == 30
    other_size = (Step(10), Step(20, (0,), elementwise=True))
    assert peak_bytes(other_size) == 30


def test_what_is_made_and_never_read_is_dropped() -> None:
    assert peak_bytes((Step(10), Step(100, (0,)), Step(10, (0,)), Step(10, (2,)))) == 110


def test_a_convolution_with_its_normalisation_is_one_step() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
    steps = steps_of(model, (3, 8, 8))
    assert steps == (Step(3 * 64 * 4), Step(4 * 64 * 4, (0,)), Step(4 * 64 * 4, (1,), elementwise=True))
    assert peak_bytes(steps) == (3 + 4) * 64 * 4


class Residual(nn.Module):
    """Adds in place, looks at its input through a view, and has a normalisation that follows no convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.convolution = nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        total = self.norm(images)
        total += self.convolution(F.relu(images))
        return total.flatten(1)


def test_in_place_sums_and_views() -> None:
    model = Residual().train()
    steps = steps_of(model, (2, 4, 4))
    size = 2 * 16 * 4
    assert [(step.size, step.reads) for step in steps] == [
        (size, ()), (size, (0,)), (size, (0,)), (size, (2,)), (size, (1, 3))
    ]  # fmt: skip
    assert peak_bytes(steps) == 3 * size
    assert model.training
    assert torch.equal(model.norm.running_mean, torch.zeros(2)), "the module is left as it was"
