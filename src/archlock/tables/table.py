"""A recorded benchmark as a table: architectures down, measurements of tasks across, values as they were recorded.

A column says exactly what was measured, since published tools have confused test with validation accuracy, the final
with the best epoch, and one run with a mean (see the caveats of NAS-Bench-Suite-Zero on NAS-Bench-201).
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations
from typing import Final, Literal, get_args

import numpy as np
from jaxtyping import Float

from archlock.errors import TableError
from archlock.records import LATER
from archlock.spaces import SPACES, Architecture, Space
from archlock.tables.sheets import near

Role = Literal["truth", "judge", "evidence", "proxy", "cost", "repeat"]
"""What a column is for: ``truth`` is a full training, which a search may buy; ``judge`` is another one (or another
split), which nobody can buy and by which a lock is judged; ``evidence`` is a shorter training; ``proxy`` a score of the
untrained network; ``cost`` a property of the architecture (size, latency), no sign of quality; ``repeat`` another look
at something of these (a run behind a mean, another way of adapting), which no search sees. A task without a judge is
judged by its truth, and then what is sold of the truth carries noise of the size of one training's (``noise``)."""
ROLES: Final[tuple[Role, ...]] = get_args(Role)
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class RecordedColumn:
    """What one column holds; its parts are the measurement's name. Born valid (else TableError)."""

    name: str
    """Unique in its table, for example ``cifar10_test_200``."""
    task: str
    """For example ``cifar10``; empty for a cost that is the same on every task."""
    role: Role
    metric: str = UNKNOWN
    """For example ``accuracy``, ``ssim``, ``negative loss``, or a proxy's name."""
    split: str = UNKNOWN
    """For example ``test``, ``x-test`` (the benchmark's test half), ``validation``."""
    epochs: int | None = None
    """Length of the training schedule; None if nothing was trained or it is not known."""
    checkpoint: str = UNKNOWN
    """``final`` or ``best`` epoch."""
    runs: str = UNKNOWN
    """For example ``mean of 1 to 3 runs``, ``one run``, ``seed 777``."""
    unit: str = ""
    """For example ``%``, ``ms``; empty for pure numbers."""
    higher_is_better: bool = True
    start: str = ""
    """Source task from whose trained weights the training went on; empty: it began with new random weights."""
    noise: float = field(default=0.0, metadata=LATER)
    """Standard deviation between two trainings that differ in their seed alone, in the unit; 0: not known."""

    def __post_init__(self) -> None:
        if not self.name or any(character.isspace() for character in self.name):
            raise TableError(f"a column has a name without spaces; got {self.name!r}")
        if self.role not in ROLES:
            raise TableError(f"the role of column {self.name!r} is one of {', '.join(ROLES)}; got {self.role!r}")
        if not self.task and self.role != "cost":
            raise TableError(f"column {self.name!r} ({self.role}) needs the task that it is a measurement of")
        if not 0 <= self.noise < math.inf:
            raise TableError(
                f"the noise of column {self.name!r} is a standard deviation of 0 or more; got {self.noise}"
            )


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a table comes from."""

    reader: str
    """Which reader made it, for example ``nats``."""
    files: tuple[tuple[str, str], ...]
    """Name and SHA-256 of every file that was read."""
    note: str = ""
    """Citation, licence, caveats: what a reader of figures from this table should know."""


@dataclass(frozen=True, eq=False)
class Table:
    """Recorded values of the architectures of one space, born valid (else :class:`~archlock.errors.TableError`)."""

    name: str
    space_name: str
    codes: tuple[str, ...]
    """All different, in ascending order."""
    columns: tuple[RecordedColumn, ...]
    """At least one; names all different."""
    values: Float[np.ndarray, "columns architectures"]
    """As recorded, in the column's unit; finite, or NaN where nothing was recorded. Read-only."""
    provenance: Provenance

    def __post_init__(self) -> None:
        expected = (len(self.columns), len(self.codes))
        if self.values.shape != expected or 0 in expected:
            raise TableError(
                f"table {self.name!r} has a value for each of its columns and architectures, at least one of both; got "
                f"{expected[0]} columns, {expected[1]} architectures and values of shape {self.values.shape}"
            )
        twice = [name for name, count in Counter(c.name for c in self.columns).items() if count > 1]
        if twice:
            raise TableError(f"the columns of table {self.name!r} have different names; twice: {', '.join(twice)}")
        if any(one >= other for one, other in zip(self.codes, self.codes[1:], strict=False)):
            raise TableError(f"the architectures of table {self.name!r} are in ascending order of code, each once")
        if np.isinf(self.values).any():
            column = self.columns[int(np.argwhere(np.isinf(self.values))[0][0])]
            raise TableError(f"column {column.name!r} of table {self.name!r} has an infinite value")
        for code in (self.codes[0], self.codes[-1]):
            self.space.architecture(code)
        self.values.flags.writeable = False

    @property
    def space(self) -> Space:
        """The space of the architectures."""
        return SPACES[self.space_name]

    @cached_property
    def architectures(self) -> tuple[Architecture, ...]:
        """One per code."""
        return tuple(Architecture(self.space_name, code) for code in self.codes)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Code to position."""
        return {code: position for position, code in enumerate(self.codes)}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {column.name: place for place, column in enumerate(self.columns)}

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks with truth, in the order of the columns."""
        return tuple(dict.fromkeys(column.task for column in self.columns if column.role == "truth"))

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Ordered pairs (source, target) of tasks of which a lock can be judged.

        Where the table has trainings that went on from the weights of a source, only these count as its targets.
        """
        truths = {(column.task, column.start) for column in self.columns if column.role == "truth"}
        starts = {start for _, start in truths}
        return tuple(
            (source, target)
            for source, target in permutations(self.tasks, 2)
            if (source, "") in truths and (target, source if source in starts else "") in truths
        )

    def after(self, source: str) -> tuple[str, ...]:
        """The source itself, and every task that makes a pair with it, in the order of the columns."""
        return tuple(task for task in self.tasks if task == source or (source, task) in self.pairs)

    def column(self, name: str) -> RecordedColumn:
        """The column of that name; TableError that lists those of like names, or all, if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        known = near(name, [column.name for column in self.columns])
        raise TableError(f"table {self.name!r} has no column {name!r}; {known}")

    def truth(self, task: str, source: str = "") -> RecordedColumn:
        """The full training of a task that a search may buy: its first column of role truth, else TableError.

        With a source, the training that went on from the weights of that source, where the table has one.
        """
        column = self._first("truth", task, source, "")
        if column is None:
            after = f" after {source!r}" if source else ""
            raise TableError(
                f"table {self.name!r} has no truth on task {task!r}{after}; its tasks are {', '.join(self.tasks)}"
            )
        return column

    def first_start(self, task: str) -> str:
        """Whose weights the first truth of a task began with: none (an empty text) where one was trained from scratch,
        else those of the first source with which it makes a pair."""
        starts = ["", *(source for source, target in self.pairs if target == task)]
        return next((start for start in starts if self._first("truth", task, start)), "")

    def judge(self, task: str, source: str = "") -> RecordedColumn:
        """The column by which a lock is judged on a task: its judge, else its truth; see :meth:`truth`.

        A judge of other weights than the truth's (another ``start``) does not count.
        """
        sold = self.truth(task, source)
        return self._first("judge", task, sold.start) or sold

    def _first(self, role: Role, task: str, *starts: str) -> RecordedColumn | None:
        """The first column of a task with a role that began with the first of these weights that any began with."""
        for start in starts:
            for column in self.columns:
                if column.task == task and column.role == role and column.start == start:
                    return column
        return None

    def recorded(self, column: RecordedColumn) -> Float[np.ndarray, " architectures"]:
        """Values as recorded; read-only."""
        return np.asarray(self.values[self._places[column.name]])

    def scores(self, column: RecordedColumn) -> Float[np.ndarray, " architectures"]:
        """Values turned so that higher is better."""
        recorded = self.recorded(column)
        return recorded if column.higher_is_better else -recorded

    def look_up(self, column: RecordedColumn, codes: "list[str] | tuple[str, ...]") -> Float[np.ndarray, " codes"]:
        """Recorded values of some architectures; an unknown code raises TableError."""
        try:
            rows = [self.positions[code] for code in codes]
        except KeyError as error:
            raise TableError(f"table {self.name!r} has no architecture {error.args[0]!r}") from None
        return self.recorded(column)[rows]
