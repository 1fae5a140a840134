"""Fit a new head on frozen features: the cheapest way to repurpose a model.

Alain and Bengio 2017. Classification: multinomial logistic regression (scikit-learn, L-BFGS) on the standardised input
of the head, its strength chosen on the validation split; the standardisation is folded into the head, so the result is
an ordinary model. Dense tasks: ridge regression of the pixels on the feature maps, in closed form.
"""

import copy
import warnings
from collections.abc import Sequence
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

STRENGTHS = (0.01, 0.1, 1.0)
"""Inverse regularisation strengths of the regression (scikit-learn's C; the inverse of its alpha for dense tasks)."""


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
    device: str

    @classmethod
    def of(cls, model: nn.Module, task: Task, *, seed: int, device: str = "cpu") -> "FrozenFeatures":
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
        return cls(fresh, task, read, flops, device)

    def probe(self, strengths: Sequence[float] = STRENGTHS) -> Probed:
        """The head of the strength that is best on validation; of equally good ones the first."""
        if not strengths:
            raise ConfigurationError("a linear probe needs at least one strength to try; got none")
        model = copy.deepcopy(self.fresh)
        if isinstance(self.read, _Moments):
            return self._dense(model, self.read, strengths)
        heads, scores, rows, labels = {}, {}, self.read, self.task.train.targets
        for tried in strengths:
            weight, bias = _logistic(rows.train, labels, self.task.outputs, tried)
            answers = (rows.validation @ weight.T + bias).argmax(1)
            heads[tried], scores[tried] = (weight, bias), float((answers == self.task.validation.targets).mean())
        strength = max(scores, key=scores.__getitem__)
        weight, bias = heads[strength]
        _fill(linear_head(model), weight / rows.scale, bias - weight @ (rows.center / rows.scale))
        score = evaluate(model, self.task.validation, device=self.device)  # (what it says as a whole, ties and all)
        return Probed(model, score, strength, tuple((scores | {strength: score}).items()), self.flops)

    def _dense(self, model: nn.Module, moments: "_Moments", strengths: Sequence[float]) -> Probed:
        decoder, scores = _decoder(model), {}
        heads = {strength: ridge(moments.gram, moments.cross, strength) for strength in strengths}
        for strength, head in heads.items():
            _fill(decoder.linear, *head)
            scores[strength] = evaluate(model, self.task.validation, device=self.device)
        best = max(scores, key=scores.__getitem__)
        _fill(decoder.linear, *heads[best])
        return Probed(model, scores[best], best, tuple(scores.items()), self.flops)


def linear_probe(
    model: nn.Module, task: Task, *, strengths: Sequence[float] = STRENGTHS, seed: int, device: str = "cpu"
) -> Probed:
    """Fit a new head for ``task`` on the frozen body of ``model``, which is left as it was.

    Of equally good strengths the first is taken. Features that are not finite raise
    :class:`~archlock.errors.MeasurementError`.
    """
    return FrozenFeatures.of(model, task, seed=seed, device=device).probe(strengths)


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


def _logistic(
    features: Float[np.ndarray, "examples features"], labels: np.ndarray, outputs: int, strength: float
) -> tuple[Float[np.ndarray, "outputs features"], Float[np.ndarray, " outputs"]]:
    """Weights and biases of all outputs; a class without examples gets a bias that never wins."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    weight, bias = np.zeros((outputs, features.shape[1])), np.full(outputs, -1e4)
    present = np.unique(labels)
    if len(present) == 1:
        bias[present] = 0
        return weight, bias
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 steps are plenty for an argmax
        warnings.filterwarnings("ignore", "The number of unique classes")  # many classes, few examples: so be it
        fitted = LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(features, labels)
    if len(present) == 2:
        weight[present] = np.concatenate([-fitted.coef_, fitted.coef_]) / 2
        bias[present] = np.concatenate([-fitted.intercept_, fitted.intercept_]) / 2
    else:
        weight[present], bias[present] = fitted.coef_, fitted.intercept_
    return weight, bias
