"""The first stage: which family of designs a network is of, from quantiles, counts and ratios of the whole observation.

The compact families differ in what they do to memory and arithmetic, so a few ratios tell them apart (DeepPeep, Jha et
al. 2020, of GPUs; here trees on whatever the observer sees).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from archlock.leaks.features import whole
from archlock.leaks.observation import Observation

TREES: Final = 300


@dataclass(frozen=True, slots=True)
class Likely:
    """One family, and how likely it is to be the one."""

    family: str
    probability: float


class FamilyReader:
    """Ranks the families that it was taught."""

    def __init__(self, observations: Sequence[Observation], families: Sequence[str], *, seed: int) -> None:
        from sklearn.ensemble import ExtraTreesClassifier

        rows = _rows(observations, max(len(whole(one)) for one in observations))
        self._width = rows.shape[1]
        self._trees: Any = ExtraTreesClassifier(TREES, random_state=seed % 2**32, n_jobs=1)
        self._trees.fit(rows, np.array(families))

    def rank(self, observations: Sequence[Observation]) -> tuple[tuple[Likely, ...], ...]:
        """Of each observation every family, the likeliest first; among equals by name."""
        return tuple(self._ranked(chances) for chances in self._trees.predict_proba(_rows(observations, self._width)))

    def _ranked(self, chances: np.ndarray) -> tuple[Likely, ...]:
        found = [Likely(str(name), float(chance)) for name, chance in zip(self._trees.classes_, chances, strict=True)]
        return tuple(sorted(found, key=lambda one: (-one.probability, one.family)))


def _rows(observations: Sequence[Observation], width: int) -> Any:
    """One row each; a network that takes one size of images has fewer latencies, the missing are -1."""
    rows = np.full((len(observations), width), -1.0, np.float32)
    for row, observation in zip(rows, observations, strict=True):
        values = whole(observation)[:width]
        row[: len(values)] = values
    return rows
