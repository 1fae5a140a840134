"""Kinds of task: one line for each. ``archlock.training.kinds`` has their other halves, under the same names."""

from typing import Final

from archlock.catalog import Catalog
from archlock.tasks.kinds.classification import Classification
from archlock.tasks.kinds.dense import Dense
from archlock.tasks.kinds.field import Field
from archlock.tasks.kinds.kind import Kind, TaskKind, Words
from archlock.tasks.kinds.labels import Labels
from archlock.tasks.kinds.regression import Regression
from archlock.tasks.stored.view import Rows

__all__ = [
    "EVERY_KIND",
    "KINDS",
    "OF_IMAGES",
    "WITH_CLASSES",
    "Kind",
    "TaskKind",
    "Words",
    "kind_of_form",
    "kind_of_targets",
]

KINDS: Final[Catalog[TaskKind]] = Catalog(
    "kind of task", {kind.name: kind for kind in (Classification(), Dense(), Labels(), Regression(), Field())}
)

EVERY_KIND: Final[frozenset[Kind]] = frozenset(kind.name for kind in KINDS.values())
WITH_CLASSES: Final[frozenset[Kind]] = frozenset(kind.name for kind in KINDS.values() if kind.has_classes)
"""Kinds whose examples are of one class each."""
OF_IMAGES: Final[frozenset[Kind]] = frozenset(kind.name for kind in KINDS.values() if not kind.dense)
"""Kinds of which a model says something about a whole image, not about every pixel."""


def kind_of_targets(targets: Rows) -> Kind:
    """The kind whose targets look like these, which are those of a split."""
    found = next((kind.name for kind in KINDS.values() if kind.holds(targets)), None)
    return (
        kind_of_form(floating=targets.dtype.kind == "f" or targets.ndim == 4, axes=targets.ndim)
        if found is None
        else found
    )


def kind_of_form(*, floating: bool, axes: int) -> Kind:
    """The first kind whose targets of a batch are such tensors: what bare tensors are taken for."""
    for kind in KINDS.values():
        if (kind.floating, kind.stored[1]) == (floating, axes):
            return kind.name
    return "dense" if floating else "classification"
