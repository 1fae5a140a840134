"""Choosing among architectures that are known to keep the source floor, with no training at all.

40 random architectures above the floor are shown, and a rule without trainings picks one. In this comparison the
published evidence was found to know nothing of the target. ``structure`` is ours: no shortcut from input to output,
and little capacity. ``vote`` is the published evidence with the published fitness. ``random`` takes the first.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from archlock.errors import SearchError
from archlock.preferences import copeland
from archlock.ranking import ranks
from archlock.recipes.engine.lock_search import CAPACITY_WEIGHT
from archlock.recipes.evaluate.capacity import capacity_of
from archlock.search import published_scores
from archlock.spaces import Architecture
from archlock.tables import RecordedEvidence

KNOWN_FEASIBLE = 40


@dataclass(frozen=True, slots=True)
class AmongFeasible:
    """A :class:`~archlock.recipes.evaluate.method.RecordedMethod` that needs ``evidence.known_feasible``."""

    rule: Literal["structure", "vote", "random"] = "structure"

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:  # noqa: ARG002
        """The architecture that the rule prefers; SearchError if none is known to keep the floor."""
        if not evidence.known_feasible:
            raise SearchError(
                "this method chooses among architectures that are known to keep the floor, and got none; give some as "
                "archlock.tables.open_pair(..., known_feasible=...)"
            )
        if self.rule == "random":
            return evidence.known_feasible[0]
        scores = _by_structure(evidence) if self.rule == "structure" else _by_vote(evidence)
        return evidence.known_feasible[int(np.argmax(scores))]


def _by_structure(evidence: RecordedEvidence) -> Float[np.ndarray, " feasible"]:
    places = {architecture: row for row, architecture in enumerate(evidence.architectures)}
    rows = [places[architecture] for architecture in evidence.known_feasible]
    capacity = capacity_of(evidence, evidence.architectures, evidence.source)[rows]
    open_shortcut = evidence.space.shortest_path(evidence.known_feasible) == 0
    return np.asarray(-(open_shortcut + CAPACITY_WEIGHT * capacity))


def _by_vote(evidence: RecordedEvidence) -> Float[np.ndarray, " feasible"]:
    votes = []
    for task in (evidence.source, *evidence.others):
        names = evidence.proxies(task)
        measured = [evidence.proxy(task, name, evidence.known_feasible) for name in names]
        votes.append(ranks(copeland(np.stack(measured, axis=1))) if names else np.zeros(len(evidence.known_feasible)))
    return published_scores(votes[0], np.stack(votes[1:]) if votes[1:] else np.zeros((0, len(votes[0]))))
