"""Other scores of tasks with classes: where classes are of unequal size, or where examples come in groups.

Groups are recordings, patients: examples that belong together and stand or fall together. Then the answer for a group
is the class that most of its examples get (of equally many the first one), as in NAS-Bench-360's ECG task (Tu et al.
2022).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64

from archlock.errors import ConfigurationError, UnsupportedError


def accuracy(answers: Int64[np.ndarray, " n"], labels: Int64[np.ndarray, " n"]) -> float:
    """The share of right answers."""
    return float((answers == labels).mean())


def balanced_accuracy(answers: Int64[np.ndarray, " n"], labels: Int64[np.ndarray, " n"]) -> float:
    """The mean over the classes that there are of the share of right answers; as scikit-learn has it."""
    return float(np.mean([(answers[labels == label] == label).mean() for label in np.unique(labels)]))


def macro_f1(answers: Int64[np.ndarray, " n"], labels: Int64[np.ndarray, " n"]) -> float:
    """The mean of 2 TP / (2 TP + FP + FN) over the classes that there are, or that were answered; as scikit-learn."""
    found = []
    for label in np.union1d(labels, answers):
        said, there = answers == label, labels == label
        found.append(2 * (said & there).sum() / (said.sum() + there.sum()))
    return float(np.mean(found))


@dataclass(frozen=True, slots=True)
class Score:
    """A score of answers."""

    words: str
    of: Callable[[np.ndarray, np.ndarray], float]
    """Of answered classes and the right ones."""


SCORES: Final[Mapping[str, Score]] = {
    "accuracy": Score("accuracy", accuracy),
    "balanced_accuracy": Score("balanced accuracy", balanced_accuracy),
    "macro_f1": Score("macro F1", macro_f1),
}


@dataclass(frozen=True, slots=True)
class Scoring:
    """How the answers of a model are scored where that is not by the share of right ones; born valid."""

    name: str = "accuracy"
    by_group: bool = False

    def __post_init__(self) -> None:
        if self.name not in SCORES:
            raise ConfigurationError(f"unknown score {self.name!r}; known: {', '.join(SCORES)}")

    @property
    def words(self) -> str:
        """``macro F1 by group``."""
        return f"{SCORES[self.name].words}{' by group' if self.by_group else ''}"

    def of(
        self,
        answers: Int64[np.ndarray, " n"],
        labels: Int64[np.ndarray, " n"],
        groups: Int64[np.ndarray, " n"] | None,
    ) -> float:
        """Of answered classes and the right ones, in [0, 1]."""
        if self.by_group and groups is not None:
            answers, labels = majority(answers, groups), majority(labels, groups)
        return SCORES[self.name].of(answers, labels)

    def chance(self, labels: Int64[np.ndarray, " n"], groups: Int64[np.ndarray, " n"] | None) -> float:
        """What the best constant answer scores."""
        return max(self.of(np.full_like(labels, label), labels, groups) for label in np.unique(labels))


def majority(values: Int64[np.ndarray, " n"], groups: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " groups"]:
    """The commonest value of every group, in the order of the groups' numbers; of equally common ones the smallest."""
    _, row = np.unique(groups, return_inverse=True)
    counts = np.zeros((row.max() + 1, values.max() + 1), dtype=np.int64)
    np.add.at(counts, (row, values), 1)
    found: np.ndarray = counts.argmax(axis=1)
    return found


def check_groups(labels: Int64[np.ndarray, " n"], groups: Int64[np.ndarray, " n"] | None, where: str) -> None:
    """UnsupportedError where answers cannot be counted by group: there are none, or one has several classes."""
    if groups is None:
        raise UnsupportedError(
            f"{where}: the data say of no example which group it is in, so there is no score by group; name the groups "
            "in group_train and the like, or with FILE.npz?group=NAME"
        )
    _, row = np.unique(groups, return_inverse=True)
    several = np.unique(groups[labels != majority(labels, groups)[row]])
    if len(several):
        raise UnsupportedError(
            f"{where}: {len(several)} groups hold examples of several classes, so a group has no right answer; score "
            "every example by itself"
        )
