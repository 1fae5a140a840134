"""What recorded trainings on other data say of the source, before anything is bought.

Some spaces come with tables of architectures that were trained on whole data sets. A ridge regression of their recorded
validation scores on structure foretells which architectures train well: about as well as a pass over all images of the
owner's source, and for nothing (``docs/findings.md``, what recorded source scores teach). Only source scores are read;
what attackers made of those networks stays unread, and so does a table whose source is a target of the owner's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.preferences.evidence_table import Column, EvidenceTable
from archlock.preferences.ridge import Ridge
from archlock.preferences.transferred import plain_name
from archlock.spaces import Architecture, Space
from archlock.tables import Table, open_by_name_or_path

TABLES: Final = {"locking_macro": ("transfer_macro", "transfer_macro100")}
"""Tables with recorded source scores, by space."""
_SOURCE: Final = "source"


@dataclass(frozen=True, slots=True, eq=False)
class SourceLesson:
    """Expected source scores, and where they come from."""

    scores: Float[np.ndarray, " architectures"]
    """Normal scores, higher is better: 0 is the middle of what was recorded, 1 a standard deviation better."""
    tables: tuple[str, ...]
    """By whose trainings."""
    recorded: int
    """Architectures that are in them."""


def source_lesson(
    space: Space, architectures: Sequence[Architecture], *, targets: Sequence[str] = ()
) -> SourceLesson | None:
    """What the tables of a space say of these architectures; None where there are none to be read.

    ``targets`` are the names of what is to be locked against or audited: no table is read whose source goes by such a
    name (``cifar10_full`` goes by ``cifar10``, and by ``CIFAR-10/train``).
    """
    tables = [open_by_name_or_path(name) for name in TABLES.get(space.name, ())]
    read = [table for table in tables if not any(_alike(one, each) for one in _sources(table) for each in targets)]
    if not read:
        return None
    evidence = _together(read)
    scores = Ridge(evidence, space).scores(architectures)[0]
    return SourceLesson(scores, tuple(table.name for table in read), len(evidence.architectures))


def _sources(table: Table) -> tuple[str, ...]:
    return tuple(dict.fromkeys(source for source, _ in table.pairs))


def _alike(one: str, other: str) -> bool:
    """Whether two names may be of the same data: either is part of the other, however they are spelled."""
    first, second = plain_name(one), plain_name(other)
    return bool(first and second) and (first in second or second in first)


def _together(tables: Sequence[Table]) -> EvidenceTable:
    """A row for every recorded architecture, a column for every source; NaN where it was not trained on that."""
    rows = {one: row for row, one in enumerate(dict.fromkeys(one for table in tables for one in table.architectures))}
    columns: list[Column] = []
    values = []
    for table in tables:
        places = [rows[one] for one in table.architectures]
        for source in _sources(table):
            column = np.full(len(rows), np.nan)
            column[places] = table.scores(table.truth(source))
            columns.append(Column(_SOURCE, source))
            values.append(column)
    return EvidenceTable(tuple(rows), tuple(columns), np.stack(values, axis=1))
