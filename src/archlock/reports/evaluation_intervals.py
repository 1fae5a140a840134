"""Means over pairs of tasks with 95 % intervals, from runs arranged as pairs x seeds (NaN where there was no run).

Over several pairs the interval is over tasks, with the variance over the seeds added (:mod:`archlock.jackknife`, which
says how often it holds the truth). It needs three different sources and three different targets, and pairs that are
left without any one task; else there is none. On one pair it is over the seeds, from three on (for a mean the t
interval of Student 1908), and speaks of that pair alone.

Percentiles end at 0 and 100 and lock scores at 1, and so do their intervals.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Bool, Float

from archlock.jackknife import Spread, over_repeats, over_tasks
from archlock.reports.statistics import LEAST_SEEDS

Runs = Float[np.ndarray, "pairs seeds"]
Statistic = Callable[[Float[np.ndarray, " pairs"], Bool[np.ndarray, " pairs"]], float | None]
"""A figure of the means of all pairs and of which of them are kept; None where it does not exist."""
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval; ``low`` and ``high`` are None where no interval can be given."""

    mean: float
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval and zero lies outside."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def by_pair_and_seed(values: Mapping[tuple[str, int], float], pairs: Iterable[str]) -> Runs:
    """Values by (pair, seed) as an array in the order of the pairs; every pair has at least one."""
    rows = {pair: place for place, pair in enumerate(pairs)}
    seeds = {seed: place for place, seed in enumerate(sorted({seed for _, seed in values}))}
    arranged = np.full((len(rows), len(seeds)), np.nan)
    for (pair, seed), value in values.items():
        arranged[rows[pair], seeds[seed]] = value
    return arranged


def mean_by_pair(runs: Runs) -> Float[np.ndarray, " pairs"]:
    """Mean over the seeds that a pair was run with."""
    return np.asarray(np.nanmean(runs, axis=1))


def mean_interval(pairs: Sequence[tuple[str, str]], runs: Runs, *, least: float = -inf, most: float = inf) -> Interval:
    """Mean over pairs (source, target) of their means; the interval ends at ``least`` and ``most``."""
    return _around(float(mean_by_pair(runs).mean()), pairs, runs, _mean, least, most)


def interval_of(
    pairs: Sequence[tuple[str, str]], runs: Runs, statistic: Statistic, *, least: float = -inf, most: float = inf
) -> Interval | None:
    """A figure of the pairs' means with its interval; None where it does not exist."""
    found = statistic(mean_by_pair(runs), np.ones(len(pairs), dtype=bool))
    return None if found is None else _around(found, pairs, runs, statistic, least, most)


def ratio_of_means(room: Float[np.ndarray, " pairs"]) -> Statistic:
    """Mean of the pairs' means by mean of the room of the same pairs."""

    def statistic(means: Float[np.ndarray, " pairs"], kept: Bool[np.ndarray, " pairs"]) -> float | None:
        there = room[kept].mean()
        return float(means[kept].mean() / there) if there > _TOLERANCE else None

    return statistic


def mean_of_ratios(room: Float[np.ndarray, " pairs"]) -> Statistic:
    """Mean of what every pair's mean is by its room, over the pairs that have room."""

    def statistic(means: Float[np.ndarray, " pairs"], kept: Bool[np.ndarray, " pairs"]) -> float | None:
        some = kept & (room > _TOLERANCE)
        return float((means[some] / room[some]).mean()) if some.any() else None

    return statistic


def _mean(means: Float[np.ndarray, " pairs"], kept: Bool[np.ndarray, " pairs"]) -> float:
    return float(means[kept].mean())


def _around(
    found: float, pairs: Sequence[tuple[str, str]], runs: Runs, statistic: Statistic, least: float, most: float
) -> Interval:
    by_seed = _over_seeds(runs, statistic)
    if len(pairs) > 1:
        means = mean_by_pair(runs)
        by_task = over_tasks(pairs, lambda kept: statistic(means, kept))
        spread = by_task.beside(by_seed) if by_task else None
    else:
        spread = by_seed if runs.shape[1] >= LEAST_SEEDS else None
    if spread is None:
        return Interval(found, None, None)
    low, high = found - spread.half_width, found + spread.half_width
    return Interval(found, max(low, least), min(high, most))


def _over_seeds(runs: Runs, statistic: Statistic) -> Spread | None:
    """None where some pair has no run without some seed: what seeds do to it is then part of what pairs do."""
    everything = np.ones(len(runs), dtype=bool)
    if ((~np.isnan(runs)).sum(axis=1) < 2).any():
        return None
    return over_repeats(
        runs.shape[1], lambda place: statistic(mean_by_pair(np.delete(runs, place, axis=1)), everything)
    )
