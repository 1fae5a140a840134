"""Where the published figures come from: the released search picks by the answer. Not a method: it is given the truth.

The released code of ArchLock returns, of 30 candidates, the one with the lowest *true* target accuracy. Both functions
take the table openly, so neither fits :class:`~archlock.recipes.evaluate.method.RecordedMethod`, which is given
evidence only. Random architectures that keep the source floor, with that pick alone, reproduce the published
target-unknown figures: no predictor is needed for them.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from archlock.errors import SearchError
from archlock.recipes.evaluate.scales import source_standing
from archlock.reports import kept_from
from archlock.seeding import rng_for
from archlock.spaces import Architecture
from archlock.tables import Table

NAME: Final = "published_peeking"
"""Label of rows that were picked by the answer."""
CANDIDATES: Final = 30


def peeking_pick(
    table: Table, source: str, target: str, candidates: Sequence[Architecture], *, floor: float
) -> Architecture:
    """Of the candidates that truly keep the source floor, a share in [0, 1], the one that is truly worst on the target.

    SearchError if none keeps it.
    """
    rows = np.array([table.positions[one.code] for one in candidates], dtype=int)
    standing = source_standing(table, source)[rows]
    kept = rows[standing >= kept_from(100 * floor)]
    if not len(kept):
        highest = f"the highest has {standing.max():.1f} %" if len(standing) else "there is none"
        raise SearchError(f"none of {len(rows)} candidates keeps a source floor of {100 * floor:g} %: {highest}")
    return table.architectures[int(kept[np.argmin(table.scores(table.judge(target, source))[kept])])]


def random_feasible(
    table: Table, source: str, *, floor: float, count: int = CANDIDATES, seed: int
) -> tuple[Architecture, ...]:
    """A uniform sample, without replacement, of the architectures that truly keep the source floor."""
    feasible = np.flatnonzero(source_standing(table, source) >= kept_from(100 * floor))
    rows = rng_for(seed, NAME, source).choice(feasible, min(count, len(feasible)), replace=False)
    return tuple(table.architectures[int(row)] for row in rows)
