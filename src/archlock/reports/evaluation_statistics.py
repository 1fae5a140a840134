"""What the rows of an evaluation say: means over pairs with intervals, shares that kept the floor, paired differences.

A mean over pairs is the mean of the pairs' means, so that every pair counts the same however many seeds it has.

Two lock scores are reported, since a ratio of means is not a mean of ratios. ``lock_score_of_means`` sets the means
over the pairs into (random feasible - found) / (random feasible - floor); ``mean_lock_score`` is the mean of the pairs'
own scores, over the pairs where there is something to lock.

Intervals: 95 % percentile bootstrap (Efron 1979). Over several pairs it is hierarchical (Davison and Hinkley 1997,
section 3.8; with replacement on both levels): pairs are drawn and, inside every drawn pair, its seeds. On one pair only
seeds are drawn, and with fewer than three there is no interval. What is possible on a pair (random feasible, floor) is
known exactly and travels with the pair. Pairs share tasks, so they are less independent than the bootstrap takes them
to be.

Differences between two methods are paired: same pair, same seed. Wilcoxon's signed-rank test (1945) is made on the
pairs' mean differences, or on the seeds where there is one pair: seeds of one pair are repetitions, not evidence about
other pairs. Its values are not corrected for the number of comparisons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from archlock.reports.evaluation import (
    ALL_PAIRS,
    QUERY_KINDS,
    EvaluationRecord,
    EvaluationRow,
    PairScale,
)
from archlock.reports.statistics import CONFIDENCE, LEAST_SEEDS
from archlock.seeding import rng_for

RESAMPLES: Final = 1999
_TOLERANCE: Final = 1e-6


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


@dataclass(frozen=True, slots=True)
class ScaleMeans:
    """What is possible, as means over pairs: see :class:`~archlock.reports.evaluation.PairScale`."""

    pairs: int
    random_feasible: float
    best_source: float
    tk_floor: float
    tu_possible: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSummary:
    """One method, over all its pairs or on one."""

    method: str
    scheme: str
    pair: str
    """Name of the pair, or ``all``."""
    runs: int
    scale: ScaleMeans
    """Over the pairs that this method was run on."""
    target_percentile: Interval
    """Lower is a better lock."""
    median_target_percentile: float
    """Over runs."""
    taken_away: Interval
    """Random feasible minus found, in percentile points: higher is a better lock."""
    source_percentile: float
    kept: float
    """Share in [0, 1] of the runs whose architecture truly keeps the source floor."""
    lock_score_of_means: Interval | None
    mean_lock_score: Interval | None
    queries: dict[str, float]
    """Mean number of look-ups per run, by kind."""
    seconds: float
    """Mean per run."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Target percentile of the first method minus that of the second, on the same pairs and seeds.

    Negative: the first takes more away.
    """

    first: str
    second: str
    pairs: int
    runs: int
    difference: Interval
    p_value: float | None
    """Of Wilcoxon's test, two-sided; None where the two never differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSummary:
    """The content of ``summary.json``."""

    table: str
    floor: float
    seeds: int
    confidence: float
    resamples: int
    scale: ScaleMeans
    """Over all pairs."""
    methods: tuple[MethodSummary, ...]
    """Over all pairs of the method, in the order of the record."""
    by_pair: tuple[MethodSummary, ...]
    """Method by method, pair by pair."""
    differences: tuple[PairedDifference, ...]
    """Of every two methods that share a pair and a seed."""

    def method(self, name: str) -> MethodSummary:
        """The summary of a method over all its pairs; KeyError if there is none."""
        return {found.method: found for found in self.methods}[name]


def summarise(record: EvaluationRecord, *, seed: int = 0, resamples: int = RESAMPLES) -> EvaluationSummary:
    """All statistics of the record; ``seed`` is for the bootstrap. The same record gives the same numbers."""
    scales = {scale.pair: scale for scale in record.scales}
    whole: list[MethodSummary] = []
    by_pair: list[MethodSummary] = []
    for method in record.methods:
        rows = [row for row in record.rows if row.method == method]
        pairs = [pair for pair in record.pairs if any(row.pair == pair for row in rows)]
        for name, members in ((ALL_PAIRS, pairs), *((pair, [pair]) for pair in pairs)):
            found = summarise_runs(
                [row for row in rows if row.pair in members],
                [scales[pair] for pair in members],
                pair=name,
                floor=record.floor,
                seed=seed,
                resamples=resamples,
            )
            (whole if name == ALL_PAIRS else by_pair).append(found)
    compared = (
        compare(record, first, second, seed=seed, resamples=resamples)
        for first, second in combinations(record.methods, 2)
    )
    return EvaluationSummary(
        table=record.table.name,
        floor=record.floor,
        seeds=record.seeds,
        confidence=CONFIDENCE,
        resamples=resamples,
        scale=scale_means(record.scales),
        methods=tuple(whole),
        by_pair=tuple(by_pair),
        differences=tuple(found for found in compared if found is not None),
    )


def scale_means(scales: Sequence[PairScale]) -> ScaleMeans:
    """What is possible, averaged over pairs (at least one)."""
    names = ("random_feasible", "best_source", "tk_floor", "tu_possible")
    return ScaleMeans(len(scales), *(float(np.mean([getattr(scale, name) for scale in scales])) for name in names))


def summarise_runs(
    rows: Sequence[EvaluationRow],
    scales: Sequence[PairScale],
    *,
    pair: str,
    floor: float,
    seed: int,
    resamples: int = RESAMPLES,
) -> MethodSummary:
    """Runs of one method on the pairs of ``scales``, every one of which has at least one run."""
    found = [np.array([row.target_percentile for row in rows if row.pair == scale.pair]) for scale in scales]
    means = np.array([values.mean() for values in found])
    chance = np.array([scale.random_feasible for scale in scales])
    room = chance - np.array([scale.tk_floor for scale in scales])
    method = rows[0].method
    drawn, redrawn = resampled(found, resamples=resamples, seed=seed, label=f"{method} {pair}")
    sure = has_interval(found)
    away, redrawn_away = chance - means, chance[drawn] - redrawn
    return MethodSummary(
        method=method,
        scheme=rows[0].scheme,
        pair=pair,
        runs=len(rows),
        scale=scale_means(scales),
        target_percentile=_interval(means.mean(), redrawn.mean(axis=1), sure),
        median_target_percentile=float(np.median(np.concatenate(found))),
        taken_away=_interval(away.mean(), redrawn_away.mean(axis=1), sure),
        source_percentile=_mean_of_pairs(rows, scales, [row.source_percentile for row in rows]),
        kept=float(np.mean([row.source_percentile >= floor - _TOLERANCE for row in rows])),
        lock_score_of_means=_ratio_of_means(away, room, redrawn_away, room[drawn], sure),
        mean_lock_score=_mean_of_ratios(away, room, redrawn_away, room[drawn], sure),
        queries={kind: float(np.mean([getattr(row.queries, kind) for row in rows])) for kind in QUERY_KINDS},
        seconds=float(np.mean([row.seconds for row in rows])),
    )


def compare(
    record: EvaluationRecord, first: str, second: str, *, seed: int = 0, resamples: int = RESAMPLES
) -> PairedDifference | None:
    """Paired difference of two methods of the record; None if they share no pair and seed."""
    runs: dict[str, dict[tuple[str, int], float]] = {first: {}, second: {}}
    for row in record.rows:
        if row.method in runs:
            runs[row.method][row.pair, row.seed] = row.target_percentile
    by_pair: dict[str, list[float]] = {}
    for (pair, one), value in runs[first].items():
        if (pair, one) in runs[second]:
            by_pair.setdefault(pair, []).append(value - runs[second][pair, one])
    if not by_pair:
        return None
    found = [np.array(values) for values in by_pair.values()]
    means = np.array([values.mean() for values in found])
    _, redrawn = resampled(found, resamples=resamples, seed=seed, label=f"{first} against {second}")
    return PairedDifference(
        first=first,
        second=second,
        pairs=len(found),
        runs=sum(map(len, found)),
        difference=_interval(means.mean(), redrawn.mean(axis=1), has_interval(found)),
        p_value=signed_rank(means if len(found) > 1 else found[0]),
    )


def signed_rank(differences: Float[np.ndarray, " units"]) -> float | None:
    """Two-sided p-value of Wilcoxon's signed-rank test without the units that do not differ; None if none is left."""
    different = differences[np.abs(differences) > _TOLERANCE]
    if not len(different):
        return None
    from scipy.stats import wilcoxon

    return float(wilcoxon(different).pvalue)


def has_interval(groups: Sequence[Float[np.ndarray, " _"]]) -> bool:
    """Whether the bootstrap has enough to draw from: two groups, or one of three seeds."""
    return len(groups) > 1 or len(groups[0]) >= LEAST_SEEDS


def resampled(
    groups: Sequence[Float[np.ndarray, " _"]], *, resamples: int, seed: int, label: str
) -> tuple[Int[np.ndarray, "resamples groups"], Float[np.ndarray, "resamples groups"]]:
    """Hierarchical bootstrap: which groups were drawn in every resample, and the mean of redrawn members of each.

    Groups may differ in size; a group drawn twice has its members redrawn twice.
    """
    rng = rng_for(seed, "evaluation", "bootstrap", label)
    sizes = np.array([len(group) for group in groups])
    members = np.zeros((len(groups), sizes.max()))
    for place, group in enumerate(groups):
        members[place, : len(group)] = group
    drawn = rng.integers(len(groups), size=(resamples, len(groups)))
    means = np.empty(drawn.shape)
    for place in range(len(groups)):
        group = drawn[:, place, None]
        size = sizes[group]
        chosen = (rng.random((resamples, sizes.max())) * size).astype(np.int64)
        inside = np.arange(sizes.max()) < size
        means[:, place] = np.where(inside, members[group, chosen], 0.0).sum(axis=1) / size[:, 0]
    return drawn, means


def _mean_of_pairs(rows: Sequence[EvaluationRow], scales: Sequence[PairScale], values: Sequence[float]) -> float:
    by_pair = [[v for row, v in zip(rows, values, strict=True) if row.pair == scale.pair] for scale in scales]
    return float(np.mean([np.mean(found) for found in by_pair]))


def _ratio_of_means(
    away: Float[np.ndarray, " pairs"],
    room: Float[np.ndarray, " pairs"],
    redrawn_away: Float[np.ndarray, "resamples pairs"],
    redrawn_room: Float[np.ndarray, "resamples pairs"],
    sure: bool,
) -> Interval | None:
    if room.mean() <= _TOLERANCE:
        return None
    usable = redrawn_room.mean(axis=1) > _TOLERANCE
    ratios = redrawn_away[usable].mean(axis=1) / redrawn_room[usable].mean(axis=1)
    return _interval(away.mean() / room.mean(), ratios, sure)


def _mean_of_ratios(
    away: Float[np.ndarray, " pairs"],
    room: Float[np.ndarray, " pairs"],
    redrawn_away: Float[np.ndarray, "resamples pairs"],
    redrawn_room: Float[np.ndarray, "resamples pairs"],
    sure: bool,
) -> Interval | None:
    """Over the pairs with room; a resample without any such pair is left out."""
    some = room > _TOLERANCE
    if not some.any():
        return None
    counts = (redrawn_room > _TOLERANCE).sum(axis=1)
    ratios = np.where(redrawn_room > _TOLERANCE, redrawn_away / np.maximum(redrawn_room, _TOLERANCE), 0.0).sum(axis=1)
    return _interval((away[some] / room[some]).mean(), ratios[counts > 0] / counts[counts > 0], sure)


def _interval(mean: float, redrawn: Float[np.ndarray, " resamples"], sure: bool) -> Interval:
    if not sure:
        return Interval(float(mean), None, None)
    low, high = np.quantile(redrawn, (0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2))
    return Interval(float(mean), float(low), float(high))
