"""What a table holds, in short: for people who choose a table, and for ``archlock tables show``."""

from dataclasses import dataclass

import numpy as np

from archlock.tables.compact import content_checksum
from archlock.tables.table import ROLES, UNKNOWN, Provenance, RecordedColumn, Table


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """One column."""

    column: RecordedColumn
    measurement: str
    """All that is known of the measurement, in words."""
    recorded: int
    """Number of architectures with a value."""
    best: float | None
    """The largest or, where less is better, smallest value; None if nothing was recorded."""


@dataclass(frozen=True, slots=True)
class TableSummary:
    """A table without its values."""

    name: str
    space: str
    architectures: int
    tasks: dict[str, dict[str, int]]
    """Number of columns of each role for every task."""
    columns: tuple[ColumnSummary, ...]
    provenance: Provenance
    sha256: str
    """Of the content."""


def summarise(table: Table) -> TableSummary:
    """The summary of a table."""
    tasks = dict.fromkeys(column.task for column in table.columns if column.task)
    return TableSummary(
        table.name,
        table.space_name,
        len(table.codes),
        {task: {role: _count(table, task, role) for role in ROLES} for task in tasks},
        tuple(_column(table, column) for column in table.columns),
        table.provenance,
        content_checksum(table),
    )


def measurement_name(column: RecordedColumn) -> str:
    """The measurement in words, for example ``accuracy (%) on test, 200 epochs, final epoch, one run``."""
    metric = column.metric if column.metric != UNKNOWN else "unknown metric"
    parts = [
        metric + (f" ({column.unit})" if column.unit else "") + (f" on {column.split}" if _known(column.split) else ""),
        f"{column.epochs} epochs" if column.epochs else "",
        f"{column.checkpoint} epoch" if _known(column.checkpoint) else "",
        column.runs if _known(column.runs) else "",
        f"begun with weights of {column.start}" if column.start else "",
        "" if column.higher_is_better else "lower is better",
    ]
    return ", ".join(part for part in parts if part)


def _known(text: str) -> bool:
    return text not in ("", UNKNOWN)


def _count(table: Table, task: str, role: str) -> int:
    return sum(column.task == task and column.role == role for column in table.columns)


def _column(table: Table, column: RecordedColumn) -> ColumnSummary:
    values = table.recorded(column)
    there = values[~np.isnan(values)]
    best = (there.max() if column.higher_is_better else there.min()).item() if len(there) else None
    return ColumnSummary(column, measurement_name(column), len(there), best)
