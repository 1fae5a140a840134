"""What recorded trainings say of the source, before anything is bought.

Some spaces come with tables of architectures that were trained on whole data sets. A ridge regression of their recorded
validation scores on structure foretells which architectures train well. How well, on the same data and on other ones,
and how much of it size says by itself, is in ``docs/findings.md`` (what recorded source scores teach). Only source
scores are read; what attackers made of those networks stays unread.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError
from archlock.preferences.evidence_table import Column, EvidenceTable
from archlock.preferences.ridge import Ridge
from archlock.spaces import Architecture, Space
from archlock.tables import Table, open_by_name_or_path

RECORDED_SOURCES: Final[Mapping[str, Mapping[str, str]]] = {
    "locking_macro": {"transfer_macro": "cifar10", "transfer_macro100": "cifar100"}
}
"""By space the tables with recorded source scores, each with the data that its networks were trained on."""
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


def source_lesson(space: Space, architectures: Sequence[Architecture]) -> SourceLesson:
    """What the tables of a space say of these architectures; ConfigurationError where it has none."""
    tables = [open_by_name_or_path(name) for name in _tables(space.name)]
    evidence = evidence_of(tables)
    scores = Ridge(evidence, space).scores(architectures)[0]
    return SourceLesson(scores, tuple(table.name for table in tables), len(evidence.architectures))


def recorded_names(space: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Those of these names and paths that speak of data which a table of the space was trained on.

    Any folder, ending and spelling will do: ``CIFAR-10/train`` and ``cifar10_test.npz`` do; data that go by a neutral
    name cannot be told.
    """
    keys = set(RECORDED_SOURCES.get(space, {}).values())
    return tuple(text for text in texts if any(key in re.sub(r"[^a-z0-9]", "", text.lower()) for key in keys))


def evidence_of(tables: Sequence[Table]) -> EvidenceTable:
    """A row for every recorded architecture, a column for every source; NaN where it was not trained on that."""
    rows = {one: row for row, one in enumerate(dict.fromkeys(one for table in tables for one in table.architectures))}
    columns: list[Column] = []
    values = []
    for table in tables:
        places = [rows[one] for one in table.architectures]
        for source in dict.fromkeys(source for source, _ in table.pairs):
            column = np.full(len(rows), np.nan)
            column[places] = table.scores(table.truth(source))
            columns.append(Column(_SOURCE, source))
            values.append(column)
    return EvidenceTable(tuple(rows), tuple(columns), np.stack(values, axis=1))


def _tables(space: str) -> tuple[str, ...]:
    if space not in RECORDED_SOURCES:
        raise ConfigurationError(
            f"there are no recorded trainings of {space} to learn from; there are of: {', '.join(RECORDED_SOURCES)}"
        )
    return tuple(RECORDED_SOURCES[space])
