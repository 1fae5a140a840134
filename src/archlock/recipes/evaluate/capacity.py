"""How capable an architecture looks without any training: its size, and proxies of the task where they are recorded."""

from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.preferences import normal_scores
from archlock.spaces import Architecture
from archlock.tables import RecordedEvidence

GOOD_PROXIES: Final = ("nwot", "synflow", "zen")
"""Proxies that agree best with full trainings in published comparisons."""
FEWEST_RECORDED: Final = 0.9
"""Share of the table that a proxy must be recorded for."""


def capacity_of(
    evidence: RecordedEvidence, architectures: tuple[Architecture, ...], task: str
) -> Float[np.ndarray, " architectures"]:
    """Mean normal score of the size and of the good proxies of the task, for every one of these architectures."""
    scores = [normal_scores(evidence.space.relative_cost(architectures))]
    for name in (name for name in GOOD_PROXIES if name in evidence.proxies(task)):
        values = evidence.proxy(task, name, architectures)
        if np.isfinite(values).mean() >= FEWEST_RECORDED:
            scores.append(normal_scores(np.where(np.isfinite(values), values, np.nanmedian(values))))
    return np.asarray(np.mean(scores, axis=0))
