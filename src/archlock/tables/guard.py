"""The truth guard: what a search may look up in a recorded table, every look-up counted, and the truth behind a seal.

A run on a pair of tasks gets two things from :func:`open_pair`. :class:`RecordedEvidence` sells single values within an
allowance; in schemes that do not know the target it holds no value of the target's columns, of whatever fidelity.
:class:`SealedTruth` judges one :class:`Pick`, once, and shows nothing before. Neither has an attribute, item or closure
that leads to a column of values. Python cannot make this absolute: a program that wants to cheat reads the file again.
What is made sure is that no preference, strategy or user-written method can look by accident, in passing, or through a
public name, and that no look-up goes uncounted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NoReturn
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError, SealedError, TableError
from archlock.ranking import rank_percentiles
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space
from archlock.tables.table import RecordedColumn, Table

Scheme = Literal["s", "tk", "tu"]
SCHEMES: Final[tuple[Scheme, ...]] = ("s", "tk", "tu")
"""Source only; target known; target unknown: the other tasks of the table stand in for it."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much evidence a run may look up on each of the tasks that it may see."""

    trainings: int = 150
    """Architectures with a training: a short one where the table has them, else a full one."""
    finalists: int = 40
    """Architectures with a full training besides."""

    def __post_init__(self) -> None:
        if min(self.trainings, self.finalists) < 0:
            raise ConfigurationError(f"an allowance is counted from 0; got {self.trainings} and {self.finalists}")


@dataclass(frozen=True, slots=True)
class Spent:
    """Values looked up so far, by kind; the same value again is free."""

    proxy: int = 0
    """Scores of untrained networks, and sizes."""
    short: int = 0
    """Short trainings, on any task."""
    source_full: int = 0
    target_full: int = 0
    surrogate_full: int = 0


@dataclass(frozen=True, slots=True)
class Pick:
    """What a run decided on: the only thing that opens the truth."""

    architecture: Architecture
    seed: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the truth says of a pick. Percentiles in [0, 100] over the whole table; values and losses as recorded."""

    source_percentile: float
    target_percentile: float
    source_value: float
    target_value: float
    source_loss: float
    target_loss: float


class RecordedEvidence:
    """What a run may look up; made by :func:`open_pair`. It can be neither copied nor sent to another process."""

    __slots__ = ("__weakref__", "_architectures", "_costs", "_feasible", "_others", "_source", "_space", "_target")

    _space: Space
    _source: str
    _target: str | None
    _others: tuple[str, ...]
    _costs: tuple[str, ...]
    _architectures: tuple[Architecture, ...]
    _feasible: tuple[Architecture, ...]

    def __init__(self) -> None:
        raise SealedError("recorded evidence is made by archlock.tables.open_pair(table, source, target, ...)")

    @property
    def space(self) -> Space:
        """Space of the architectures."""
        return self._space

    @property
    def architectures(self) -> tuple[Architecture, ...]:
        """All architectures of the table, in ascending order of code."""
        return self._architectures

    @property
    def known_feasible(self) -> tuple[Architecture, ...]:
        """Architectures that are known to keep the source floor. Normally none: the run has to find some itself."""
        return self._feasible

    @property
    def source(self) -> str:
        """Name of the source task."""
        return self._source

    @property
    def target(self) -> str | None:
        """Name of the target where it is known (scheme tk), else None."""
        return self._target

    @property
    def others(self) -> tuple[str, ...]:
        """Tasks to lock against as far as the run may know: the target (tk), its surrogates (tu), none (s)."""
        return self._others

    @property
    def costs(self) -> tuple[str, ...]:
        """Names of the recorded sizes that belong to no task, or to the source."""
        return self._costs

    @property
    def allowance(self) -> Allowance:
        """How much may be looked up on each task in all."""
        return _vault.allowance(self)

    @property
    def spent(self) -> Spent:
        """What was looked up so far."""
        return _vault.spent(self)

    def proxies(self, task: str) -> tuple[str, ...]:
        """Names of the recorded proxies of a task that the run may see."""
        return tuple(name for kind, name in _vault.sells(self, task) if kind == "proxy")

    def has_short(self, task: str) -> bool:
        """Whether shorter trainings of the task are recorded."""
        return ("short", "") in _vault.sells(self, task)

    def noise(self, task: str) -> float:
        """Standard deviation of one full training of the task about what others of it bring; 0: it is not known."""
        return _vault.noise(self, task)

    def repeatable(self, task: str) -> bool:
        """Whether a full training of the task can be bought again, with another seed and other luck."""
        return _vault.repeatable(self, task)

    def left(self, task: str, *, short: bool = False) -> int:
        """How many more full (or short) trainings may be looked up on the task."""
        return _vault.left(self, task, short)

    def proxy(self, task: str, name: str, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Recorded proxy, higher is better; NaN where it was not recorded."""
        return _vault.look_up(self, task, ("proxy", name), architectures)

    def cost(self, name: str, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Recorded size in its own unit; NaN where it was not recorded."""
        return _vault.look_up(self, self._source, ("cost", name), architectures)

    def training(
        self, task: str, architectures: Sequence[Architecture], *, short: bool = False, number: int = 0
    ) -> Float[np.ndarray, " architectures"]:
        """Outcome of full (or short) trainings, higher is better; NaN where it was not recorded.

        ``number`` 1, 2 ... is a training with another seed, which costs as much as the first; only what is
        :meth:`repeatable` has it. Where the same column judges, a full training is sold with noise (``noise``).

        What is not seen in this scheme, or more than the allowance pays for, raises
        :class:`~archlock.errors.SealedError`; an unknown architecture raises :class:`~archlock.errors.TableError`.
        """
        return _vault.look_up(self, task, ("short" if short else "full", ""), architectures, number)

    def __repr__(self) -> str:
        return f"RecordedEvidence(source={self._source!r}, others={self._others!r})"

    def __setattr__(self, attribute: str, value: object) -> None:
        raise SealedError(f"recorded evidence cannot be changed; got {attribute!r}")

    def __delattr__(self, attribute: str) -> None:
        raise SealedError(f"recorded evidence cannot be changed; got {attribute!r}")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise SealedError("recorded evidence can be neither copied nor sent to another process")


class SealedTruth:
    """What the lock is worth on source and target; opens once, for a pick. Made by :func:`open_pair`."""

    __slots__ = ("__weakref__",)

    def __init__(self) -> None:
        raise SealedError("truth is sealed by archlock.tables.open_pair(table, source, target, ...)")

    @property
    def opened_for(self) -> Pick | None:
        """The pick that was judged, if any."""
        return _vault.opened(self)

    def judge(self, pick: Pick) -> Judged:
        """What the pick is worth. Anything but a :class:`Pick`, or a second one, raises SealedError."""
        return _vault.judge(self, pick)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise SealedError("truth is sealed; it can be neither copied nor sent to another process")


_Measure = tuple[Literal["proxy", "cost", "short", "full"], str]


@dataclass(slots=True, eq=False)
class _Stock:
    """What lies behind one piece of evidence."""

    positions: dict[str, int]
    columns: dict[tuple[str, _Measure], Float[np.ndarray, " architectures"]]
    noises: dict[str, float]
    """Of every task whose judge is what is sold: the noise that is added; other tasks are sold as they were
    recorded."""
    deviations: dict[str, float]
    """What is known of the noise of one full training, by task; 0: nothing."""
    seed: int
    kinds: dict[str, str]
    allowance: Allowance
    sold: dict[tuple[str, _Measure], set[tuple[int, int]]] = field(default_factory=dict)
    """Row and number of the training."""


@dataclass(slots=True, eq=False)
class _Truth:
    judge: Callable[[Architecture], Judged]
    opened: Pick | None = None


class _Vault:
    """The doors of the place where values lie; what is behind them is in their closures, not on this object."""

    __slots__ = ("allowance", "judge", "left", "look_up", "noise", "opened", "put", "repeatable", "sells", "spent")

    def __init__(self) -> None:
        stocks: WeakKeyDictionary[RecordedEvidence, _Stock] = WeakKeyDictionary()
        truths: WeakKeyDictionary[SealedTruth, _Truth] = WeakKeyDictionary()

        def put(evidence: RecordedEvidence, stock: _Stock, sealed: SealedTruth, truth: _Truth) -> None:
            stocks[evidence], truths[sealed] = stock, truth

        def sells(evidence: RecordedEvidence, task: str) -> tuple[_Measure, ...]:
            return tuple(measure for name, measure in stocks[evidence].columns if name == task)

        def allowance(evidence: RecordedEvidence) -> Allowance:
            return stocks[evidence].allowance

        def left(evidence: RecordedEvidence, task: str, short: bool) -> int:
            return _left_of(stocks[evidence], task, ("short" if short else "full", ""))

        def spent(evidence: RecordedEvidence) -> Spent:
            return _spent_of(stocks[evidence])

        def look_up(
            evidence: RecordedEvidence, task: str, measure: _Measure, rows: Sequence[Architecture], number: int = 0
        ) -> Float[np.ndarray, " rows"]:
            return _sell(stocks[evidence], task, measure, rows, number)

        def noise(evidence: RecordedEvidence, task: str) -> float:
            return _seen(stocks[evidence].deviations, task)

        def repeatable(evidence: RecordedEvidence, task: str) -> bool:
            return _seen(stocks[evidence].noises, task) > 0

        def judge(sealed: SealedTruth, pick: Pick) -> Judged:
            if type(pick) is not Pick:
                raise SealedError(f"the truth is sealed until a run has decided; it opens for a Pick, got {pick!r}")
            truth = truths[sealed]
            if truth.opened is not None and truth.opened != pick:
                raise SealedError(
                    f"the truth was already opened for {truth.opened.architecture}; a run decides once, so "
                    f"{pick.architecture} is not judged"
                )
            truth.opened = pick
            return truth.judge(pick.architecture)

        def opened(sealed: SealedTruth) -> Pick | None:
            return truths[sealed].opened

        self.put, self.sells, self.left, self.spent = put, sells, left, spent
        self.look_up, self.judge, self.opened, self.allowance = look_up, judge, opened, allowance
        self.noise, self.repeatable = noise, repeatable


_vault: Final = _Vault()


def open_pair(
    table: Table,
    source: str,
    target: str,
    *,
    scheme: Scheme,
    allowance: Allowance | None = None,
    known_feasible: tuple[Architecture, ...] = (),
    seed: int = 0,
) -> tuple[RecordedEvidence, SealedTruth]:
    """Evidence and sealed truth for one run on a pair of tasks of the table.

    Of ``known_feasible`` architectures the run knows that they keep the source floor: for methods that start from such.
    A run sees the source; in scheme tk also the target, in scheme tu the table's other tasks instead. Where the table
    has trainings that went on from the weights of the source, these count. What judges (``Table.judge``) is not sold;
    where a task has one recorded training only, it is sold with noise of that training's size, made from ``seed``: what
    chooses and what judges are then as far apart as two trainings are. A task without truth in the table raises
    :class:`~archlock.errors.TableError`, equal tasks raise ConfigurationError.
    """
    if source == target or scheme not in SCHEMES:
        raise ConfigurationError(
            f"a run has two different tasks and one of the schemes {', '.join(SCHEMES)}; got {source!r}, {target!r} "
            f"and {scheme!r}"
        )
    truth = {source: table.scores(table.judge(source)), target: table.scores(table.judge(target, source))}
    others = {
        "s": (),
        "tk": (target,),
        "tu": tuple(task for task in table.after(source) if task not in (source, target)),
    }[scheme]
    columns: dict[tuple[str, _Measure], np.ndarray] = {}
    for column in sorted(table.columns, key=lambda one: one.start != source):  # what began with these weights is first
        if column.role in ("repeat", "judge") or column.start not in ("", source):
            continue
        if column.role == "cost" and column.task not in ("", source):
            continue
        if column.role != "cost" and column.task not in (source, *others):
            continue
        task = source if column.role == "cost" else column.task
        values = table.recorded(column) if column.role == "cost" else table.scores(column)
        columns.setdefault((task, _measure_of(column)), values.copy())  # a view would lead to all of the table
    kinds = {source: "source_full", target: "target_full"} | {
        task: "surrogate_full" for task in others if task != target
    }
    evidence, sealed = object.__new__(RecordedEvidence), object.__new__(SealedTruth)
    costs = tuple(name for _, (kind, name) in columns if kind == "cost")
    for name, value in (
        ("_space", table.space),
        ("_source", source),
        ("_target", target if scheme == "tk" else None),
        ("_others", others),
        ("_costs", costs),
        ("_architectures", table.architectures),
        ("_feasible", known_feasible),
    ):
        object.__setattr__(evidence, name, value)
    sold = {task: table.truth(task, source if task != source else "") for task in (source, *others)}
    deviations = {task: column.noise for task, column in sold.items()}
    judges = {task: table.judge(task, source if task != source else "") for task in sold}
    noises = {task: deviation if judges[task] == sold[task] else 0.0 for task, deviation in deviations.items()}
    stock = _Stock(table.positions, columns, noises, deviations, seed, kinds, allowance or Allowance())
    _vault.put(evidence, stock, sealed, _Truth(_judge_by(table.positions, truth[source], truth[target])))
    return evidence, sealed


def percentiles(scores: Float[np.ndarray, " architectures"]) -> Float[np.ndarray, " architectures"]:
    """Share of the table that an architecture beats, in [0, 100], ties averaged; one without a value is worst."""
    return 100 * rank_percentiles(np.where(np.isnan(scores), -np.inf, scores))


def _judge_by(positions: dict[str, int], source: np.ndarray, target: np.ndarray) -> Callable[[Architecture], Judged]:
    def judge(architecture: Architecture) -> Judged:
        row = positions.get(architecture.code)
        if row is None or np.isnan(source[row]) or np.isnan(target[row]):
            raise TableError(f"the table has no full training of {architecture} on both tasks, so it cannot be judged")
        worth = [
            (float(percentiles(one)[row]), float(one[row]), float(np.nanmax(one) - one[row]))
            for one in (source, target)
        ]
        (first, value, loss), (second, other_value, other_loss) = worth
        return Judged(first, second, value, other_value, loss, other_loss)

    return judge


def _measure_of(column: RecordedColumn) -> _Measure:
    if column.role == "truth":
        return ("full", "")
    if column.role == "evidence":
        return ("short", "")
    return ("proxy", column.metric) if column.role == "proxy" else ("cost", column.name)


def _seen(values: dict[str, float], task: str) -> float:
    if task not in values:
        raise SealedError(f"this run may not know anything of {task!r}; it sees {', '.join(sorted(values))}")
    return values[task]


def _sell(
    stock: _Stock, task: str, measure: _Measure, architectures: Sequence[Architecture], number: int
) -> np.ndarray:
    values = stock.columns.get((task, measure))
    if values is None:
        seen = ", ".join(sorted({name for name, _ in stock.columns}))
        raise SealedError(
            f"this run may not look up {' '.join(measure).strip()} values of {task!r}, or the table has none; it sees "
            f"{seen}"
        )
    noise = stock.noises.get(task, 0.0) if measure[0] == "full" else 0.0
    if number < 0 or (number > 0 and noise == 0):
        raise SealedError(f"the table has one {measure[0]} training of {task!r}; training number {number} is not in it")
    try:
        rows = [stock.positions[architecture.code] for architecture in architectures]
    except KeyError as error:
        raise TableError(f"the table has no architecture {error.args[0]!r}") from None
    sold = stock.sold.setdefault((task, measure), set())
    asked = {(row, number) for row in rows}
    more = len(asked - sold)
    if more > (allowed := _left_of(stock, task, measure)):
        raise SealedError(
            f"{more} more {measure[0]} values of {task!r} are asked for; the allowance of this run pays for {allowed} "
            "more"
        )
    sold.update(asked)
    if noise:
        luck = rng_for(stock.seed, "sold", task, number).standard_normal(len(values))
        return np.asarray(values[rows] + noise * luck[rows])
    return np.asarray(values[rows])


def _left_of(stock: _Stock, task: str, measure: _Measure) -> int:
    kind = measure[0]
    if kind in ("proxy", "cost"):
        return len(stock.positions)
    has_short = (task, ("short", "")) in stock.columns
    trainings, finalists = stock.allowance.trainings, stock.allowance.finalists
    total = trainings if kind == "short" else finalists if has_short else trainings + finalists
    return total - len(stock.sold.get((task, measure), ()))


def _spent_of(stock: _Stock) -> Spent:
    counts = dict.fromkeys(("proxy", "short", "source_full", "target_full", "surrogate_full"), 0)
    for (task, (kind, _)), rows in stock.sold.items():
        counts[{"proxy": "proxy", "cost": "proxy", "short": "short"}.get(kind) or stock.kinds[task]] += len(rows)
    return Spent(**counts)
