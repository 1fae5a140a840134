"""The vault of the truth guard: where the values of a run lie, sold one by one and counted, and its truth, shown once.

Pieces of evidence and seals are keys to it and hold nothing themselves. What is behind a door of the vault is in the
closures of its functions: no object that a run is given leads to a column of values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError, SealedError, TableError
from archlock.seeding import rng_for
from archlock.spaces import Architecture

Measure = tuple[Literal["proxy", "cost", "short", "full"], str]
"""Kind of a value, and the name of a proxy or size."""


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


@dataclass(slots=True, eq=False)
class Stock:
    """What lies behind one piece of evidence."""

    positions: dict[str, int]
    columns: dict[tuple[str, Measure], Float[np.ndarray, " architectures"]]
    noises: dict[str, float]
    """Of every task whose judge is what is sold: the noise that is added; other tasks are sold as they were
    recorded."""
    deviations: dict[str, float]
    """What is known of the noise of one full training, by task; 0: nothing."""
    seed: int
    kinds: dict[str, str]
    allowance: Allowance
    sold: dict[tuple[str, Measure], set[tuple[int, int]]] = field(default_factory=dict)
    """Row and number of the training."""


@dataclass(slots=True, eq=False)
class Truth:
    """What lies behind one seal."""

    judge: Callable[[Architecture], Judged]
    opened: Pick | None = None


class Vault:
    """The doors of the place where values lie; what is behind them is in their closures, not on this object."""

    __slots__ = ("allowance", "judge", "left", "look_up", "noise", "opened", "put", "repeatable", "sells", "spent")

    def __init__(self) -> None:
        stocks: WeakKeyDictionary[object, Stock] = WeakKeyDictionary()
        truths: WeakKeyDictionary[object, Truth] = WeakKeyDictionary()

        def put(evidence: object, stock: Stock, sealed: object, truth: Truth) -> None:
            stocks[evidence], truths[sealed] = stock, truth

        def sells(evidence: object, task: str) -> tuple[Measure, ...]:
            return tuple(measure for name, measure in stocks[evidence].columns if name == task)

        def allowance(evidence: object) -> Allowance:
            return stocks[evidence].allowance

        def left(evidence: object, task: str, short: bool) -> int:
            return _left_of(stocks[evidence], task, ("short" if short else "full", ""))

        def spent(evidence: object) -> Spent:
            return _spent_of(stocks[evidence])

        def look_up(
            evidence: object, task: str, measure: Measure, rows: Sequence[Architecture], number: int = 0
        ) -> Float[np.ndarray, " rows"]:
            return _sell(stocks[evidence], task, measure, rows, number)

        def noise(evidence: object, task: str) -> float:
            return _seen(stocks[evidence].deviations, task)

        def repeatable(evidence: object, task: str) -> bool:
            return _seen(stocks[evidence].noises, task) > 0

        def judge(sealed: object, pick: Pick) -> Judged:
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

        def opened(sealed: object) -> Pick | None:
            return truths[sealed].opened

        self.put, self.sells, self.left, self.spent = put, sells, left, spent
        self.look_up, self.judge, self.opened, self.allowance = look_up, judge, opened, allowance
        self.noise, self.repeatable = noise, repeatable


VAULT: Final = Vault()


def _seen(values: dict[str, float], task: str) -> float:
    if task not in values:
        raise SealedError(f"this run may not know anything of {task!r}; it sees {', '.join(sorted(values))}")
    return values[task]


def _sell(stock: Stock, task: str, measure: Measure, architectures: Sequence[Architecture], number: int) -> np.ndarray:
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


def _left_of(stock: Stock, task: str, measure: Measure) -> int:
    kind = measure[0]
    if kind in ("proxy", "cost"):
        return len(stock.positions)
    has_short = (task, ("short", "")) in stock.columns
    trainings, finalists = stock.allowance.trainings, stock.allowance.finalists
    total = trainings if kind == "short" else finalists if has_short else trainings + finalists
    return total - len(stock.sold.get((task, measure), ()))


def _spent_of(stock: Stock) -> Spent:
    counts = dict.fromkeys(("proxy", "short", "source_full", "target_full", "surrogate_full"), 0)
    for (task, (kind, _)), rows in stock.sold.items():
        counts[{"proxy": "proxy", "cost": "proxy", "short": "short"}.get(kind) or stock.kinds[task]] += len(rows)
    return Spent(**counts)
