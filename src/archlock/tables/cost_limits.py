"""Limits on recorded costs: the table of the architectures that keep them, in which everything else is then counted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from archlock.errors import TableError
from archlock.tables.gaps import FEWEST
from archlock.tables.table import Table


def within_costs(table: Table, limits: Sequence[tuple[str, float]]) -> tuple[Table, tuple[str, ...]]:
    """The table of the architectures whose recorded costs are at most these, and what that left out, in sentences.

    A limit is the name of a column of role cost and a value in its unit. An architecture without a recorded cost (one
    that the device refused) does not keep it. Percentiles, floors and random architectures are then among those that
    do. A column that is no cost, and limits that fewer than ten architectures keep, raise TableError.
    """
    kept, notes = np.ones(len(table.codes), dtype=bool), []
    for name, limit in limits:
        column = table.column(name)
        if column.role != "cost":
            costs = ", ".join(one.name for one in table.columns if one.role == "cost")
            raise TableError(f"column {name!r} has the role {column.role}, and limits are on costs: {costs or 'none'}")
        values = table.recorded(column)
        within, unknown = np.nan_to_num(values, nan=np.inf) <= limit, int(np.isnan(values).sum())
        unit = f" {column.unit}" if column.unit else ""
        if not within.any():
            least = int(np.nanargmin(values)) if unknown < len(values) else 0
            raise TableError(
                f"no architecture of table {table.name!r} has {name} of at most {limit:g}{unit}: the smallest, "
                f"{table.codes[least]}, has {values[least]:g}{unit}"
            )
        missing = f"; {unknown:,} have no recorded value and are left out" if unknown else ""
        notes.append(
            f"every architecture keeps {name} of at most {limit:g}{unit}: this limit restricts nothing."
            if within.all()
            else f"{int(within.sum()):,} of {len(values):,} architectures keep {name} of at most {limit:g}{unit}"
            f"{missing}. Percentiles, source floors and random architectures are among those that keep all limits."
        )
        kept &= within
    if limits and kept.sum() < FEWEST:
        raise TableError(
            f"{int(kept.sum())} architectures of table {table.name!r} keep all the limits on costs together; an "
            f"evaluation needs at least {FEWEST}: widen a limit"
        )
    if kept.all():
        return table, tuple(notes)
    codes = tuple(code for code, keep in zip(table.codes, kept, strict=True) if keep)
    return replace(table, codes=codes, values=table.values[:, kept]), tuple(notes)
