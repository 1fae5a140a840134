"""Layers at three moments: counted, and where there is no condition number, why."""

from copy import deepcopy

import torch
from torch import nn

from archlock.models import stretching_of
from archlock.recipes.harden.measuring import layer_records, smoothness
from archlock.testing.small_tasks import small_digits


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.Conv2d(4, 1, 1),
        nn.Flatten(),
        nn.Linear(36, 3),
    )


def test_layers_without_a_condition_number_say_why() -> None:
    model = network()
    notes = {one.name: one.note for one in layer_records(model, model, model, [{}, {}, {"4": 2.5}])}
    assert notes == {
        "0": "",
        "1": "depthwise, a filter for each channel: no condition number; the constraint passes it over",
        "2": "one filter: a single row has no condition number; the constraint passes it over",
        "4": "",
    }


def test_each_moment_is_counted_by_itself() -> None:
    before, dense, after = (deepcopy(network()) for _ in range(3))
    with torch.no_grad():
        after[0].weight[1] = 0.0
        after[0].weight[0, 0, 0, 0] = 0.0
        after[4].weight[1] = after[4].weight[0]
    first, _, _, head = layer_records(before, dense, after, [{}, {}, {"4": 2.5}])
    assert (first.weights, first.filters) == (36, 4)
    assert [one.zeros for one in (first.before, first.dense, first.after)] == [0, 0, 10]
    assert [one.dead for one in (first.before, first.dense, first.after)] == [0, 0, 1]
    assert [one.rank for one in (head.before, head.dense, head.after)] == [3, 3, 2]
    assert head.after.gap is None
    assert (head.dense.norm, head.after.norm) == (None, 2.5)
    assert head.note.startswith("the rank is 2 of 3")


def test_a_bound_is_above_what_is_measured_and_missing_with_its_reason() -> None:
    task = small_digits(train=8, validation=8, test=8)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)).eval()
    found = smoothness(model, stretching_of(model, task.shape), task)
    assert found.bound is not None
    assert found.bound >= found.largest_local >= found.median_local > 0
    assert found.images == 8

    class Squared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            answers: torch.Tensor = self.inner(images)
            return answers * answers

    without = smoothness(Squared(), stretching_of(Squared(), task.shape), task)
    assert without.bound is None
    assert "mul of two things" in without.note
    assert without.largest_local > 0
