"""What to measure next, when measurements are dear and noisy: pure functions of a model's means and deviations.

Expected constrained improvement (Gardner et al., ICML 2014; Schonlau et al. 1998) of what would be *chosen* after the
measurement, as in the knowledge gradient (Frazier, Powell and Dayanik 2009): a new measurement moves a mean by less
than its deviation, the less the noisier it is, and a candidate counts only if it is then sure enough to keep the floor.
The same formula says what a first measurement is worth and what one more of the same architecture is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import SearchError

_TINY: Final = 1e-12
_LOG_TINY: Final = 1e-300


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


@dataclass(frozen=True, slots=True)
class Noise:
    """Standard deviation of one measurement of the source and of the target; 0: it shows all there is to know."""

    source: float
    target: float


def worth_of_measuring(
    source: Belief,
    target: Belief,
    noise: Noise,
    *,
    floor: Belief | None,
    sure: float,
    best: float | None,
    repeats: Sequence[int] = (1,),
) -> tuple[Float[np.ndarray, " architectures"], Int[np.ndarray, " architectures"]]:
    """Logarithm of what one measurement of each architecture is expected to bring, and in how many at once it is best.

    ``best`` is the target score to be undercut; without one (nothing is sure to keep the floor yet) it is the log
    probability of being sure after the measurements. ``floor`` is one uncertain source score, which an architecture is
    to keep with probability ``sure``; None: there is no floor. Of ``repeats`` measurements at once each brings its
    share. Source and target count as independent.
    """
    from scipy.special import log_ndtr, ndtr, ndtri

    worth = np.full(len(source.mean), -np.inf)
    times = np.ones(len(source.mean), dtype=int)
    for count in repeats:
        moved, left = _foreseen(source.std, noise.source, count)
        value = np.zeros(len(source.mean))
        if floor is not None:
            needed = floor.mean + ndtri(sure) * np.sqrt(left**2 + floor.std**2)
            value = np.asarray(log_ndtr((source.mean - needed) / moved))
        if best is not None:
            moved, _ = _foreseen(target.std, noise.target, count)
            ratio = (best - target.mean) / moved
            density = np.exp(-(ratio**2) / 2) / np.sqrt(2 * np.pi)
            value = value + np.log(np.maximum(moved * (ratio * ndtr(ratio) + density), _LOG_TINY))
        value = value - np.log(count)
        times = np.where(value > worth, count, times)
        worth = np.maximum(worth, value)
    return worth, times


def _foreseen(
    std: Float[np.ndarray, " architectures"], noise: float, count: int
) -> tuple[Float[np.ndarray, " architectures"], Float[np.ndarray, " architectures"]]:
    """How far measurements may move a mean, and the deviation that they leave."""
    variance = np.maximum(std**2, _TINY**2)
    left = variance * noise**2 / (count * variance + noise**2) if noise > 0 else np.zeros(len(variance))
    return np.sqrt(np.maximum(variance - left, _TINY**2)), np.sqrt(left)
