"""Which of a few known models is running: the nearest recordings, and a calibrated "none of these".

The question of EZClone (Weiss, Alves, Kundu 2023), with the whole trace where there is one. Suspect and candidates must
have been observed by the same observer on the same machine.

A remote user sees few numbers, and a machine that is slow for a moment is slow in all of them. So what recordings of
one candidate differ by is learned from all candidates, and counts less (as in linear discriminant analysis). Traces are
long and need none of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float
from sklearn.covariance import ledoit_wolf

from archlock.errors import ConfigurationError
from archlock.leaks.features import columns_of, whole
from archlock.leaks.observation import Observation

Distances = Float[np.ndarray, "recordings recordings"]
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
    """A candidate, and how far from it the suspect is: the mean of |log2| of ratios of what was observed (of whole
    calls in coordinates in which noise is alike in all directions)."""

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
    """Mean absolute difference of the logarithms (base 2) of two traces, at least 0, symmetric."""
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
    apart = _distances([*suspect, *(one for known in candidates.values() for one in known)])
    groups = {name: rows + len(suspect) for name, rows in _rows(candidates).items()}
    return _identified(apart(groups), np.arange(len(suspect)), groups)


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
    apart, groups = _distances([one for known in candidates.values() for one in known]), _rows(candidates)
    places, strange = [], []
    for name, rows in groups.items():
        others = {other: known for other, known in groups.items() if other != name}
        for row in rows:
            with_it = {**groups, name: rows[rows != row]}
            ranking = [near.name for near in _identified(apart(with_it), np.array([row]), with_it).ranking]
            places.append(ranking.index(name))
            if len(others) > 1:
                strange.append(not _identified(apart(others), np.array([row]), others).name)
    shares = [float(np.mean([place < first for place in places])) for first in (1, 3)]
    return SelfCheck(shares[0], shares[1], float(np.mean(strange)) if strange else None)


def _identified(apart: Distances, suspect: np.ndarray, groups: Mapping[str, np.ndarray]) -> Identified:
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


def _distances(every: Sequence[Observation]) -> Callable[[Mapping[str, np.ndarray]], Distances]:
    """Distances of all from all, given the numbers of the recordings of each candidate."""
    if len({(bool(one.latencies), bool(one.sizes)) for one in every}) > 1:
        raise ConfigurationError("a suspect and its candidates are of the same observer; got two different ones")
    if every[0].latencies:
        return lambda groups: _of_calls(every, groups)
    found = np.zeros((len(every), len(every)))
    for row, one in enumerate(every):
        for column in range(row):
            found[row, column] = found[column, row] = distance(one, every[column])
    return lambda _: found


def _of_calls(every: Sequence[Observation], groups: Mapping[str, np.ndarray]) -> Distances:
    """As of traces, after what recordings of one candidate differ by is made alike in all directions (on the whole, as
    large as it was). A network that takes fewer sizes of images has the first of the others' calls."""
    lengths = np.array([len(one.latencies) for one in every])
    logs = np.full((len(every), lengths.max()), np.nan)
    for row, one in enumerate(every):
        logs[row, : lengths[row]] = np.log2(np.array(one.latencies) + 1e-9)
    full = [logs[rows] for rows in groups.values() if lengths[rows[0]] == lengths.max() and len(rows) > 1]
    if full:
        noise = [(one - one.mean(0)) * np.sqrt(len(one) / (len(one) - 1)) for one in full]
        covariance = ledoit_wolf(np.concatenate(noise), assume_centered=True)[0] + LEAST**2 * np.eye(lengths.max())
        evened = np.linalg.inv(np.linalg.cholesky(covariance)) * np.sqrt(np.trace(covariance) / lengths.max())
        # Lower triangular: what becomes of the first calls does not depend on the others, which may be missing.
        logs = np.stack([evened[:, :length] @ row[:length] for row, length in zip(logs, lengths, strict=True)])
        logs[np.arange(lengths.max()) >= lengths[:, None]] = np.nan
    apart: Distances = np.nanmean(np.abs(logs[:, None] - logs[None, :]), axis=2)
    apart[lengths[:, None] != lengths[None, :]] += OTHER_LENGTH
    return apart


def _rows(candidates: Mapping[str, Sequence[Observation]]) -> dict[str, np.ndarray]:
    """The numbers of the recordings of each candidate, counted from 0."""
    ends = np.cumsum([len(known) for known in candidates.values()])
    return {name: np.arange(end - len(known), end) for end, (name, known) in zip(ends, candidates.items(), strict=True)}


def _check(candidates: Mapping[str, Sequence[Observation]], *, least: int = 2) -> None:
    few = [name for name, known in candidates.items() if len(known) < least]
    if few or not candidates:
        raise ConfigurationError(
            f"there is at least one candidate, and each has {least} recordings or more; too few: "
            f"{', '.join(few) or 'there is no candidate'}"
        )
