"""Fit a new head on frozen features: the cheapest way to repurpose a model.

Alain and Bengio 2017. Classification: multinomial logistic regression (scikit-learn, L-BFGS) on the standardised input
of the head, its strength chosen on the validation split; the standardisation is folded into the head, so the result is
an ordinary model. Other ways to a head may be asked for (``closed_heads``). Other kinds of task have a closed form of
their own (``kinds``): of dense ones ridge regression of the pixels on the feature maps.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from archlock.errors import ConfigurationError
from archlock.models import count_flops, with_new_head
from archlock.tasks import Task
from archlock.training.evaluate import evaluate
from archlock.training.kinds import LEARNING
from archlock.training.kinds.reading import HeadMaker, Reading
from archlock.training.logistic import Head, logistic_head

STRENGTHS = (0.01, 0.1, 1.0)
"""Inverse regularisation strengths of the regression (scikit-learn's C; the inverse of its alpha for dense tasks)."""


def logistic_heads(features: np.ndarray, labels: np.ndarray, outputs: int, strength: float) -> Sequence[Head]:
    """The usual one, see :func:`~archlock.training.logistic.logistic_head`."""
    return (logistic_head(features, labels, outputs, strength),)


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """A copy of a model with a head fitted to another task, its score on validation and the strength that was best."""

    model: nn.Module
    validation: float
    strength: float
    trials: tuple[tuple[float, float], ...]
    """Every (strength, validation score) that was tried."""
    flops: int
    """Floating-point operations of looking at the training images once; fitting a head on their features is not
    counted."""


@dataclass(frozen=True, slots=True, eq=False)
class FrozenFeatures:
    """What the frozen body of a model says of the images of a task, read once; heads of any strength are fitted on it.

    Features of the training and validation split, N x F; of dense tasks moments of the feature maps.
    """

    fresh: nn.Module
    """The copy whose head is fitted; copied again for every probe."""
    task: Task
    read: Reading
    flops: int
    """Floating-point operations of looking at the training images once."""

    def probe(
        self, strengths: Sequence[float] = STRENGTHS, heads: HeadMaker | None = None, *, device: str = "cpu"
    ) -> Probed:
        """The head of the strength that is best on validation; of equally good ones the first.

        ``heads`` makes heads for classes of the standardised features (None: those of the kind of task); of several at
        one strength the best counts. On a task without classes it has no part.
        """
        if not strengths:
            raise ConfigurationError("a linear probe needs at least one strength to try; got none")
        model = copy.deepcopy(self.fresh)

        def judge(fitted: nn.Module) -> float:
            return evaluate(fitted, self.task.validation, device=device)

        strength, scores = self.read.fit(model, strengths, heads, judge)
        return Probed(model, scores[strength], strength, tuple(scores.items()), self.flops)


def frozen_features(model: nn.Module, task: Task, *, seed: int, device: str = "cpu") -> FrozenFeatures:
    """Read them. Features that are not finite raise :class:`~archlock.errors.MeasurementError`."""
    fresh = with_new_head(model, task.signature, seed=seed).to(device).eval()
    flops = len(task.train) * count_flops(fresh, task.shape)
    read = LEARNING[task.kind].read(fresh, task, device=device)
    return FrozenFeatures(fresh, task, read, flops)


def linear_probe(
    model: nn.Module, task: Task, *, strengths: Sequence[float] = STRENGTHS, seed: int, device: str = "cpu"
) -> Probed:
    """Fit a new head for ``task`` on the frozen body of ``model``, which is left as it was.

    Of equally good strengths the first is taken. Features that are not finite raise
    :class:`~archlock.errors.MeasurementError`.
    """
    return frozen_features(model, task, seed=seed, device=device).probe(strengths, device=device)
