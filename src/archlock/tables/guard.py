"""The truth guard: what a search may look up in a recorded table, every look-up counted, and the truth behind a seal.

A run on a pair of tasks gets two things from :func:`open_pair`. :class:`RecordedEvidence` sells single values within an
allowance; in schemes that do not know the target it holds no value of the target's columns, of whatever fidelity.
:class:`SealedTruth` judges one :class:`Pick`, once, and shows nothing before. Neither has an attribute, item or closure
that leads to a column of values. Python cannot make this absolute: a program that wants to cheat reads the file again.
What is made sure is that no preference, strategy or user-written method can look by accident, in passing, or through a
public name, and that no look-up goes uncounted.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NoReturn

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError, SealedError, TableError
from archlock.ranking import rank_percentiles
from archlock.spaces import Architecture, Space
from archlock.tables.table import RecordedColumn, Table
from archlock.tables.vault import VAULT, Allowance, Judged, Measure, Pick, Spent, Stock, Truth

Scheme = Literal["s", "tk", "tu"]
SCHEMES: Final[tuple[Scheme, ...]] = ("s", "tk", "tu")
"""Source only; target known; target unknown: the other tasks of the table stand in for it."""


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
        return VAULT.allowance(self)

    @property
    def spent(self) -> Spent:
        """What was looked up so far."""
        return VAULT.spent(self)

    def proxies(self, task: str) -> tuple[str, ...]:
        """Names of the recorded proxies of a task that the run may see."""
        return tuple(name for kind, name in VAULT.sells(self, task) if kind == "proxy")

    def has_short(self, task: str) -> bool:
        """Whether shorter trainings of the task are recorded."""
        return ("short", "") in VAULT.sells(self, task)

    def noise(self, task: str) -> float:
        """Standard deviation of one full training of the task about what others of it bring; 0: it is not known."""
        return VAULT.noise(self, task)

    def repeatable(self, task: str) -> bool:
        """Whether a full training of the task can be bought again, with another seed and other luck."""
        return VAULT.repeatable(self, task)

    def left(self, task: str, *, short: bool = False) -> int:
        """How many more full (or short) trainings may be looked up on the task."""
        return VAULT.left(self, task, short)

    def proxy(self, task: str, name: str, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Recorded proxy, higher is better; NaN where it was not recorded."""
        return VAULT.look_up(self, task, ("proxy", name), architectures)

    def cost(self, name: str, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Recorded size in its own unit; NaN where it was not recorded."""
        return VAULT.look_up(self, self._source, ("cost", name), architectures)

    def training(
        self, task: str, architectures: Sequence[Architecture], *, short: bool = False, number: int = 0
    ) -> Float[np.ndarray, " architectures"]:
        """Outcome of full (or short) trainings, higher is better; NaN where it was not recorded.

        ``number`` 1, 2 ... is a training with another seed, which costs as much as the first; only what is
        :meth:`repeatable` has it. Where the same column judges, a full training is sold with noise (``noise``).

        What is not seen in this scheme, or more than the allowance pays for, raises
        :class:`~archlock.errors.SealedError`; an unknown architecture raises :class:`~archlock.errors.TableError`.
        """
        return VAULT.look_up(self, task, ("short" if short else "full", ""), architectures, number)

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
        return VAULT.opened(self)

    def judge(self, pick: Pick) -> Judged:
        """What the pick is worth. Anything but a :class:`Pick`, or a second one, raises SealedError."""
        return VAULT.judge(self, pick)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise SealedError("truth is sealed; it can be neither copied nor sent to another process")


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
    columns: dict[tuple[str, Measure], np.ndarray] = {}
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
    stock = Stock(table.positions, columns, noises, deviations, seed, kinds, allowance or Allowance())
    VAULT.put(evidence, stock, sealed, Truth(_judge_by(table.positions, truth[source], truth[target])))
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


def _measure_of(column: RecordedColumn) -> Measure:
    if column.role == "truth":
        return ("full", "")
    if column.role == "evidence":
        return ("short", "")
    return ("proxy", column.metric) if column.role == "proxy" else ("cost", column.name)
