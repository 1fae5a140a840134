"""Evidence as a table: architectures down, measures of tasks across, values in their own units.

A column is anything cheap that says something of an architecture on a task: a zero-cost proxy, a short training, the
gain of an adaptation, a recorded value. It does not know where the values come from (see ``archlock.evidence``).
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from archlock.errors import MeasurementError
from archlock.spaces import Architecture


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """One measure of one task, for example ``Column("digits", "nwot")``. Higher values are better."""

    task: str
    measure: str

    def __str__(self) -> str:
        return f"{self.measure} of {self.task}"


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceTable:
    """Measured values, born valid (else :class:`~archlock.errors.MeasurementError`).

    An architecture may be there several times, as measured with several seeds, say.
    """

    architectures: tuple[Architecture, ...]
    """One per row, all of one space; at least one."""
    columns: tuple[Column, ...]
    """All different; at least one."""
    values: Float[np.ndarray, "architectures columns"]
    """Finite, or NaN where there is no measurement."""

    def __post_init__(self) -> None:
        expected = (len(self.architectures), len(self.columns))
        if self.values.shape != expected or 0 in expected:
            raise MeasurementError(
                f"an evidence table has a value for each of its architectures and columns, at least one of both; got "
                f"{expected[0]} architectures, {expected[1]} columns and values of shape {self.values.shape}"
            )
        twice = [str(column) for column, count in Counter(self.columns).items() if count > 1]
        if twice:
            raise MeasurementError(f"a column appears once in an evidence table; more than once: {', '.join(twice)}")
        spaces = sorted({architecture.space for architecture in self.architectures})
        if len(spaces) > 1:
            raise MeasurementError(f"an evidence table is of one space; got architectures of {', '.join(spaces)}")
        infinite = np.argwhere(np.isinf(self.values))
        if len(infinite):
            row, column = infinite[0]
            raise MeasurementError(
                f"evidence is finite, or NaN where it is missing; got {self.values[row, column]} for "
                f"{self.columns[column]} of {self.architectures[row]}"
            )

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the columns, in the order in which they first appear."""
        return tuple(dict.fromkeys(column.task for column in self.columns))

    def positions(self, task: str) -> tuple[int, ...]:
        """Positions of the columns of a task; MeasurementError if it has none."""
        found = tuple(index for index, column in enumerate(self.columns) if column.task == task)
        if not found:
            raise MeasurementError(f"no evidence on task {task!r}; there is some on {', '.join(self.tasks)}")
        return found
