"""A reader taught and judged: on random networks it was not taught by, beside the majority and a shuffled trace."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from archlock.leaks.family_trees import FamilyReader
from archlock.leaks.observation import Observation
from archlock.leaks.operators import CONVOLUTIONS
from archlock.leaks.reader import FittedReader, Lesson, Reading
from archlock.leaks.scores import edit_error, majority, skeleton
from archlock.seeding import rng_for


@dataclass(frozen=True, slots=True)
class Judged:
    """How one trace was read."""

    accuracy: float
    """Share of its rows."""
    convolutions: float | None
    """Share of its rows that are convolutions; None where there is none."""
    edit_error: float
    skeleton_error: float
    kernels: float | None
    """Share of the rows with a kernel of which kernel and stride were read rightly; None where there is none."""


def judge(reading: Reading, lesson: Lesson) -> Judged:
    """What was read against what was there."""
    read, true = [row.kinds for row in reading.rows], lesson.words
    kinds = tuple(one.kind for one in lesson.operators)
    convolutions = [a == b for a, b in zip(read, true, strict=False) if b[0] in CONVOLUTIONS]
    details = [
        (row.kernel, row.stride) == detail
        for row, detail in zip(reading.rows, lesson.details, strict=False)
        if detail is not None
    ]
    return Judged(
        sum(a == b for a, b in zip(read, true, strict=False)) / len(true),
        _share(convolutions),
        edit_error(reading.kinds, kinds),
        edit_error(skeleton(reading.kinds), skeleton(kinds)),
        _share(details),
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """Means over networks that a reader was not taught by."""

    networks: int
    accuracy: float
    convolutions: float | None
    edit_error: float
    skeleton_error: float
    exact: float
    majority_accuracy: float
    majority_error: float
    shuffled_accuracy: float


def check(reader: FittedReader, taught: Sequence[Lesson], unseen: Sequence[Lesson], *, seed: int) -> Checked:
    """Read every unseen network, as it is and shuffled; the majority is that of the lessons."""
    read = reader.read_all([one.observation for one in unseen])
    mixed = reader.read_all([shuffled_observation(one.observation, seed=seed + n) for n, one in enumerate(unseen)])
    judged = [judge(reading, one) for reading, one in zip(read, unseen, strict=True)]
    usual = majority([tuple(word[0] for word in one.words) for one in taught])
    shuffled = [judge(reading, one).accuracy for reading, one in zip(mixed, unseen, strict=True)]
    constant = [
        (sum(word == (usual,) for word in one.words) / len(one.words), _constant_error(usual, one)) for one in unseen
    ]
    convolutions = [one.convolutions for one in judged if one.convolutions is not None]
    return Checked(
        len(unseen),
        _mean([one.accuracy for one in judged]),
        _mean(convolutions) if convolutions else None,
        _mean([one.edit_error for one in judged]),
        _mean([one.skeleton_error for one in judged]),
        _mean([float(one.edit_error == 0) for one in judged]),
        _mean([share for share, _ in constant]),
        _mean([error for _, error in constant]),
        _mean(shuffled),
    )


def check_families(
    reader: FamilyReader, observations: Sequence[Observation], families: Sequence[str]
) -> tuple[float, float]:
    """Shares of networks whose family is the first of the ranking, and among the first three."""
    ranks = [
        [one.family for one in ranking].index(family)
        for ranking, family in zip(reader.rank(observations), families, strict=True)
    ]
    return _mean([float(rank < 1) for rank in ranks]), _mean([float(rank < 3) for rank in ranks])


def shuffled_observation(observation: Observation, *, seed: int) -> Observation:
    """The same rows in a random order."""
    order = rng_for(seed, "shuffled").permutation(len(observation))
    columns = {name: getattr(observation, name) for name in ("seconds", "sizes", "held")}
    return replace(observation, **{name: tuple(c[i] for i in order) for name, c in columns.items() if c})


def _constant_error(usual: str, lesson: Lesson) -> float:
    return edit_error((usual,) * len(lesson.rows), tuple(one.kind for one in lesson.operators))


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
