"""Fit a new head on frozen features: the cheapest way to repurpose a model.

Alain and Bengio 2017. Classification: multinomial logistic regression (scikit-learn, L-BFGS) on the standardised input
of the head, its strength chosen on the validation split; the standardisation is folded into the head, so the result is
an ordinary model. Other ways to a head may be asked for (``closed_heads``). Dense tasks: ridge regression of the pixels
on the feature maps, in closed form.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import DenseDecoder, Network, count_flops, features_before_head, linear_head, with_new_head
from archlock.tasks import Split, Task
from archlock.training.batches import batches
from archlock.training.dense_probe import decoder_moments, ridge
from archlock.training.evaluate import evaluate
from archlock.training.logistic import Head, logistic_head

STRENGTHS = (0.01, 0.1, 1.0)
"""Inverse regularisation strengths of the regression (scikit-learn's C; the inverse of its alpha for dense tasks)."""


HeadMaker = Callable[[np.ndarray, np.ndarray, int, float], Sequence[Head]]
"""Of features (examples x features), labels, the number of outputs and a strength: heads, one or several."""


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

    Classification: features of the training and validation split, N x F. Dense tasks: moments of the feature maps.
    """

    fresh: nn.Module
    """The copy whose head is fitted; copied again for every probe."""
    task: Task
    read: "_Rows | _Moments"
    flops: int
    """Floating-point operations of looking at the training images once."""

    def probe(
        self, strengths: Sequence[float] = STRENGTHS, heads: HeadMaker = logistic_heads, *, device: str = "cpu"
    ) -> Probed:
        """The head of the strength that is best on validation; of equally good ones the first.

        ``heads`` makes heads for classes of the standardised features; of several at one strength the best counts. On a
        dense task it has no part.
        """
        if not strengths:
            raise ConfigurationError("a linear probe needs at least one strength to try; got none")
        model = copy.deepcopy(self.fresh)
        if isinstance(self.read, _Moments):
            return self._dense(model, self.read, strengths, device)
        rows, labels = self.read, self.task.train.targets

        def score_of(head: Head) -> float:
            answers = (rows.validation @ head[0].T + head[1]).argmax(1)
            return float((answers == self.task.validation.targets).mean())

        best = {tried: max(heads(rows.train, labels, self.task.outputs, tried), key=score_of) for tried in strengths}
        scores = {tried: score_of(head) for tried, head in best.items()}
        strength = max(scores, key=scores.__getitem__)
        weight, bias = best[strength]
        _fill(linear_head(model), weight / rows.scale, bias - weight @ (rows.center / rows.scale))
        score = evaluate(model, self.task.validation, device=device)  # (what it says as a whole, ties and all)
        return Probed(model, score, strength, tuple((scores | {strength: score}).items()), self.flops)

    def _dense(self, model: nn.Module, moments: "_Moments", strengths: Sequence[float], device: str) -> Probed:
        decoder, scores = _decoder(model), {}
        heads = {strength: ridge(moments.gram, moments.cross, strength) for strength in strengths}
        for strength, head in heads.items():
            _fill(decoder.linear, *head)
            scores[strength] = evaluate(model, self.task.validation, device=device)
        best = max(scores, key=scores.__getitem__)
        _fill(decoder.linear, *heads[best])
        return Probed(model, scores[best], best, tuple(scores.items()), self.flops)


def frozen_features(model: nn.Module, task: Task, *, seed: int, device: str = "cpu") -> FrozenFeatures:
    """Read them. Features that are not finite raise :class:`~archlock.errors.MeasurementError`."""
    fresh = with_new_head(model, task.signature, seed=seed).to(device).eval()
    flops = len(task.train) * count_flops(fresh, task.shape)
    read: _Rows | _Moments
    if task.kind == "dense":
        read = _Moments(*decoder_moments(fresh, _decoder(fresh), task.train, device))
    else:
        train, validation = (_features(fresh, split, device) for split in (task.train, task.validation))
        center, scale = train.mean(0), np.maximum(train.std(0), 1e-6)
        read = _Rows((train - center) / scale, (validation - center) / scale, center, scale)
    return FrozenFeatures(fresh, task, read, flops)


def linear_probe(
    model: nn.Module, task: Task, *, strengths: Sequence[float] = STRENGTHS, seed: int, device: str = "cpu"
) -> Probed:
    """Fit a new head for ``task`` on the frozen body of ``model``, which is left as it was.

    Of equally good strengths the first is taken. Features that are not finite raise
    :class:`~archlock.errors.MeasurementError`.
    """
    return frozen_features(model, task, seed=seed, device=device).probe(strengths, device=device)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Standardised features, and what standardised them."""

    train: Float[np.ndarray, "examples features"]
    validation: Float[np.ndarray, "others features"]
    center: Float[np.ndarray, " features"]
    scale: Float[np.ndarray, " features"]


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """See :func:`~archlock.training.dense_probe.decoder_moments`."""

    gram: np.ndarray
    cross: np.ndarray


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
    parts = [features_before_head(model, batch.images.to(device)).cpu() for batch in batches(split, 500)]
    features = torch.cat(parts).double().numpy()
    if not np.isfinite(features).all():
        raise MeasurementError("the features of the model are not finite numbers; its training has diverged")
    return features
