"""The decision: which architecture is the lock, from evidence on the source and on targets the search may know.

Nothing here can reach a sealed target: no argument carries one. What comes out is a :class:`Decision`, and only the
``Choice`` in it opens the seals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.adaptation import FINE_TUNE, PROBE, SOURCE
from archlock.errors import SearchError
from archlock.evidence import Key, Measurement
from archlock.search import SourceFloor
from archlock.spaces import Architecture
from archlock.recipes.gathering import Subjects


@dataclass(frozen=True, slots=True)
class Finalist:
    """An architecture that was trained at full size on the source, judged on validation splits alone."""

    architecture: Architecture
    source_validation: float
    per_target: dict[str, float]
    """What an attacker gained on each known target: the better of probe and short fine-tuning."""

    @property
    def target_gain(self) -> float:
        """Mean gain over the known targets; 0 when there are none."""
        return float(np.mean(list(self.per_target.values()))) if self.per_target else 0.0


def finalists_of(
    architectures: Sequence[Architecture], subjects: Subjects, known: Mapping[Key, Measurement], *, seed: int
) -> tuple[Finalist, ...]:
    """The finalists whose training on the source succeeded."""
    found = []
    for architecture in architectures:
        values = {
            (task.fingerprint, measure): known[key].value
            for (task, measure), key in zip(subjects.wanted(), subjects.keys(architecture, seed), strict=True)
            if known[key].status == "valid"
        }
        source = values.get((subjects.source.fingerprint, SOURCE))
        if source is None:
            continue
        gains = {
            name: max(values.get((task.fingerprint, measure), -np.inf) for measure in (PROBE, FINE_TUNE))
            for name, task in subjects.targets.items()
        }
        found.append(Finalist(architecture, source, {name: g for name, g in gains.items() if np.isfinite(g)}))
    if not found:
        raise SearchError("the training on the source diverged for every finalist; look at the data or lower --width")
    return tuple(found)


def choose(
    finalists: Sequence[Finalist], floor: SourceFloor, percentiles: Mapping[Architecture, float]
) -> tuple[Finalist, Finalist]:
    """(locked, source-only): the best on the source, and the one that gives least away among those above the floor.

    A floor in accuracy is measured from the source-only finalist; one in percentiles reads the predicted source
    percentile of each finalist. Ties go to the better source accuracy.
    """
    source_only = max(finalists, key=lambda f: (f.source_validation, f.architecture.code))
    kept = [f for f in finalists if f is source_only or _keeps(f, source_only, floor, percentiles)]
    locked = min(kept, key=lambda f: (f.target_gain, -f.source_validation, f.architecture.code))
    return locked, source_only


def _keeps(
    finalist: Finalist, source_only: Finalist, floor: SourceFloor, percentiles: Mapping[Architecture, float]
) -> bool:
    if floor.kind == "accuracy_loss":
        return finalist.source_validation >= source_only.source_validation - floor.value
    return percentiles[finalist.architecture] >= floor.value
