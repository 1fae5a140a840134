"""Data and models that give attackers little or nothing: an outcome all the same, or an error in words."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from archlock.attacks import ATTACKS
from archlock.errors import MeasurementError, UnsupportedError
from archlock.tasks import Split, Task
from archlock.testing.attacks import target_task, trained_network
from archlock.training import Plan

PLAN = Plan(1, batch_size=16, shift=0.0)
TASK = target_task()
NAMES = ("renormalised", "regrown", "surgery", "ridge", "whitened")


def given(images: np.ndarray, targets: np.ndarray) -> Task:
    return replace(TASK, train=Split(images, targets))


def with_norm() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def to_one_place() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 8), nn.Sigmoid(), nn.Conv2d(4, 6, 1), nn.Flatten(), nn.Linear(6, 3))


def attack(name: str, model: nn.Module, task: Task) -> float:
    return ATTACKS[name].run(model, task, plan=PLAN, settings=ATTACKS[name].settings[:1], seed=0).test


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [with_norm, to_one_place])
def test_little_data_are_no_crash(name, make):
    images, targets = TASK.train.images, TASK.train.targets
    for task in (
        given(images[:2], targets[:2]),
        given(images[:17], np.full(17, 2)),  # (the last batch would be of one image)
        given(np.zeros_like(images), targets),
    ):
        assert 0 <= attack(name, make(), task) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_one_image_is_an_outcome_or_refused_in_words(name):
    one = given(TASK.train.images[:1], TASK.train.targets[:1])
    assert 0 <= attack(name, to_one_place(), one) <= 1
    assert 0 <= attack(name, with_norm(), one) <= 1
    with pytest.raises(UnsupportedError, match=r"cannot be trained on one image alone .* two training images"):
        attack("fine_tune", with_norm(), one)  # (which keeps the normalisation)


class Breaking(nn.Module):
    """Answers what is no number in every large batch while it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(64, 6), nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = self.body(images.flatten(1)).relu()
        return self.head(features * torch.nan if self.training and len(images) > 4 else features)


@pytest.mark.parametrize("name", ["renormalised", "regrown", "surgery"])
def test_no_number_in_the_first_batch_is_a_divergence(name):
    with pytest.raises(MeasurementError, match=rf"'{name}' .* every setting diverged.* diverged in epoch 1"):
        attack(name, Breaking(), TASK)


@pytest.mark.parametrize("name", ["fine_tune", "regrown"])
def test_a_network_of_ours_that_was_pruned_by_torch_is_attacked(name):
    model = trained_network()
    prune.random_unstructured(next(part for part in model.modules() if isinstance(part, nn.Conv2d)), "weight", 0.5)
    assert 0 <= attack(name, model, TASK) <= 1
