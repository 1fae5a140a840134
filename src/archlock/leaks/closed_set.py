"""Which of a few known models is running: the nearest recordings, and a calibrated "none of these".

The question of EZClone (Weiss, Alves, Kundu 2023), with the whole trace where there is one. Suspect and candidates must
have been observed by the same observer on the same machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError
from archlock.leaks.features import columns_of, whole
from archlock.leaks.observation import Observation

OTHER_LENGTH: Final = 4.0
"""Added where traces are of different lengths: more than noise ever makes."""
LEAST: Final = 0.02
"""Below this distance (1.4 % in every number) traces are never called different."""
SHARE: Final = 0.95
"""Of a candidate's own recordings that are to be within the limit."""
MARGIN: Final = 2.0
"""Times what recordings of one candidate differ by: farther is none of these, however far apart candidates are."""


@dataclass(frozen=True, slots=True)
class Near:
    """A candidate, and how far from it the suspect is: the mean of |log2| of ratios of what was observed."""

    name: str
    distance: float


@dataclass(frozen=True, slots=True)
class Identified:
    """What was found."""

    ranking: tuple[Near, ...]
    """The nearest first."""
    limit: float
    """Above it the suspect is none of these."""
    separated: bool
    """Whether candidates are farther from each other than from themselves; else a tie is called by chance."""

    @property
    def name(self) -> str:
        """The candidate that it is; empty for none of these."""
        nearest = self.ranking[0]
        return nearest.name if nearest.distance <= self.limit else ""


def distance(one: Observation, other: Observation) -> float:
    """Mean absolute difference of the logarithms (base 2) of what was observed, at least 0, symmetric."""
    if bool(one.latencies) != bool(other.latencies) or bool(one.sizes) != bool(other.sizes):
        raise ConfigurationError("a suspect and its candidates are of the same observer; got two different ones")
    if one.latencies:
        left, right = np.log2(np.array(one.latencies) + 1e-9), np.log2(np.array(other.latencies) + 1e-9)
        common = min(len(left), len(right))
        apart = 0.0 if len(left) == len(right) else OTHER_LENGTH
        return apart + float(np.abs(left[:common] - right[:common]).mean())
    if len(one) != len(other):
        return OTHER_LENGTH + float(np.abs(whole(one) - whole(other)).mean())
    return float(np.abs(columns_of(one) - columns_of(other)).mean())


def identify(suspect: Sequence[Observation], candidates: Mapping[str, Sequence[Observation]]) -> Identified:
    """The candidates by their distance (median over all pairs of recordings) from the suspect.

    The limit lies between what the recordings of one candidate differ by and what different candidates differ by, on a
    logarithmic scale, but at twice the former at most; where these overlap, at the former. Each candidate needs two
    recordings.
    """
    _check(candidates)
    if not suspect:
        raise ConfigurationError("a suspect has at least one recording; got none")
    apart, groups = _pairwise([*suspect, *(one for known in candidates.values() for one in known)], candidates)
    groups = {name: rows + len(suspect) for name, rows in groups.items()}
    return _identified(apart, np.arange(len(suspect)), groups)


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """How well candidates are told apart by their own recordings, each left out in turn."""

    top1: float
    """Share of recordings whose candidate is the nearest."""
    top3: float
    strangers: float | None
    """Share of recordings that are called none of these when their candidate is not among them; None for fewer than
    three candidates."""


def self_check(candidates: Mapping[str, Sequence[Observation]]) -> SelfCheck:
    """Identify every recording of every candidate, with and without the candidate among the others. Each needs three
    recordings, so that two are left."""
    _check(candidates, least=3)
    apart, groups = _pairwise([one for known in candidates.values() for one in known], candidates)
    places, strange = [], []
    for name, rows in groups.items():
        others = {other: known for other, known in groups.items() if other != name}
        for row in rows:
            with_it = {**groups, name: rows[rows != row]}
            ranking = [near.name for near in _identified(apart, np.array([row]), with_it).ranking]
            places.append(ranking.index(name))
            if len(others) > 1:
                strange.append(not _identified(apart, np.array([row]), others).name)
    shares = [float(np.mean([place < first for place in places])) for first in (1, 3)]
    return SelfCheck(shares[0], shares[1], float(np.mean(strange)) if strange else None)


def _identified(
    apart: Float[np.ndarray, "recordings recordings"], suspect: np.ndarray, groups: Mapping[str, np.ndarray]
) -> Identified:
    within = [
        float(np.median(apart[row, rows[rows != row]])) for rows in groups.values() for row in rows if len(rows) > 1
    ]
    to_each = np.stack([np.median(apart[:, rows], axis=1) for rows in groups.values()], axis=1)
    between = [
        value
        for place, rows in enumerate(groups.values())
        for value in np.delete(to_each[rows], place, axis=1).min(axis=1, initial=np.inf).tolist()
        if len(groups) > 1
    ]
    own = max(float(np.quantile(within, SHARE)), LEAST)
    nearest = float(np.quantile(between, 1 - SHARE)) if between else 4 * own
    limit = min(float(np.sqrt(own * nearest)), MARGIN * own) if nearest > own else own
    found = [Near(name, float(np.median(apart[np.ix_(suspect, rows)]))) for name, rows in groups.items()]
    return Identified(tuple(sorted(found, key=lambda near: (near.distance, near.name))), limit, nearest > own)


def _pairwise(
    every: Sequence[Observation], candidates: Mapping[str, Sequence[Observation]]
) -> tuple[Float[np.ndarray, "recordings recordings"], dict[str, np.ndarray]]:
    """Distances of all from all, and the numbers of the recordings of each candidate, counted from 0."""
    apart = np.zeros((len(every), len(every)))
    for row, one in enumerate(every):
        for column in range(row):
            apart[row, column] = apart[column, row] = distance(one, every[column])
    ends = np.cumsum([len(known) for known in candidates.values()])
    return apart, {
        name: np.arange(end - len(known), end) for end, (name, known) in zip(ends, candidates.items(), strict=True)
    }


def _check(candidates: Mapping[str, Sequence[Observation]], *, least: int = 2) -> None:
    few = [name for name, known in candidates.items() if len(known) < least]
    if few or not candidates:
        raise ConfigurationError(
            f"there is at least one candidate, and each has {least} recordings or more; too few: "
            f"{', '.join(few) or 'there is no candidate'}"
        )
