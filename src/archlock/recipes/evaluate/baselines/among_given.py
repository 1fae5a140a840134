"""Choosing among architectures that are known to keep the source floor, with no training at all.

The comparison in which the published evidence was found to know nothing of the target: 40 feasible architectures are
given, and a rule without trainings picks one. ``structure`` is ours: no shortcut from input to output, and little
capacity. ``vote`` is the published evidence with the published fitness. ``random`` takes the first.
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

GIVEN = 40


@dataclass(frozen=True, slots=True)
class AmongGiven:
    """A :class:`~archlock.recipes.evaluate.method.RecordedMethod` that needs ``evidence.given``."""

    rule: Literal["structure", "vote", "random"] = "structure"

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:  # noqa: ARG002
        """The given architecture that the rule likes best; SearchError if none was given."""
        if not evidence.given:
            raise SearchError(
                "there is nothing to choose among: this method is given architectures that keep the floor"
            )
        if self.rule == "random":
            return evidence.given[0]
        scores = _by_structure(evidence) if self.rule == "structure" else _by_vote(evidence)
        return evidence.given[int(np.argmax(scores))]


def _by_structure(evidence: RecordedEvidence) -> Float[np.ndarray, " given"]:
    places = {architecture: row for row, architecture in enumerate(evidence.architectures)}
    rows = [places[architecture] for architecture in evidence.given]
    capacity = capacity_of(evidence, evidence.architectures, evidence.source)[rows]
    open_shortcut = evidence.space.shortest_path(evidence.given) == 0
    return np.asarray(-(open_shortcut + CAPACITY_WEIGHT * capacity))


def _by_vote(evidence: RecordedEvidence) -> Float[np.ndarray, " given"]:
    votes = []
    for task in (evidence.source, *evidence.others):
        names = evidence.proxies(task)
        measured = [evidence.proxy(task, name, evidence.given) for name in names]
        votes.append(ranks(copeland(np.stack(measured, axis=1))) if names else np.zeros(len(evidence.given)))
    return published_scores(votes[0], np.stack(votes[1:]) if votes[1:] else np.zeros((0, len(votes[0]))))
