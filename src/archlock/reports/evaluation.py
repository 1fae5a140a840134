"""What an evaluation found, as a record: schemes run over a recorded benchmark, on all pairs of tasks, with many seeds.

The documented schema (number 1) of ``evaluation.json``. Like a lock record it holds measurements and facts, never prose
about them; statistics, sentences and pictures are made from it. Percentiles are in [0, 100] over the whole table, ties
averaged, and 100 is the best. Values are as recorded, in the column's unit. NaN is refused at birth; a number that does
not exist is ``None``.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from archlock.decoding import decode
from archlock.errors import RunError
from archlock.records import read_json, write_json

EVALUATION_SCHEMA: Final = 1
"""The only schema number of an evaluation that this version reads and writes."""
ALL_PAIRS: Final = "all"
"""The ``pair`` of a pattern or an importance that was estimated over all pairs together."""
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Queries:
    """How many recorded values a run looked up before it decided, by kind. Born valid: none is negative."""

    proxy: int = 0
    """Scores of untrained networks."""
    short: int = 0
    """Short trainings, on any task."""
    source_full: int = 0
    """Full trainings on the source."""
    target_full: int = 0
    """Full trainings on the true target: an honest run of an unknown target has none."""
    surrogate_full: int = 0
    """Full trainings on tasks that stand in for the target."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 0:
                raise RunError(f"queries are counted from 0; got {getattr(self, field.name)} of {field.name}")


QUERY_KINDS: Final[tuple[str, ...]] = tuple(field.name for field in dataclasses.fields(Queries))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One run: one method on one pair with one seed, and what the architecture it chose is worth. Born valid."""

    table: str
    source: str
    target: str
    scheme: str
    """``s``, ``tk``, ``tu``, or the name of a baseline."""
    method: str
    """Short label, different for every configuration of the evaluation, for example ``tu``, ``random_feasible``."""
    preference: str
    strategy: str
    evidence: str
    seed: int
    architecture: str
    """Its code."""
    source_percentile: float
    target_percentile: float
    """Lower is a better lock."""
    source_value: float
    target_value: float
    source_loss: float
    """How far the architecture is behind the best one recorded on the source, in the column's unit; not negative."""
    target_loss: float
    lock_score: float | None
    """:meth:`PairScale.lock_score` of the target percentile."""
    queries: Queries
    seconds: float

    def __post_init__(self) -> None:
        where = f"run of {self.method} on {pair_name(self.source, self.target)}, seed {self.seed}"
        if self.source == self.target:
            raise RunError(f"{where}: source and target must differ")
        for name in ("source_percentile", "target_percentile"):
            if not 0 <= getattr(self, name) <= 100:
                raise RunError(f"{where}: {name} must be in [0, 100]; got {getattr(self, name)}")
        for name in ("source_loss", "target_loss", "seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise RunError(f"{where}: {name} must be a number from 0 on; got {getattr(self, name)}")
        for name in ("source_value", "target_value"):
            if not math.isfinite(getattr(self, name)):
                raise RunError(f"{where}: {name} is not a finite number")

    @property
    def pair(self) -> str:
        """Source and target in one text."""
        return pair_name(self.source, self.target)


@dataclass(frozen=True, slots=True)
class PairScale:
    """What is possible on one pair at the source floor: mean target percentiles, by which runs are judged."""

    table: str
    source: str
    target: str
    feasible: int
    """Number of architectures that keep the source floor."""
    random_feasible: float
    """Expected target percentile of a feasible architecture drawn at random."""
    best_source: float
    """Of the best source architecture: what an ordinary search would ship."""
    tk_floor: float
    """Lowest of all feasible architectures: nothing can do better here."""
    tu_possible: float
    """Of the architecture that is best for this source over all its targets at once."""

    def __post_init__(self) -> None:
        where = f"scale of {self.pair}"
        if self.feasible < 1:
            raise RunError(f"{where}: at least one architecture keeps the floor; got {self.feasible}")
        for name in ("random_feasible", "best_source", "tk_floor", "tu_possible"):
            if not 0 <= getattr(self, name) <= 100:
                raise RunError(f"{where}: {name} must be in [0, 100]; got {getattr(self, name)}")
        if self.tk_floor > min(self.random_feasible, self.tu_possible) + _TOLERANCE:
            raise RunError(
                f"{where}: nothing can be below the lowest target percentile ({self.tk_floor}); got "
                f"{self.random_feasible} for a random feasible and {self.tu_possible} for the best one architecture"
            )

    @property
    def pair(self) -> str:
        """Source and target in one text."""
        return pair_name(self.source, self.target)

    def lock_score(self, found: float) -> float | None:
        """(random feasible - found) / (random feasible - floor): 0 is chance, 1 the best possible; see the glossary.

        None where all feasible architectures are alike on the target, so that nothing can be locked.
        """
        room = self.random_feasible - self.tk_floor
        return (self.random_feasible - found) / room if room > _TOLERANCE else None


@dataclass(frozen=True, slots=True)
class FloorPoint:
    """One method held to one source floor: means over pairs and seeds. ``kept``: share of runs in [0, 1]."""

    method: str
    floor: float
    source_percentile: float
    """Realised."""
    target_percentile: float
    kept: float


@dataclass(frozen=True, slots=True)
class FloorScale:
    """What is possible at one source floor: :class:`PairScale` averaged over the pairs."""

    floor: float
    random_feasible: float
    tk_floor: float
    tu_possible: float


@dataclass(frozen=True, slots=True)
class PatternRecord:
    """What one structure does to the target, among architectures that keep the source floor."""

    pair: str
    """:func:`pair_name`, or ``all``."""
    kind: str
    """For example ``operation on edge``, ``depth``, ``path``, ``size``."""
    name: str
    effect: float
    """Target percentile points; negative hinders the attacker."""
    low: float
    high: float
    """95 % interval of the effect."""
    count: int
    """Feasible architectures that have the structure."""


@dataclass(frozen=True, slots=True)
class ImportanceRecord:
    """How much of the target percentile one feature explains; ``importance`` is a number the larger the more."""

    pair: str
    name: str
    importance: float


@dataclass(frozen=True, slots=True)
class RecordedTask:
    """A task of the table: what the column of truth measured."""

    name: str
    metric: str
    split: str
    unit: str = ""
    epochs: int | None = None
    runs: str = ""


@dataclass(frozen=True, slots=True)
class TableRecord:
    """The recorded benchmark: where it is from, and its checksum."""

    name: str
    space: str
    architectures: int
    tasks: tuple[RecordedTask, ...]
    provenance: str
    checksum: str


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
    trade_off: tuple[FloorPoint, ...] = ()
    limits: tuple[FloorScale, ...] = ()
    """What is possible at the floors of the trade-off."""
    patterns: tuple[PatternRecord, ...] = ()
    importances: tuple[ImportanceRecord, ...] = ()
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
        _check_scores(self)

    @property
    def methods(self) -> tuple[str, ...]:
        """Labels of the methods, in the order of the rows."""
        return tuple(dict.fromkeys(row.method for row in self.rows))

    @property
    def pairs(self) -> tuple[str, ...]:
        """Names of the pairs, in the order of the scales."""
        return tuple(scale.pair for scale in self.scales)


def pair_name(source: str, target: str) -> str:
    """``cifar10 to svhn``: how a pair is called in the record and on the page."""
    return f"{source} to {target}"


def evaluation_to_json(path: Path, record: EvaluationRecord) -> Path:
    """Write the record (``evaluation.json``), whole or not at all."""
    return write_json(path, record)


def evaluation_from_json(path: Path) -> EvaluationRecord:
    """Read what :func:`evaluation_to_json` wrote; a missing, damaged or foreign file raises RunError that names it."""
    content: Any = read_json(path)
    if not isinstance(content, dict) or content.get("record") != "evaluation":
        raise RunError(f'{path} is no evaluation of ArchLock: expected an object with "record": "evaluation"')
    if content.get("schema") != EVALUATION_SCHEMA:
        raise RunError(
            f"{path} has schema {content.get('schema')!r}, this version of ArchLock reads evaluations of schema "
            f"{EVALUATION_SCHEMA}; read it with the version that wrote it, or evaluate again"
        )
    try:
        return decode(EvaluationRecord, content)
    except RunError as error:
        raise RunError(f"{path} is damaged: {error}") from error


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


def _check_scores(record: EvaluationRecord) -> None:
    """The lock score of a row is that of the pair's scale."""
    scales = {scale.pair: scale for scale in record.scales}
    for row in record.rows:
        expected, got = scales[row.pair].lock_score(row.target_percentile), row.lock_score
        if expected is None or got is None:
            alike = expected is got
        else:
            alike = math.isclose(expected, got, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        if not alike:
            raise RunError(
                f"run of {row.method} on {row.pair}, seed {row.seed}: by the scale of the pair the lock score is "
                f"{expected}; got {got}"
            )
