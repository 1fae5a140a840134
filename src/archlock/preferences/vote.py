"""Majority vote of measures, the labels of the published predictor (ArchLock, Zhou, Ren, Xu, ICLR 2024).

A beats B on a task if more of its measures (published: seven zero-cost proxies) say so. A vote knows only what was
measured: it has no score for another architecture. Measured weakness: inside the best 5 % of NAS-Bench-201 the seven
proxies hardly agree with accuracy, and they hardly differ between tasks; see the score model for better evidence.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import ConfigurationError, MeasurementError
from archlock.preferences.evidence_table import EvidenceTable
from archlock.preferences.preference import Preference
from archlock.ranking import rank_percentiles
from archlock.spaces import Architecture, Space

_BLOCK: Final = 512


def vote_margins(
    values: Float[np.ndarray, "architectures measures"], others: Float[np.ndarray, "others measures"]
) -> Int[np.ndarray, "architectures others"]:
    """Measures that say the first is better minus measures that say the second is; a measure without a value abstains.

    Positive: the first wins the vote. Ties within a measure are abstentions, so 0 (undecided) is possible.
    """
    margins = np.zeros((len(values), len(others)), dtype=np.int64)
    for one, other in zip(values.T, others.T, strict=True):
        margins += one[:, None] > other
        margins -= one[:, None] < other
    return margins


def copeland(values: Float[np.ndarray, "architectures measures"]) -> Float[np.ndarray, " architectures"]:
    """Votes won minus votes lost against all other architectures, as a share of them: -1 to 1 (Copeland 1951)."""
    balance = np.zeros(len(values))
    for start in range(0, len(values), _BLOCK):
        balance[start : start + _BLOCK] = np.sign(vote_margins(values[start : start + _BLOCK], values)).sum(axis=1)
    return balance / max(len(values) - 1, 1)


def mean_rank(values: Float[np.ndarray, "architectures measures"]) -> Float[np.ndarray, " architectures"]:
    """Mean over the measures of the rank percentile, scaled to -1 to 1 (the count of Borda 1784).

    O(N log N) where Copeland's count is O(N^2), and sensitive to how large a lead is. A measure counts where it has a
    value; an architecture without any is in the middle.
    """
    total, count = np.zeros((2, len(values)))
    for measure in values.T:
        known = np.isfinite(measure)
        total[known] += 2 * rank_percentiles(measure[known]) - 1
        count += known
    return np.divide(total, count, out=np.zeros(len(values)), where=count > 0)


class Vote(Preference):
    """The raw vote as scores, for the measured architectures only.

    Copeland's count is the published majority made antisymmetric and transitive: a majority may go in circles, a score
    cannot. Rows of the same architecture are averaged first, measure by measure.
    """

    def __init__(self, evidence: EvidenceTable, *, method: str = "copeland") -> None:
        """``method``: "copeland" (majorities won minus lost) or "mean_rank"; another raises ConfigurationError."""
        count = {"copeland": copeland, "mean_rank": mean_rank}.get(method)
        if count is None:
            raise ConfigurationError(f"votes are counted by copeland or mean_rank; got {method!r}")
        self.tasks = evidence.tasks
        architectures, values = averaged(evidence)
        self._position = {architecture: index for index, architecture in enumerate(architectures)}
        self._scores = np.stack([count(values[:, list(evidence.positions(task))]) for task in self.tasks])

    def scores(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "tasks architectures"]:
        """Between -1 and 1; an architecture that was not measured raises MeasurementError."""
        unknown = [str(architecture) for architecture in architectures if architecture not in self._position]
        if unknown:
            raise MeasurementError(
                f"a vote knows only the {len(self._position)} measured architectures, and {unknown[0]} is not one of "
                "them; measure it, or use a preference that generalises, such as score_model"
            )
        return self._scores[:, [self._position[architecture] for architecture in architectures]]


def make_vote(
    evidence: EvidenceTable,
    space: Space,  # noqa: ARG001  (see PreferenceMaker)
    *,
    embeddings: Mapping[str, Float[np.ndarray, " dimensions"]] | None = None,  # noqa: ARG001
    seed: int = 0,  # noqa: ARG001
) -> Vote:
    """Vote by Copeland's count, as the catalog offers it; it needs neither embeddings nor chance."""
    return Vote(evidence)


def averaged(
    evidence: EvidenceTable,
) -> tuple[tuple[Architecture, ...], Float[np.ndarray, "architectures columns"]]:
    """Every architecture once, in order of first appearance, with the mean of its rows, measure by measure."""
    rows: dict[Architecture, list[int]] = {}
    for index, architecture in enumerate(evidence.architectures):
        rows.setdefault(architecture, []).append(index)
    if len(rows) == len(evidence.architectures):
        return evidence.architectures, evidence.values
    known = np.isfinite(evidence.values)
    sums = np.stack([np.where(known[row], evidence.values[row], 0).sum(axis=0) for row in rows.values()])
    counts = np.stack([known[row].sum(axis=0) for row in rows.values()])
    return tuple(rows), np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
