"""Evidence of a Bayesian linear model of the labels, given the features.

Papers: You, Liu, Wang, Long, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", ICML 2021;
fixed point and cost as in You, Liu, Zhang, Wang, Jordan, Long, "Ranking and Tuning Pre-trained Models", JMLR 2022.
"""

import numpy as np
from jaxtyping import Float64

from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features

WIDEST = 1e12
"""The ratio alpha / beta is sought within this factor of the mean squared singular value, to either side."""
STARTS = 97
"""The search begins at the best of this many ratios, evenly spaced by their logarithm: four to each power of ten."""


class LogMe(Estimate):
    """Mean over classes of the largest log evidence of their one-hot labels, for each example.

    Labels y = F w + noise, w of precision alpha, noise of precision beta; the evidence p(y | F, alpha, beta) is
    maximised over both. There is no intercept, as in the paper. Deviations: a class without examples does not count
    (its evidence is infinite); the ratio alpha / beta has bounds, so labels that are exactly linear in the features
    have a value; no small constants in the denominators; features that outnumber the examples do not distort the
    evidence (the released code counts d factors alpha, but divides by min(N, d)). The iteration begins at the best
    ratio of a grid, since the evidence can have several maxima (the released code begins at 1).
    """

    name = "log_me"
    paper = "You et al., LogME: Practical Assessment of Pre-trained Models for Transfer Learning, ICML 2021"
    unit = "nats per example"

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """Nothing is random."""
        targets = np.eye(len(features.present))[features.places]
        return float(log_evidence(features.features, targets).mean())


def log_evidence(
    features: Float64[np.ndarray, "examples features"], targets: Float64[np.ndarray, "examples columns"]
) -> Float64[np.ndarray, " columns"]:
    """Log evidence of each column of targets for each example, maximised over alpha and beta; all columns at once.

    With the singular values of the features, the evidence is a function of t = alpha / beta alone once beta is the
    best for t. The fixed point of MacKay, t <- gamma * |y - F m|^2 / ((N - gamma) * |m|^2) with gamma the effective
    number of parameters, is iterated until t stands still, from the best t of a grid.
    """
    left, scale, _ = np.linalg.svd(features, full_matrices=False)
    squares = (scale**2)[:, None]
    inside = (left.T @ targets) ** 2
    outside = np.maximum((targets**2).sum(0) - inside.sum(0), 0)
    spare = len(features) - len(scale)
    least, largest = squares.mean() / WIDEST, squares.mean() * WIDEST
    grid = np.geomspace(least, largest, STARTS)
    tried = np.stack([_evidence(np.full(targets.shape[1], one), squares, inside, outside, len(left)) for one in grid])
    ratio = grid[tried.argmax(0)]
    for _ in range(1000):
        error, norm = _error_and_norm(ratio, squares, inside, outside)
        shrunk = ratio / (ratio + squares)
        gamma, free = (1 - shrunk).sum(0), spare + shrunk.sum(0)
        with np.errstate(divide="ignore", over="ignore"):
            sought = np.where(norm > 0, gamma * error / (free * norm), largest)
        renewed = np.clip(sought, least, largest)
        still = np.abs(renewed - ratio) <= 1e-8 * ratio
        ratio = renewed
        if still.all():
            break
    evidence: np.ndarray = np.maximum(_evidence(ratio, squares, inside, outside, len(left)), tried.max(0))
    return evidence


def _evidence(
    ratio: Float64[np.ndarray, " columns"],
    squares: Float64[np.ndarray, "values 1"],
    inside: Float64[np.ndarray, "values columns"],
    outside: Float64[np.ndarray, " columns"],
    examples: int,
) -> Float64[np.ndarray, " columns"]:
    """Log evidence for each example at each ratio, beta the best for it."""
    error, norm = _error_and_norm(ratio, squares, inside, outside)
    noise = examples / (error + ratio * norm)
    fit = 0.5 * examples * (np.log(noise / (2 * np.pi)) - 1)
    evidence: np.ndarray = (fit + 0.5 * np.log(ratio / (ratio + squares)).sum(0)) / examples
    return evidence


def _error_and_norm(
    ratio: Float64[np.ndarray, " columns"],
    squares: Float64[np.ndarray, "values 1"],
    inside: Float64[np.ndarray, "values columns"],
    outside: Float64[np.ndarray, " columns"],
) -> tuple[Float64[np.ndarray, " columns"], Float64[np.ndarray, " columns"]]:
    """Squared error |y - F m|^2 and squared norm |m|^2 of the posterior mean m at each ratio."""
    error = (inside * (ratio / (ratio + squares)) ** 2).sum(0) + outside
    norm = (inside * squares / (ratio + squares) ** 2).sum(0)
    return error, norm
