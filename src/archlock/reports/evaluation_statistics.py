"""What the rows of an evaluation say: means over pairs with intervals, shares that kept the floor, paired differences.

A mean over pairs is the mean of the pairs' means, so that every pair counts the same however many seeds it has.

A missed source floor is no lock. What is taken away and the lock scores count a run that missed the floor as 0; the
target percentile is shown as it is, and belongs next to the share of runs that kept the floor.

Two lock scores are reported, since a ratio of means is not a mean of ratios. ``lock_score_of_means`` sets the means
over the pairs into (random feasible - found) / (random feasible - floor); ``mean_lock_score`` is the mean of the pairs'
own scores, over the pairs where there is something to lock.

Intervals are 95 % intervals over tasks and seeds (``evaluation_intervals``). What is possible on a pair (random
feasible, floor) is known exactly and stays with the pair.

Differences between two methods are paired: same pair, same seed. There are no p-values: pairs are no independent units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np
from jaxtyping import Float

from archlock.jackknife import CONFIDENCE
from archlock.reports.evaluation import EvaluationRecord
from archlock.reports.evaluation_intervals import (
    Interval,
    by_pair_and_seed,
    interval_of,
    mean_by_pair,
    mean_interval,
    mean_of_ratios,
    ratio_of_means,
)
from archlock.reports.evaluation_parts import ALL_PAIRS, QUERY_KINDS, EvaluationRow, PairScale, run_keeps_floor
from archlock.reports.evaluation_shortfall import Shortfall, shortfalls


@dataclass(frozen=True, slots=True)
class ScaleMeans:
    """What is possible, as means over pairs: see :class:`~archlock.reports.evaluation_parts.PairScale`."""

    pairs: int
    sources: int
    """Different ones among the pairs."""
    targets: int
    random_feasible: float
    best_source: float
    tk_floor: float
    tu_possible: float
    twin_rise: float | None = None
    """By how much the lowest rise where their twins judge; of the pairs that have twins, None where none has."""


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
    """Lower is a better lock, where the floor is kept."""
    median_target_percentile: float
    """Over runs."""
    taken_away: Interval
    """Random feasible minus found, in percentile points, 0 for a run that missed the floor: higher is a better lock."""
    source_percentile: float
    kept: float
    """Share in [0, 1] of the runs whose architecture truly keeps the source floor."""
    missed: tuple[Shortfall, ...]
    """By how much the others miss it, source by source."""
    lock_score_of_means: Interval | None
    mean_lock_score: Interval | None
    unpenalised_lock_score: float | None
    """Lock score of the means as if the floor did not count: no lock, and on no page; for those who draw a frontier."""
    queries: dict[str, float]
    """Mean number of look-ups per run, by kind."""
    seconds: float
    """Mean per run."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Target percentile of the first method minus that of the second, on the same pairs and seeds.

    Negative: the first takes more away, if both keep the floor.
    """

    first: str
    second: str
    pairs: int
    runs: int
    difference: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSummary:
    """The content of ``summary.json``."""

    table: str
    floor: float
    seeds: int
    confidence: float
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


def summarise(record: EvaluationRecord) -> EvaluationSummary:
    """All statistics of the record. The same record gives the same numbers."""
    scales = {scale.pair: scale for scale in record.scales}
    whole: list[MethodSummary] = []
    by_pair: list[MethodSummary] = []
    for method in record.methods:
        rows = [row for row in record.rows if row.method == method]
        pairs = [pair for pair in record.pairs if any(row.pair == pair for row in rows)]
        for name, members in ((ALL_PAIRS, pairs), *((pair, [pair]) for pair in pairs)):
            found = summarise_runs(
                record, [row for row in rows if row.pair in members], [scales[pair] for pair in members], pair=name
            )
            (whole if name == ALL_PAIRS else by_pair).append(found)
    compared = (compare(record, first, second) for first, second in combinations(record.methods, 2))
    return EvaluationSummary(
        table=record.table.name,
        floor=record.floor,
        seeds=record.seeds,
        confidence=CONFIDENCE,
        scale=scale_means(record.scales),
        methods=tuple(whole),
        by_pair=tuple(by_pair),
        differences=tuple(found for found in compared if found is not None),
    )


def scale_means(scales: Sequence[PairScale]) -> ScaleMeans:
    """What is possible, averaged over pairs (at least one)."""
    rises = [scale.twins.rise for scale in scales if scale.twins is not None]
    return ScaleMeans(
        pairs=len(scales),
        sources=len({scale.source for scale in scales}),
        targets=len({scale.target for scale in scales}),
        random_feasible=fmean(scale.random_feasible for scale in scales),
        best_source=fmean(scale.best_source for scale in scales),
        tk_floor=fmean(scale.tk_floor for scale in scales),
        tu_possible=fmean(scale.tu_possible for scale in scales),
        twin_rise=fmean(rises) if rises else None,
    )


def summarise_runs(
    record: EvaluationRecord, rows: Sequence[EvaluationRow], scales: Sequence[PairScale], *, pair: str
) -> MethodSummary:
    """Runs of one method of the record on the pairs of ``scales``, every one of which has at least one run."""
    by_pair = {scale.pair: scale for scale in scales}
    ends = [(scale.source, scale.target) for scale in scales]
    room = np.array([scale.room for scale in scales])

    def arranged(values: Sequence[float]) -> Float[np.ndarray, "pairs seeds"]:
        return by_pair_and_seed({(row.pair, row.seed): value for row, value in zip(rows, values, strict=True)}, by_pair)

    def taken(*, floor: float) -> list[float]:
        return [by_pair[row.pair].taken_away(row.target_percentile, kept=run_keeps_floor(row, floor)) for row in rows]

    away = arranged(taken(floor=record.floor))
    unpenalised = mean_by_pair(arranged(taken(floor=0.0)))
    return MethodSummary(
        method=rows[0].method,
        scheme=rows[0].scheme,
        pair=pair,
        runs=len(rows),
        scale=scale_means(scales),
        target_percentile=mean_interval(ends, arranged([row.target_percentile for row in rows]), least=0, most=100),
        median_target_percentile=float(np.median([row.target_percentile for row in rows])),
        taken_away=mean_interval(ends, away, least=-100, most=100),
        source_percentile=float(mean_by_pair(arranged([row.source_percentile for row in rows])).mean()),
        kept=float(np.mean([run_keeps_floor(row, record.floor) for row in rows])),
        missed=shortfalls(record, rows),
        lock_score_of_means=interval_of(ends, away, ratio_of_means(room), most=1),
        mean_lock_score=interval_of(ends, away, mean_of_ratios(room), most=1),
        unpenalised_lock_score=ratio_of_means(room)(unpenalised, np.ones(len(scales), dtype=bool)),
        queries={kind: float(np.mean([getattr(row.queries, kind) for row in rows])) for kind in QUERY_KINDS},
        seconds=float(np.mean([row.seconds for row in rows])),
    )


def compare(record: EvaluationRecord, first: str, second: str) -> PairedDifference | None:
    """Paired difference of two methods of the record; None if they share no pair and seed."""
    runs: dict[str, dict[tuple[str, int], float]] = {first: {}, second: {}}
    for row in record.rows:
        if row.method in runs:
            runs[row.method][row.pair, row.seed] = row.target_percentile
    differences = {run: value - runs[second][run] for run, value in runs[first].items() if run in runs[second]}
    if not differences:
        return None
    shared = {pair for pair, _ in differences}
    scales = [scale for scale in record.scales if scale.pair in shared]
    values = by_pair_and_seed(differences, [scale.pair for scale in scales])
    return PairedDifference(
        first=first,
        second=second,
        pairs=len(scales),
        runs=len(differences),
        difference=mean_interval([(scale.source, scale.target) for scale in scales], values, least=-100, most=100),
    )
