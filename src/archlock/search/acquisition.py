"""Which architectures to measure next, when measurements are dear: pure functions of a model's means and deviations.

Expected constrained improvement (Gardner et al., ICML 2014; Schonlau et al. 1998): how much lower the target score may
be expected to get than that of the best lock so far, times the probability that the source floor is kept.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from archlock.errors import ConfigurationError, SearchError

_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What a model believes of some architectures on one task: a mean score and its standard deviation."""

    mean: Float[np.ndarray, " architectures"]
    std: Float[np.ndarray, " deviations"]

    def __post_init__(self) -> None:
        if self.mean.shape != self.std.shape or not np.isfinite([self.mean, self.std]).all() or (self.std < 0).any():
            raise SearchError(
                "a belief has one finite mean and one finite standard deviation, not negative, per architecture; got "
                f"{len(self.mean)} means and {len(self.std)} deviations"
            )

    def take(self, rows: Int[np.ndarray, " rows"]) -> "Belief":
        """The belief about the architectures at these positions."""
        return Belief(self.mean[rows], self.std[rows])


def next_candidates(
    source: Belief,
    target: Belief,
    *,
    floor: float,
    count: int,
    already: Bool[np.ndarray, " architectures"],
    exploration: float = 0.1,
    rng: np.random.Generator,
) -> Int[np.ndarray, " chosen"]:
    """Positions of ``count`` different architectures to measure, most promising first, then the explorers.

    ``floor`` is in the units of the source mean. ``already`` marks what needs no measurement (measured, or isomorphic
    to something measured, or excluded); if fewer are left than asked for, all of them are returned. A share of
    ``exploration``, rounded, is drawn uniformly, so that a model that is wrong everywhere is found out. As long as
    nothing measured is expected to keep the floor, the candidates most likely to keep it come first.
    """
    if count < 1 or not 0 <= exploration <= 1:
        raise ConfigurationError(
            f"choose at least one candidate and a share of explorers from 0 to 1; got count={count}, "
            f"exploration={exploration}"
        )
    left = np.flatnonzero(~already)
    if len(left) <= count:
        return left
    kept = already & (source.mean >= floor)
    best = float(target.mean[kept].min()) if kept.any() else None
    promise = improvement(source.take(left), target.take(left), floor=floor, best=best)
    order = left[np.lexsort((left, -promise))]
    explorers = round(count * exploration)
    others = np.sort(order[count - explorers :])
    return np.concatenate([order[: count - explorers], rng.choice(others, explorers, replace=False)])


def improvement(
    source: Belief, target: Belief, *, floor: float, best: float | None
) -> Float[np.ndarray, " architectures"]:
    """Logarithm of the expected constrained improvement on ``best``, the target score to be undercut.

    Without a best so far it is the log probability of keeping the floor. Source and target count as independent.
    """
    from scipy.special import log_ndtr, ndtr

    keeping = np.asarray(log_ndtr((source.mean - floor) / np.maximum(source.std, _TINY)))
    if best is None:
        return keeping
    std = np.maximum(target.std, _TINY)
    ratio = (best - target.mean) / std
    density = np.exp(-(ratio**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(keeping + np.log(std * np.maximum(ratio * ndtr(ratio) + density, _TINY)))


def believed_quantile(belief: Belief, share: float) -> float:
    """The score that this share of the architectures is believed to stay below.

    A percentile floor in units of scores. The same quantile of the means alone is too low a floor, since means are
    shrunk; here every architecture counts as the normal distribution that is believed of it.
    """
    if not 0 < share < 1 or len(belief.mean) == 0:
        raise ConfigurationError(
            f"a quantile of at least one architecture and of a share between 0 and 1 is asked; got {share} of "
            f"{len(belief.mean)}"
        )
    from scipy.optimize import brentq
    from scipy.special import ndtr

    std = np.maximum(belief.std, _TINY)
    low = float((belief.mean - 9 * std).min()) - 1
    high = float((belief.mean + 9 * std).max()) + 1
    return float(brentq(lambda score: float(ndtr((score - belief.mean) / std).mean()) - share, low, high))
