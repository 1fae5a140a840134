"""Fit a new head on frozen features: the cheapest way to repurpose a model.

Alain and Bengio 2017. Classification: multinomial logistic regression (scikit-learn, L-BFGS) on the standardised input
of the head, its strength chosen on the validation split; the standardisation is folded into the head, so the result is
an ordinary model. Other ways to a head may be asked for (``closed_heads``). Dense tasks: ridge regression of the pixels
on the feature maps, in closed form.
"""

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


def _logistic(features: np.ndarray, labels: np.ndarray, outputs: int, strength: float) -> Sequence[Head]:
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


def linear_probe(
    model: nn.Module,
    task: Task,
    *,
    strengths: Sequence[float] = STRENGTHS,
    heads: HeadMaker = _logistic,
    seed: int,
    device: str = "cpu",
) -> Probed:
    """Fit a new head for ``task`` on the frozen body of ``model``, which is left as it was.

    ``heads`` makes heads for classes of the standardised features; on a dense task it has no part. Of equally good
    strengths, and of equally good heads at one strength, the first is taken. Features that are not finite raise
    :class:`~archlock.errors.MeasurementError`.
    """
    if not strengths:
        raise ConfigurationError("a linear probe needs at least one strength to try; got none")
    fresh = with_new_head(model, task.signature, seed=seed).to(device)
    flops = len(task.train) * count_flops(fresh, task.shape)
    if task.kind == "dense":
        return _probe_dense(fresh, task, strengths, flops, device)
    train, validation = (_features(fresh, split, device) for split in (task.train, task.validation))
    center, scale = train.mean(0), np.maximum(train.std(0), 1e-6)
    known, asked = (train - center) / scale, (validation - center) / scale

    def score_of(head: Head) -> float:
        return float(((asked @ head[0].T + head[1]).argmax(1) == task.validation.targets).mean())

    best = {tried: max(heads(known, task.train.targets, task.outputs, tried), key=score_of) for tried in strengths}
    scores = {tried: score_of(head) for tried, head in best.items()}
    strength = max(scores, key=scores.__getitem__)
    weight, bias = best[strength]
    _fill(linear_head(fresh), weight / scale, bias - weight @ (center / scale))
    score = evaluate(fresh.eval(), task.validation, device=device)  # (what it says as a whole, ties and all)
    return Probed(fresh, score, strength, tuple((scores | {strength: score}).items()), flops)


def _probe_dense(fresh: nn.Module, task: Task, strengths: Sequence[float], flops: int, device: str) -> Probed:
    fresh.eval()
    decoder = fresh.head if isinstance(fresh, Network) else None
    if not isinstance(decoder, DenseDecoder):
        raise UnsupportedError(f"the head of {type(fresh).__name__} for a dense task is not a DenseDecoder")
    gram, cross = decoder_moments(fresh, decoder, task.train, device)
    heads = {strength: ridge(gram, cross, strength) for strength in strengths}
    scores = {}
    for strength, head in heads.items():
        _fill(decoder.linear, *head)
        scores[strength] = evaluate(fresh, task.validation, device=device)
    best = max(scores, key=scores.__getitem__)
    _fill(decoder.linear, *heads[best])
    return Probed(fresh, scores[best], best, tuple(scores.items()), flops)


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
