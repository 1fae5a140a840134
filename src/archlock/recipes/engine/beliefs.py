"""What is believed of every candidate on every task, from what was bought, and where the source floor lies.

Both are uncertain, and both uncertainties belong into the decision: a candidate keeps the floor with a probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from archlock.preferences import Kriging
from archlock.recipes.engine.market import Ask, Bought, Candidates
from archlock.recipes.engine.settings import EngineSettings
from archlock.search import Belief

_BISECTIONS: Final = 40
_TINY: Final = 1e-12
_EQUAL: Final = 1e-9
"""Relative differences that are nothing but rounding."""
_DENSITY_STEP: Final = 0.01
"""Half of the range of shares over which the density at a percentile is taken."""


@dataclass(slots=True, eq=False)
class Ledger:
    """Trainings of one kind that were bought so far; it grows."""

    kriging: Kriging
    sums: dict[int, Float[np.ndarray, " tasks"]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)
    """Trainings asked for by row, failed and refused ones too."""
    refused: int = 0
    """How many of them were refused, so that they cost nothing."""
    noise: Float[np.ndarray, " tasks"] = field(default_factory=lambda: np.zeros(0))

    def add(self, ask: Ask, bought: Bought) -> None:
        """Enter what was bought; a training that failed on any task counts as asked for and nothing else."""
        if bought.refused is None or not bought.refused.all():
            self.noise = bought.noise
        self.refused += 0 if bought.refused is None else int(bought.refused.sum())
        new = []
        for row, values in zip(ask.rows.tolist(), bought.values.T, strict=True):
            self.asked[row] = self.asked.get(row, 0) + 1
            if not np.isfinite(values).all():
                continue
            if row not in self.counts:
                new.append(row)
                self.sums[row], self.counts[row] = np.zeros(len(values)), 0
            self.sums[row] = self.sums[row] + values
            self.counts[row] += 1
        if new:
            self.kriging.measured(np.array(new))

    @property
    def spent(self) -> int:
        """Trainings asked for in all, but for those that were refused."""
        return sum(self.asked.values()) - self.refused

    @property
    def rows(self) -> Int[np.ndarray, " measured"]:
        """Measured rows, in the order of their first training."""
        return self.kriging.rows

    @property
    def means(self) -> Float[np.ndarray, "tasks measured"]:
        """Mean of the trainings of each measured row."""
        return np.stack([self.sums[row] / self.counts[row] for row in self.rows.tolist()], axis=1)

    @property
    def trainings(self) -> Int[np.ndarray, " measured"]:
        """Number of trainings of each measured row."""
        return np.array([self.counts[row] for row in self.rows.tolist()])


@dataclass(frozen=True, slots=True, eq=False)
class TaskBelief:
    """What is believed of all candidates on one task, in the units of its values."""

    belief: Belief
    noise: float
    """Standard deviation of one training; 0: not known."""


def beliefs_of(
    ledger: Ledger,
    trend: Float[np.ndarray, "architectures columns"],
    *,
    ranges: float,
    slopes: Float[np.ndarray, "tasks columns"] | None = None,
) -> tuple[TaskBelief, ...]:
    """One belief per task, the source first, in which nothing lies more than so many quartile ``ranges`` below.

    What is believed of the source is part of the trend of the others: what is good there is good elsewhere, as a rule,
    and each source training then says something of all tasks. ``slopes`` are what is expected of the trend's columns
    for each task before anything is measured (see :meth:`~archlock.preferences.Kriging.estimates`).
    """
    values = np.stack([held_up(one, ranges) for one in ledger.means])
    noises = ledger.noise[:, None] / np.sqrt(ledger.trainings)
    expected = np.zeros((len(values), trend.shape[1])) if slopes is None else slopes
    (source,) = ledger.kriging.estimates(trend, values[:1], noises[:1], expected[:1])
    wider = np.column_stack([expected[1:], np.zeros(len(values) - 1)])
    others = ledger.kriging.estimates(np.column_stack([trend, source.mean]), values[1:], noises[1:], wider)
    return tuple(
        TaskBelief(Belief(one.mean, one.std), float(np.nan_to_num(noise)))
        for one, noise in zip((source, *others), ledger.noise, strict=True)
    )


def held_up(values: Float[np.ndarray, " measured"], ranges: float) -> Float[np.ndarray, " measured"]:
    """Values, none lower than so many quartile ranges below the median."""
    quarter, half, three = np.quantile(values, (0.25, 0.5, 0.75))
    return np.asarray(np.maximum(values, half - ranges * (three - quarter)))


def percentile_floor(
    source: TaskBelief, candidates: Candidates, measured: int, share: float, settings: EngineSettings
) -> Belief:
    """The source value that this share of everything stays below: one mean, one deviation.

    Every candidate counts as the normal distribution that is believed of it. The deviation is that of a share in a
    random sample as large as what was measured, times ``floor_doubt``, turned into source values by the density at the
    floor.
    """
    low, high = max(share - _DENSITY_STEP, 0.0), min(share + _DENSITY_STEP, 1.0)
    at, before, after = _quantiles(source.belief, candidates.shares, np.array([share, low, high]))
    per_share = (after - before) / (high - low)
    doubt = settings.floor_doubt * np.sqrt(share * (1 - share) / max(1, measured)) * per_share
    return Belief(np.array([at + settings.floor_shift * source.noise]), np.array([doubt]))


def _quantiles(
    belief: Belief, weights: Float[np.ndarray, " architectures"], shares: Float[np.ndarray, " shares"]
) -> Float[np.ndarray, " shares"]:
    """Values that these shares of a mixture of normal distributions stay below; what lacks to a weight of 1 stays below
    all. By bisection between the lowest and the highest four deviations."""
    from scipy.special import ndtr

    low = np.full(len(shares), (belief.mean - 4 * belief.std).min())
    high = np.full(len(shares), (belief.mean + 4 * belief.std).max())
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = 1 - weights.sum() + ndtr((middle[:, None] - belief.mean) / (belief.std + _TINY)) @ weights
        low, high = np.where(below < shares, middle, low), np.where(below < shares, high, middle)
    return np.asarray((low + high) / 2)


def keeping(source: Belief, floor: Belief) -> Float[np.ndarray, " architectures"]:
    """Probability that each candidate keeps the floor."""
    from scipy.special import ndtr

    return np.asarray(ndtr((source.mean - floor.mean) / np.sqrt(source.std**2 + floor.std**2 + _TINY**2)))


def against(
    candidates: Candidates, beliefs: Sequence[TaskBelief], settings: EngineSettings, *, known: bool
) -> tuple[Belief, float]:
    """What is to be made low, and the deviation of one training of it: the others' mean, or minus the source (scheme
    S).

    One known target counts in its units. Several are standardised first, each by its spread over all candidates, so
    that none outweighs the others; one on which all are equal says nothing. Of stand-ins for an unknown target it
    counts, too, what hinders everywhere.
    """
    source, *others = beliefs
    if not others:
        return Belief(-source.belief.mean, source.belief.std), source.noise
    if known and len(others) == 1:
        return others[0].belief, others[0].noise
    spreads = [_spread(one) for one in others]
    mean = np.mean([one.belief.mean / spread for one, spread in zip(others, spreads, strict=True)], axis=0)
    squares = [(one.belief.std / spread) ** 2 for one, spread in zip(others, spreads, strict=True)]
    std = np.sqrt(np.sum(squares, axis=0)) / len(others)
    noise = float(np.sqrt(np.sum([(one.noise / spread) ** 2 for one, spread in zip(others, spreads, strict=True)])))
    if not known:
        on_source = source.belief.mean / _spread(source)
        mean = (
            mean
            + settings.caution * std
            + settings.shortcut_weight * candidates.open_shortcut
            + settings.source_weight * on_source
        )
    return Belief(np.asarray(mean), np.asarray(std)), noise / len(others)


def _spread(task: TaskBelief) -> float:
    """Standard deviation of what is believed of all candidates; infinite where they are equal."""
    mean = task.belief.mean
    spread = float(mean.std())
    return spread if spread > _EQUAL * float(np.abs(mean).max()) else np.inf
