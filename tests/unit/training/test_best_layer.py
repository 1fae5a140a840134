import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler
from torch import nn

from archlock.errors import UnsupportedError
from archlock.models import as_classifier
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import at_best_layer
from archlock.training.best_layer import RIDGES, ridge_score

TASK = small_digits(train=150, validation=80, test=20)


class Forgetful(nn.Module):
    """Its first layers hand the image on, its last block says nothing."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.third = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())
        self.last = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())
        self.head = nn.Linear(8, 4)
        nn.init.zeros_(self.last[0].weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.last(self.third(self.second(self.first(images)))).mean((2, 3)))


def test_a_layer_that_says_nothing_is_cut_off() -> None:
    front = at_best_layer(Forgetful(), TASK, seed=0)
    assert front.body.pooling == 2, "digits differ by where their lines are"
    assert not front.body.name.startswith("body.model.last")
    assert front.head.out_features == TASK.outputs


@pytest.mark.parametrize("wide", [5, 400])
def test_scores_are_those_of_scikit_learn(wide: int) -> None:
    rng = np.random.default_rng(0)
    train, validation = (
        rng.normal(size=(len(split), wide)) + 0.4 * np.eye(10, wide)[split.targets] * 3
        for split in (TASK.train, TASK.validation)
    )
    scaler = StandardScaler().fit(train)
    best = max(
        RidgeClassifier(alpha=penalty * len(train))
        .fit(scaler.transform(train), TASK.train.targets)
        .score(scaler.transform(validation), TASK.validation.targets)
        for penalty in RIDGES
    )
    assert ridge_score(train, validation, TASK, 0) == pytest.approx(best, abs=1e-9)


def test_dense_tasks_are_refused_and_a_single_layer_stays_whole() -> None:
    with pytest.raises(UnsupportedError, match="layers are compared by what is said of a whole image"):
        at_best_layer(Forgetful(), small_negatives(), seed=0)
    alone = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    whole = at_best_layer(alone, TASK, seed=0)
    assert torch.equal(whole.head.weight, as_classifier(alone, TASK.shape).head.weight)
