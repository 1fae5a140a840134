"""How far the lowest possible target percentile can be trusted: by twins, two trainings of the same function.

Many tables hold one training of each code, and several codes that are one function. Where the lowest of all is read
from one training, part of it is luck (a winner's curse), and nobody who is judged by another training can reach it.
So the lowest by one twin are judged by the other. Descriptive, from truth: no method sees it.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Int

from archlock.reports import TwinAgreement
from archlock.tables import Table

FEWEST: Final = 10
"""Functions with twins without which nothing is said."""
LOWEST: Final = 5
"""So many of the lowest are judged again: one alone says little."""


def twins_among(table: Table, rows: Int[np.ndarray, " feasible"]) -> tuple[tuple[int, int], ...]:
    """Pairs of rows whose architectures are one function: of every function the first two, in the order of the rows."""
    of_function: dict[str, list[int]] = {}
    for row in rows.tolist():
        of_function.setdefault(table.space.canonicalise(table.architectures[row]).code, []).append(row)
    return tuple((members[0], members[1]) for members in of_function.values() if len(members) > 1)


def twin_agreement(
    twins: tuple[tuple[int, int], ...], standing: Float[np.ndarray, " architectures"]
) -> TwinAgreement | None:
    """How well twins agree on a task, of whose percentiles they are rows.

    None where there are fewer than ten, or where the table has one value for both of all of them: copies of a training
    say nothing of another one.
    """
    if len(twins) < FEWEST:
        return None
    from scipy.stats import spearmanr

    one, other = standing[np.array(twins)].T
    if np.array_equal(one, other):
        return None
    agreement = float(spearmanr(one, other).statistic) if np.ptp(one) and np.ptp(other) else None
    chosen, judged = [], []
    for first, second in ((one, other), (other, one)):
        lowest = np.argsort(first, kind="stable")[:LOWEST]
        chosen.append(first[lowest].mean())
        judged.append(second[lowest].mean())
    return TwinAgreement(len(twins), agreement, float(np.mean(chosen)), float(np.mean(judged)))
