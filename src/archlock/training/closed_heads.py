"""Heads on frozen features in closed form: ridge regression onto the classes, and whitening before a regression.

Somebody who makes features ill-conditioned, so that a head can hardly be learned on them by descent (immunisation by
condition number, ICML 2025), has taken nothing from whoever solves for the head or whitens the features first.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64, Int

from archlock.training.logistic import ABSENT, Head, check_strength, logistic_head

SHARES: Final = (1.0, 1e-2, 1e-4, 0.0)
"""Multiples of the shrinkage of Ledoit and Wolf that are tried. The full one suits few examples, but it hides what was
scaled down; so smaller ones and none are tried, too."""
EMPTY: Final = 1e-14
"""Share of the largest variance below which a direction holds nothing but the rounding of float32."""

Rows = Float64[np.ndarray, "examples features"]
Labels = Int[np.ndarray, " examples"]


def ridge_heads(features: Rows, labels: Labels, outputs: int, strength: float) -> tuple[Head]:
    """The W and b that minimise the mean of |W x + b - y|^2 over the examples, plus |W|^2 / strength.

    y is one for the class and zero for the others; b is not penalised. That is ``sklearn.linear_model.Ridge`` with
    ``alpha = examples / strength``. At endless strength it is the least-squares solution with the smallest weights. A
    class without examples gets a bias that never wins. A strength that is not above 0 raises
    :class:`~archlock.errors.ConfigurationError`.
    """
    check_strength(strength)
    wanted = np.eye(outputs)[labels]
    center, mean = features.mean(0), wanted.mean(0)
    (weight,) = ridge_weights(features - center, wanted - mean, (1 / strength,))
    bias = mean - center @ weight
    bias[np.bincount(labels, minlength=outputs) == 0] = ABSENT
    return ((weight.T, bias),)


def ridge_weights(
    known: Rows, wanted: Float64[np.ndarray, "examples outputs"], penalties: Sequence[float]
) -> list[Float64[np.ndarray, "features outputs"]]:
    """Weights of ridge regressions without intercept, one for each penalty per example.

    With fewer examples than features in the dual form, so that the matrix that is taken apart is the smaller one.
    Directions of which the examples have nothing get the weight 0.
    """
    values, vectors, dual = _taken_apart(known)
    found = []
    for penalty in penalties:
        added = values + penalty * len(known)
        if dual:
            found.append(known.T @ (vectors @ ((vectors.T @ wanted) / added[:, None])))
        else:
            found.append(vectors @ ((vectors.T @ (known.T @ wanted)) / added[:, None]))
    return found


def whitened_heads(features: Rows, labels: Labels, outputs: int, strength: float) -> list[Head]:
    """Logistic regressions on the features whitened by their own covariance, folded into heads on the features.

    One for each of the :data:`SHARES`: the covariance is shrunk towards a multiple of the identity by that share of
    what Ledoit and Wolf (2004) say. With the share 0 what a head answers is the same before and after any invertible
    mixing of the features. ``strength`` is that of :func:`~archlock.training.logistic.logistic_head`. Fewer examples
    than features, constant features and a single class are no obstacle.
    """
    center = features.mean(0)
    known = features - center
    values, vectors, dual = _taken_apart(known)
    directions = known.T @ vectors / np.sqrt(values) if dual else vectors
    if not len(values):
        return [logistic_head(known, labels, outputs, strength)]
    heads = []
    for shrinkage in dict.fromkeys(share * _shrinkage(known) for share in SHARES):
        spread = (1 - shrinkage) * values / len(known) + shrinkage * np.square(known).mean()
        whitening = directions / np.sqrt(spread)
        weight, bias = logistic_head(known @ whitening, labels, outputs, strength)
        weight = weight @ whitening.T
        heads.append((weight, bias - weight @ center))
    return heads


def _taken_apart(known: Rows) -> tuple[np.ndarray, np.ndarray, bool]:
    """Values and vectors of the smaller of known' known and known known' (dual), those that hold something."""
    dual = len(known) < known.shape[1]
    values, vectors = np.linalg.eigh(known @ known.T if dual else known.T @ known)
    kept = values > EMPTY * max(values[-1], math.ulp(0.0))
    return values[kept], vectors[:, kept], dual


def _shrinkage(known: Rows) -> float:
    """How far Ledoit and Wolf shrink the covariance of these centred rows, from 0 to 1."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    if len(known) < 2 or not known.any():
        return 1.0
    return float(ledoit_wolf_shrinkage(known, assume_centered=True))
