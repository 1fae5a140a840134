"""What an evaluation found, as a record: schemes run over a recorded benchmark, on all pairs of tasks, with many seeds.

The documented schema (number 2) of ``evaluation.json``. Like a lock record it holds measurements and facts, never prose
about them; statistics, sentences and pictures are made from it. Percentiles are in [0, 100] over the whole table, ties
averaged, and 100 is the best. Values are as recorded, in the column's unit. NaN is refused at birth; a number that does
not exist is ``None``.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from archlock.errors import RunError
from archlock.records import write_json
from archlock.reports.evaluation_parts import (
    TOLERANCE,
    EvaluationRow,
    FloorPoint,
    FloorScale,
    FloorValue,
    ImportanceRecord,
    PairScale,
    PatternRecord,
    ProxyAgreement,
    TableRecord,
    run_keeps_floor,
)
from archlock.reports.reading import read_record

EVALUATION_SCHEMA: Final = 2
"""The only schema number of an evaluation that this version reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """Everything an evaluation found; ``evaluation.json`` of its directory. Born valid (else RunError)."""

    record: Literal["evaluation"] = "evaluation"
    schema: int = EVALUATION_SCHEMA
    version: str
    """Of ArchLock."""
    command: str
    made_at: str
    """ISO 8601 time."""
    seconds: float
    machine: str
    seeds: int
    """Runs per method and pair."""
    floor: float
    """Source floor of the rows and the scales: a percentile in [0, 100]."""
    table: TableRecord
    rows: tuple[EvaluationRow, ...]
    scales: tuple[PairScale, ...]
    floors: tuple[FloorValue, ...]
    """One for each source."""
    trade_off: tuple[FloorPoint, ...] = ()
    limits: tuple[FloorScale, ...] = ()
    """What is possible at the floors of the trade-off."""
    patterns: tuple[PatternRecord, ...] = ()
    importances: tuple[ImportanceRecord, ...] = ()
    proxies: tuple[ProxyAgreement, ...] = ()
    """Of every task of the pairs: the truth again, sizes, and the recorded proxies."""
    notes: tuple[str, ...] = ()
    """What this evaluation cannot show, one plain sentence each."""

    def __post_init__(self) -> None:
        if self.schema != EVALUATION_SCHEMA:
            raise RunError(f"an evaluation of this version has schema {EVALUATION_SCHEMA}; got {self.schema}")
        if not 0 <= self.floor <= 100:
            raise RunError(f"the source floor is a percentile in [0, 100]; got {self.floor}")
        if not self.rows:
            raise RunError("an evaluation needs at least one run; got none")
        _check_names(self)
        _check_methods(self.rows)
        _check_floors(self)
        _check_scores(self)

    @property
    def methods(self) -> tuple[str, ...]:
        """Labels of the methods, in the order of the rows."""
        return tuple(dict.fromkeys(row.method for row in self.rows))

    @property
    def pairs(self) -> tuple[str, ...]:
        """Names of the pairs, in the order of the scales."""
        return tuple(scale.pair for scale in self.scales)


def evaluation_to_json(path: Path, record: EvaluationRecord) -> Path:
    """Write the record (``evaluation.json``), whole or not at all."""
    return write_json(path, record)


def evaluation_from_json(path: Path) -> EvaluationRecord:
    """Read what :func:`evaluation_to_json` wrote; a missing, damaged or foreign file raises RunError that names it."""
    return read_record(path, EvaluationRecord, "evaluation", EVALUATION_SCHEMA)


def _check_names(record: EvaluationRecord) -> None:
    """Rows and scales speak of the record's table, of its tasks, and of each other."""
    tasks = [task.name for task in record.table.tasks]
    parts: Iterable[EvaluationRow | PairScale] = (*record.rows, *record.scales)
    for part in parts:
        if part.table != record.table.name:
            raise RunError(f"the evaluation is of table {record.table.name!r}; got a part of table {part.table!r}")
        for task in (part.source, part.target):
            if task not in tasks:
                raise RunError(f"table {record.table.name!r} has the tasks {', '.join(tasks)}; got {task!r}")
    twice = [pair for pair, count in Counter(record.pairs).items() if count > 1]
    if twice:
        raise RunError(f"a pair has one scale; twice: {twice[0]}")
    missing = sorted({row.pair for row in record.rows} - set(record.pairs))
    if missing:
        raise RunError(f"every pair that was run needs its scale; none for {missing[0]}")


def _check_methods(rows: tuple[EvaluationRow, ...]) -> None:
    """A method is one configuration, run once per pair and seed."""
    configurations: dict[str, tuple[str, str, str, str]] = {}
    for row in rows:
        configuration = (row.scheme, row.preference, row.strategy, row.evidence)
        known = configurations.setdefault(row.method, configuration)
        if known != configuration:
            raise RunError(f"method {row.method!r} stands for one configuration; got {known} and {configuration}")
    twice = [run for run, count in Counter((r.method, r.pair, r.seed) for r in rows).items() if count > 1]
    if twice:
        method, pair, seed = twice[0]
        raise RunError(f"{method} ran more than once on {pair} with seed {seed}")


def _check_floors(record: EvaluationRecord) -> None:
    """Every source has one floor, and percentile and value of a run agree on which side of it the run is."""
    floors = {floor.source: floor for floor in record.floors}
    if len(floors) < len(record.floors):
        raise RunError(f"a source has one floor; got {', '.join(floor.source for floor in record.floors)}")
    for row in record.rows:
        if row.source not in floors:
            raise RunError(f"every source that was run needs its floor; none for {row.source}")
        least, kept = floors[row.source].value, run_keeps_floor(row, record.floor)
        if kept != (row.source_value >= least):
            raise RunError(
                f"run of {row.method} on {row.pair}, seed {row.seed}: source percentile {row.source_percentile:g} "
                f"{'keeps' if kept else 'misses'} the floor {record.floor:g}, so the value must be "
                f"{'at least' if kept else 'below'} {least}; got {row.source_value}"
            )


def _check_scores(record: EvaluationRecord) -> None:
    """The lock score of a row is that of the pair's scale."""
    scales = {scale.pair: scale for scale in record.scales}
    for row in record.rows:
        expected = scales[row.pair].lock_score(row.target_percentile, kept=run_keeps_floor(row, record.floor))
        got = row.lock_score
        if expected is None or got is None:
            alike = expected is got
        else:
            alike = math.isclose(expected, got, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        if not alike:
            raise RunError(
                f"run of {row.method} on {row.pair}, seed {row.seed}: by the scale of the pair the lock score is "
                f"{expected}; got {got}"
            )
