"""Which of the verified finalists keep the source floor, and which of those is the lock: pure functions of arrays.

A full training says a value, and the floor is a percentile of a whole table of which a run has seen little. How the
percentile is estimated depends on what was seen: a random sample of values in the same units
(:meth:`~archlock.recipes.evaluate.baselines.candidates.Candidates.share_below`), such a sample with a model's help
(:func:`assisted_standing`), or no more than a model's ranks (:func:`matched_standing`).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from archlock.preferences import Residuals, normal_scores, standing
from archlock.ranking import rank_percentiles
from archlock.recipes.evaluate.baselines.candidates import Candidates
from archlock.spaces import Architecture


def matched_standing(
    values: Float[np.ndarray, " finalists"], predicted: Float[np.ndarray, " finalists"]
) -> Float[np.ndarray, " finalists"]:
    """Percentile of every finalist: the best value gets the highest of their predicted percentiles, and so on down.

    All that can be said where nothing but finalists was trained. It is hopeful: finalists were chosen because a model
    thought well of them.
    """
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(np.sort(predicted)[order])


def assisted_standing(
    candidates: Candidates,
    finalists: Int[np.ndarray, " finalists"],
    values: Float[np.ndarray, " finalists"],
    *,
    sampled: Int[np.ndarray, " sampled"],
    sample: Float[np.ndarray, " sampled"],
    left_out: Float[np.ndarray, " sampled"],
    predicted: Float[np.ndarray, " architectures"],
) -> Float[np.ndarray, " finalists"]:
    """Percentile of the finalists among all: values where measured, calibrated predictions with residuals elsewhere.

    ``sampled`` is the random sample with its values and what is said of each without it; predictions become normal
    scores of the sample by linear regression (see :func:`archlock.preferences.standing`).
    """
    scores = normal_scores(sample)
    spread = float(left_out.var())
    slope = float(np.cov(left_out, scores, bias=True)[0, 1] / spread) if spread > 0 else 0.0
    foretold = scores.mean() + slope * (left_out - left_out.mean())
    everywhere = scores.mean() + slope * (predicted - left_out.mean())
    asked = _in_scores(values, sample, scores)
    unknown = candidates.counts.copy()
    unknown[np.union1d(sampled, finalists)] = 0
    fresh = ~np.isin(finalists, sampled)
    measured = np.concatenate(
        [np.repeat(scores, candidates.counts[sampled]), np.repeat(asked[fresh], candidates.counts[finalists[fresh]])]
    )
    share = standing(asked, measured, np.repeat(everywhere, unknown), Residuals(foretold, scores - foretold))
    return candidates.of_everybody(share)


def relative_values(
    values: Sequence[Float[np.ndarray, " finalists"]],
    sample: Sequence[Float[np.ndarray, "_"]],  # noqa: F821
) -> Float[np.ndarray, " finalists"]:
    """Mean over the tasks of the rank percentile of each finalist among all values known of a task, in [0, 1]."""
    ranked = [
        rank_percentiles(np.concatenate([own, others]))[: len(own)] for own, others in zip(values, sample, strict=True)
    ]
    return np.asarray(np.mean(ranked, axis=0))


def choose(
    architectures: Sequence[Architecture],
    standings: Float[np.ndarray, " finalists"],
    against: Float[np.ndarray, " finalists"],
    threshold: float,
) -> Architecture:
    """The lowest of what counts ``against`` among those with the standing; if there are none, the highest standing."""
    feasible = standings >= threshold
    if not feasible.any():
        return architectures[int(np.argmax(standings))]
    return architectures[int(np.argmin(np.where(feasible, against, np.inf)))]


def _in_scores(values: np.ndarray, sample: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Values on the scale of the sample's normal scores; beyond the sample at the slope of its outer tenth."""
    order = np.argsort(sample, kind="stable")
    knots, levels = sample[order], scores[order]
    inside = np.interp(values, knots, levels)
    tail = max(1, len(knots) // 10)
    width = knots[-1] - knots[-1 - tail]
    slope = (levels[-1] - levels[-1 - tail]) / width if width > 0 else 0.0
    return np.asarray(inside + slope * np.maximum(values - knots[-1], 0))
