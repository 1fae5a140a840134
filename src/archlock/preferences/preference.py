"""What a preference is: who is better on a task, as a difference of scores.

The released ArchLock predictor answers for ordered pairs and is neither antisymmetric nor transitive. Here a preference
between A and B is score(A) - score(B): both by construction, and N scores instead of N x N answers.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from archlock.preferences.evidence_table import EvidenceTable
from archlock.spaces import Architecture, Space


class Preference(ABC):
    """A score of architectures on tasks, made from evidence."""

    tasks: tuple[str, ...]
    """Names of the tasks, in the order of the rows of :meth:`scores`."""

    @abstractmethod
    def scores(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "tasks architectures"]:
        """Score of every architecture on every task: finite, higher is better, comparable within a task only."""


@runtime_checkable
class PreferenceMaker(Protocol):
    """What the catalog ``archlock.preferences.PREFERENCES`` holds: evidence in, preference out."""

    def __call__(
        self,
        evidence: EvidenceTable,
        space: Space,
        *,
        embeddings: Mapping[str, Float[np.ndarray, " dimensions"]] | None = None,
        seed: int = 0,
    ) -> Preference:
        """Preference of the architectures of ``space`` by what ``evidence`` says.

        ``embeddings`` (task -> vector) is used by the members that know tasks by their embedding, and makes them score
        every embedded task; the others ignore it and score the tasks of the evidence.
        """
        ...
