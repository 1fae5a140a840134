"""How each kind of task is learned: one line for each, under the names of ``archlock.tasks.KINDS``."""

from typing import Final

from archlock.catalog import Catalog
from archlock.training.kinds.classification import Classification
from archlock.training.kinds.dense import Dense
from archlock.training.kinds.field import Field
from archlock.training.kinds.labels import Labels
from archlock.training.kinds.learning import Learning
from archlock.training.kinds.regression import Regression

LEARNING: Final[Catalog[Learning]] = Catalog(
    "kind of task", {kind.kind: kind for kind in (Classification(), Dense(), Labels(), Regression(), Field())}
)
