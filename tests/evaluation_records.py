"""Made-up evaluations for the tests of reports. Not measurements: no number here says anything about ArchLock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from archlock.reports import (
    EvaluationRecord,
    EvaluationRow,
    FloorPoint,
    FloorScale,
    FloorValue,
    ImportanceRecord,
    PairScale,
    PatternRecord,
    ProxyAgreement,
    Queries,
    RecordedTask,
    TableRecord,
)
from report_records import HOSTILE

FLOOR = 97.0

TASKS = ("class_scene", "class_object", "room_layout", "jigsaw", "segmentsemantic", "normal", "autoencoder")
METHODS = {
    "random_feasible": ("random_feasible", 0.0, 0.99, Queries()),
    "best_source": ("s", -0.18, 1.0, Queries(source_full=4096)),
    "s": ("s", -0.12, 1.0, Queries(short=50, source_full=40)),
    "nsga2": ("nsga2", 0.35, 0.97, Queries(source_full=200, target_full=200)),
    "tk": ("tk", 0.64, 0.98, Queries(proxy=4096, short=100, source_full=40)),
    "tu": ("tu", 0.22, 0.96, Queries(proxy=4096, short=300, source_full=40, surrogate_full=200)),
}
"""Scheme, lock score aimed at, share of runs that keep the floor, look-ups."""


def scale(source: str = "a", target: str = "b", *, chance: float = 70.0, floor: float = 30.0) -> PairScale:
    return PairScale("toy", source, target, 20, chance, min(100.0, chance + 6), floor, (chance + floor) / 2)


def value_at(source_percentile: float) -> float:
    """The recorded source value of all made-up architectures of this percentile."""
    return 90.0 + source_percentile / 50


def row(
    found: float,
    *,
    method: str = "tu",
    seed: int = 0,
    source_percentile: float = 98.0,
    of: PairScale | None = None,
    scheme: str = "tu",
    spent: Queries | None = None,
) -> EvaluationRow:
    """One run on a pair (``of`` its scale) that found an architecture of this target percentile."""
    pair = of or scale()
    return EvaluationRow(
        table=pair.table,
        source=pair.source,
        target=pair.target,
        scheme=scheme,
        method=method,
        preference="score_model",
        strategy="exhaustive",
        evidence="recorded",
        seed=seed,
        architecture=f"{seed:06d}",
        source_percentile=source_percentile,
        target_percentile=found,
        source_value=value_at(source_percentile),
        target_value=40.0 + found / 4,
        source_loss=2.0 - source_percentile / 50,
        target_loss=25.0 - found / 4,
        lock_score=pair.lock_score(found, kept=source_percentile >= FLOOR),
        queries=spent or Queries(short=10, source_full=4),
        seconds=0.5 + 0.1 * seed,
    )


def evaluation(
    rows: Sequence[EvaluationRow], scales: Sequence[PairScale], *, name: str = "toy", floor: float = FLOOR
) -> EvaluationRecord:
    """A record around some rows."""
    tasks = dict.fromkeys(task for pair in scales for task in (pair.source, pair.target))
    return EvaluationRecord(
        version="0.1.0",
        command="archlock evaluate toy --seeds 3",
        made_at="2026-02-03T10:21:00+00:00",
        seconds=12.5,
        machine="Linux, 2 cores",
        seeds=len({found.seed for found in rows}),
        floor=floor,
        table=TableRecord(
            name=name,
            space="transnas101_micro",
            architectures=4096,
            tasks=tuple(RecordedTask(task, "accuracy", "validation", "%", 25, "one run") for task in tasks),
            provenance="made up for tests",
            checksum="9d1f0c" * 10,
        ),
        rows=tuple(rows),
        scales=tuple(scales),
        floors=tuple(
            FloorValue(source, value_at(floor), "accuracy", "%", 118, 0.2)
            for source in dict.fromkeys(pair.source for pair in scales)
        ),
    )


def full_evaluation(
    tasks: Sequence[str] = TASKS,
    methods: Mapping[str, tuple[str, float, float, Queries]] = METHODS,
    *,
    seeds: int = 5,
) -> EvaluationRecord:
    """All pairs of the tasks, all methods, with a trade-off and patterns."""
    rng = np.random.default_rng(3)
    pairs = [
        scale(source, target, chance=float(rng.uniform(58, 82)), floor=float(rng.uniform(12, 45)))
        for source, target in permutations(tasks, 2)
    ]
    rows = [
        row(
            float(np.clip(pair.random_feasible - (aim + rng.normal(0, 0.12)) * room, pair.tk_floor, 100)),
            method=method,
            scheme=scheme,
            seed=seed,
            source_percentile=float(rng.uniform(97, 100) if rng.random() < kept else rng.uniform(90, 96.9)),
            of=pair,
            spent=spent,
        )
        for method, (scheme, aim, kept, spent) in methods.items()
        for pair in pairs
        for seed in range(seeds)
        if (room := pair.random_feasible - pair.tk_floor)
    ]
    floors = (80.0, 90.0, 95.0, 97.0, 99.0)
    return replace(
        evaluation(rows, pairs),
        trade_off=tuple(
            FloorPoint(method, floor, floor + 0.3 * (100 - floor), 66 - 0.9 * (100 - floor) - 40 * aim, kept)
            for method, (_, aim, kept, _) in methods.items()
            if method in ("s", "tk", "tu")
            for floor in floors
        ),
        limits=tuple(
            FloorScale(floor, 70 - 0.5 * (100 - floor), 33 - 1.2 * (100 - floor), 50 - 0.9 * (100 - floor))
            for floor in floors
        ),
        patterns=_patterns(tasks),
        importances=tuple(
            ImportanceRecord("all", name, value)
            for name, value in (("number of 3x3 convolutions", 0.41), ("skip on edge 0-3", 0.17), ("depth", 0.05))
        ),
        proxies=tuple(
            ProxyAgreement(tasks[0], name, 4000, whole, top, 0.72, 0.1)
            for name, whole, top in (
                ("truth again", 0.98, 0.7),
                ("params", 0.7, 0.1),
                ("macs", 0.72, -0.1),
                ("nwot", 0.8, 0.05),
                ("zen", 0.3, 0.4),
            )
        ),
        notes=("Proxies were read from the table, not computed.",),
    )


def _patterns(tasks: Sequence[str]) -> tuple[PatternRecord, ...]:
    return (
        PatternRecord("all", "operation on edge", "skip on edge 0-3", -8.4, -10.1, -6.6, 412),
        PatternRecord("all", "depth", "longest path of 3", 3.1, -0.4, 6.2, 120),
        PatternRecord("all", "path", "convolution 3x3, then skip", 1.2, 0.3, 2.2, 310),
        PatternRecord(f"{tasks[0]} to {tasks[1]}", "size", "number of 3x3 convolutions", -2.7, -3.9, -1.5, 97),
    )


def unhappy_evaluations() -> dict[str, EvaluationRecord]:
    """Records that a page must survive: hostile, tiny, one-sided, with a floor that is not kept."""
    pair = scale()
    alike = scale(chance=50.0, floor=50.0)
    few = full_evaluation(TASKS[:3], seeds=3)
    missed = {"tu": ("tu", 0.5, 0.6, Queries(short=9))}
    nothing = {"tu": ("tu", 0.0, 1.0, Queries(short=9)), "tk": ("tk", 0.5, 1.0, Queries(target_full=7))}
    return {
        "one_run": evaluation([row(55.0)], [pair]),
        "two_tasks": full_evaluation(TASKS[:2], {"tu": METHODS["tk"]}, seeds=4),
        "one_pair": evaluation([row(50.0 + seed, seed=seed) for seed in range(6)], [pair]),
        "no_room": evaluation([row(50.0, of=alike, seed=seed) for seed in range(3)], [alike]),
        "below_the_floor": evaluation([row(2.0, seed=seed, source_percentile=96.4) for seed in range(4)], [pair]),
        "floor_missed": full_evaluation(TASKS[:4], missed, seeds=4),
        "no_better": full_evaluation(TASKS[:4], nothing, seeds=4),
        "looked": full_evaluation(TASKS[:3], {"tu": ("tu", 0.6, 1.0, Queries(target_full=3))}, seeds=3),
        "baselines": full_evaluation(TASKS[:5], {"nsga2": METHODS["nsga2"]}, seeds=3),
        "many": full_evaluation(TASKS[:3], {f"method {n}": METHODS["tk"] for n in range(11)}, seeds=2),
        "hostile": renamed(few, HOSTILE),
        "long": renamed(few, "a name " * 20 + "x" * 120),
    }


def renamed(record: EvaluationRecord, name: str) -> EvaluationRecord:
    """The record with untrusted text wherever a stranger's text can get in."""
    return replace(
        record,
        command=name,
        machine=name,
        made_at=name,
        version=name,
        notes=(name,),
        table=replace(
            record.table,
            name=name,
            space=name,
            provenance=name,
            checksum=name,
            tasks=tuple(
                replace(task, name=f"{name} {task.name}", metric=name, split=name, unit=name, runs=name)
                for task in record.table.tasks
            ),
        ),
        rows=tuple(
            replace(
                one, table=name, source=f"{name} {one.source}", target=f"{name} {one.target}",
                method=f"{one.method} {name}", preference=name, strategy=name, evidence=name, architecture=name,
            )
            for one in record.rows
        ),
        scales=tuple(
            replace(one, table=name, source=f"{name} {one.source}", target=f"{name} {one.target}")
            for one in record.scales
        ),
        floors=tuple(replace(one, source=f"{name} {one.source}", metric=name, unit=name) for one in record.floors),
        trade_off=tuple(replace(point, method=f"{point.method} {name}") for point in record.trade_off),
        patterns=tuple(replace(one, kind=name, name=name) for one in record.patterns),
        importances=tuple(replace(one, name=name) for one in record.importances),
        proxies=tuple(replace(one, task=name, proxy=f"{one.proxy} {name}") for one in record.proxies),
    )  # fmt: skip
