"""Tables with gaps: only architectures that have what decides and what judges on a pair of tasks can be compared there.

They are left out before anybody searches, so that nobody pays for what is not recorded, and a percentile is one among
architectures with a value.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from archlock.errors import TableError
from archlock.tables.table import RecordedColumn, Table

FEWEST: Final = 10
"""Architectures of a table that can be evaluated at all."""


def without_gaps(table: Table, pairs: Iterable[tuple[str, str]], *, surrogates: bool) -> tuple[Table, tuple[str, ...]]:
    """The table of the architectures with all full trainings on the pairs, and what was left out, in sentences.

    With ``surrogates`` a source's other tasks belong to every pair. Where less than half of these architectures have a
    short training on a task, such trainings are no evidence and are left out as a column; single ones may be missing.
    Fewer than :data:`FEWEST` architectures raise TableError with their number.
    """
    chosen = list(pairs)
    sources = dict.fromkeys(source for source, _ in chosen)
    seen = [(source, "") for source in sources] + [(target, source) for source, target in chosen]
    if surrogates:
        seen += [(task, source) for source in sources for task in table.after(source) if task != source]
    columns = {
        column.name: column
        for task, start in dict.fromkeys(seen)
        for column in (table.truth(task, start), table.judge(task, start))
    }
    rows = _recorded(table, columns.values())
    left, tasks = int(rows.sum()), {task for task, _ in seen}
    counts = ", ".join(f"{name} has {int(_recorded(table, [column]).sum())}" for name, column in columns.items())
    if left < FEWEST:
        raise TableError(
            f"of {len(table.codes)} architectures of table {table.name!r} {left} have recorded values on all of "
            f"{', '.join(sorted(tasks))} ({counts}); an evaluation needs at least {FEWEST}: import more rows, or "
            "choose with --pairs tasks that were recorded together"
        )
    notes = []
    if left < len(table.codes):
        notes.append(
            f"{len(table.codes) - left} of {len(table.codes)} architectures are left out, since they have no recorded "
            f"value on every task ({counts}); percentiles are among the other {left}."
        )
    short = {c.name: int((_recorded(table, [c]) & rows).sum()) for c in table.columns if _is_short(c, tasks)}
    scarce = {name: count for name, count in short.items() if 2 * count < left}
    if scarce:
        counted = ", ".join(f"{name} ({count})" for name, count in scarce.items())
        notes.append(f"Short trainings of less than half of the {left} architectures are not sold: {counted}.")
    return _restricted(table, rows, set(scarce)), tuple(notes)


def _is_short(column: RecordedColumn, tasks: set[str]) -> bool:
    return column.role == "evidence" and column.task in tasks


def _recorded(table: Table, columns: Iterable[RecordedColumn]) -> np.ndarray:
    """Which architectures have a value in every one of the columns."""
    rows = np.ones(len(table.codes), dtype=bool)
    for column in columns:
        rows &= ~np.isnan(table.recorded(column))
    return rows


def _restricted(table: Table, rows: np.ndarray, left_out: set[str]) -> Table:
    if rows.all() and not left_out:
        return table
    kept = [place for place, column in enumerate(table.columns) if column.name not in left_out]
    return replace(
        table,
        codes=tuple(code for code, keep in zip(table.codes, rows, strict=True) if keep),
        columns=tuple(table.columns[place] for place in kept),
        values=table.values[kept][:, rows],
    )
