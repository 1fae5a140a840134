"""What the frozen body of a model says of the images of a task, read once; heads of any strength are fitted on it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models import DenseDecoder, Network, features_before_head, linear_head
from archlock.tasks import Split, Task
from archlock.training.batches import batches, looked_at
from archlock.training.dense_probe import decoder_moments, ridge
from archlock.training.logistic import Head

HeadMaker = Callable[[np.ndarray, np.ndarray, int, float], Sequence[Head]]
"""Of features (examples x features), labels, the number of outputs and a strength: heads, one or several."""
Judge = Callable[[nn.Module], float]
"""Validation score of a model as a whole."""


@runtime_checkable
class Fitting(Protocol):
    """Of a kind: how a head is fitted and what its answers score."""

    def heads(self, features: np.ndarray, targets: np.ndarray, outputs: int, strength: float) -> Sequence[Head]:
        """Of standardised features."""
        ...

    def wanted(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """What a linear map should say: N x outputs."""
        ...

    def score(self, answers: np.ndarray, targets: np.ndarray) -> float:
        """Of N x outputs."""
        ...


class Reading(ABC):
    """Heads can be fitted on it without the images."""

    @abstractmethod
    def fit(
        self, model: nn.Module, strengths: Sequence[float], heads: HeadMaker | None, judge: Judge
    ) -> tuple[float, dict[float, float]]:
        """Put the best head into ``model``; its strength, and the validation score of every strength.

        ``heads`` makes heads for classes; where there are none it has no part.
        """


@dataclass(frozen=True, slots=True, eq=False)
class RowReading(Reading):
    """Standardised features of training and validation split, and what standardised them."""

    task: Task
    kind: Fitting
    train: Float[np.ndarray, "examples features"]
    validation: Float[np.ndarray, "others features"]
    center: Float[np.ndarray, " features"]
    scale: Float[np.ndarray, " features"]

    def fit(
        self, model: nn.Module, strengths: Sequence[float], heads: HeadMaker | None, judge: Judge
    ) -> tuple[float, dict[float, float]]:
        """Of several heads at one strength the best counts; the standardisation is folded into the head."""
        task, made = self.task, heads if heads is not None and self.task.traits.has_classes else self.kind.heads

        def score_of(head: Head) -> float:
            return score_of_answers(self.kind, self.validation @ head[0].T + head[1], task.validation)

        best = {
            tried: max(made(self.train, task.train.targets, task.outputs, tried), key=score_of) for tried in strengths
        }
        scores = {tried: score_of(head) for tried, head in best.items()}
        strength = max(scores, key=scores.__getitem__)
        weight, bias = best[strength]
        _fill(linear_head(model), weight / self.scale, bias - weight @ (self.center / self.scale))
        return strength, scores | {strength: judge(model)}  # (what it says as a whole, ties and all)


@dataclass(frozen=True, slots=True, eq=False)
class MomentReading(Reading):
    """See :func:`~archlock.training.dense_probe.decoder_moments`."""

    gram: np.ndarray
    cross: np.ndarray

    def fit(
        self,
        model: nn.Module,
        strengths: Sequence[float],
        heads: HeadMaker | None,
        judge: Judge,
    ) -> tuple[float, dict[float, float]]:
        """Ridge regressions of the pixels, each judged as a whole model."""
        decoder, scores = _decoder(model), {}
        made = {strength: ridge(self.gram, self.cross, strength) for strength in strengths}
        for strength, head in made.items():
            _fill(decoder.linear, *head)
            scores[strength] = judge(model)
        best = max(scores, key=scores.__getitem__)
        _fill(decoder.linear, *made[best])
        return best, scores


def score_of_answers(kind: Fitting, answers: np.ndarray, split: Split) -> float:
    """What answers (N x outputs) to all of a split score."""
    if split.scoring is not None:
        return split.scoring.of(answers.argmax(1), split.targets, split.groups)
    return kind.score(answers, split.targets)


def rows_of(learning: object) -> Fitting:
    """A kind as one whose heads are fitted to rows; UnsupportedError for a dense one."""
    if not isinstance(learning, Fitting):
        raise UnsupportedError(f"{type(learning).__name__} tasks say something of every pixel, not of a whole image")
    return learning


def read_rows(fresh: nn.Module, task: Task, kind: Fitting, device: str) -> Reading:
    """Features before the head. Those that are not finite raise :class:`~archlock.errors.MeasurementError`."""
    train, validation = (_features(fresh, split, device) for split in (task.train, task.validation))
    center, scale = train.mean(0), np.maximum(train.std(0), 1e-6)
    return RowReading(task, kind, (train - center) / scale, (validation - center) / scale, center, scale)


def read_moments(fresh: nn.Module, task: Task, device: str) -> Reading:
    """Moments of the feature maps and the pixels of the targets."""
    return MomentReading(*decoder_moments(fresh, _decoder(fresh), task.train, device))


def _decoder(model: nn.Module) -> DenseDecoder:
    decoder = model.head if isinstance(model, Network) else None
    if not isinstance(decoder, DenseDecoder):
        raise UnsupportedError(f"the head of {type(model).__name__} for a dense task is not a DenseDecoder")
    return decoder


def _fill(layer: nn.Linear | nn.Conv2d, weight: np.ndarray, bias: np.ndarray) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight).reshape(layer.weight.shape))
        if layer.bias is not None:
            layer.bias.copy_(torch.from_numpy(bias))


def _features(model: nn.Module, split: Split, device: str) -> Float[np.ndarray, "examples features"]:
    size = looked_at(500, split)
    parts = [features_before_head(model, batch.images.to(device)).cpu() for batch in batches(split, size)]
    features = torch.cat(parts).double().numpy()
    if not np.isfinite(features).all():
        raise MeasurementError("the features of the model are not finite numbers; its training has diverged")
    return features
