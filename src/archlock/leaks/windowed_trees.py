"""Extremely randomised trees on a window of operators: the default reader.

Each operator is classified by its own numbers and those of its neighbours; a second forest sees in addition what the
first one thinks of the neighbours (auto-context, Tu and Bai, PAMI 2010), where networks that it was not taught by were
read. Trees: Geurts, Ernst, Wehenkel, "Extremely randomized trees", Machine Learning 2006.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from jaxtyping import Float

from archlock.leaks.features import windowed
from archlock.leaks.observation import Observation
from archlock.leaks.reader import FittedReader, Lesson, Read, Reader, Reading

TREES: Final = 100
FOLDS: Final = 3
RULED_OUT: Final = 0.05
"""Less likely than this, a kernel and stride are ruled out."""
_REACH: Final = 3


class WindowedTrees(Reader):
    """See the module."""

    name = "windowed_trees"
    summary = "extremely randomised trees on each operator and its neighbours"
    paper = "Geurts, Ernst, Wehenkel 2006"

    def fit(self, lessons: Sequence[Lesson], *, seed: int) -> FittedReader:
        """See :meth:`Reader.fit`."""
        rows = [windowed(lesson.observation) for lesson in lessons]
        words = [lesson.words for lesson in lessons]
        vocabulary = sorted({word for one in words for word in one})
        labels = [np.array([vocabulary.index(word) for word in one]) for one in words]
        first = _forest(rows, labels, len(vocabulary), seed)
        fold = np.arange(len(lessons)) % FOLDS
        guesses: list[Any] = [None] * len(lessons)
        for held in range(min(FOLDS, len(lessons))):
            taught = [i for i in range(len(lessons)) if fold[i] != held] or list(range(len(lessons)))
            some = [[column[i] for i in taught] for column in (rows, labels)]
            forest = _forest(some[0], some[1], len(vocabulary), seed + 1 + held, trees=TREES // 2)
            left = np.flatnonzero(fold == held).tolist()
            for i, guess in zip(left, _each(forest, [rows[i] for i in left]), strict=True):
                guesses[i] = guess
        wider = [np.concatenate([row, _around(guess)], 1) for row, guess in zip(rows, guesses, strict=True)]
        second = _forest(wider, labels, len(vocabulary), seed + FOLDS + 1)
        details, detailed = _details(lessons, rows, seed)
        fitted = _Fitted(vocabulary, first, second, details, detailed)
        right = second(np.concatenate(wider)).argmax(1) == np.concatenate(labels)
        fitted.training_accuracy = float(right.mean())
        return fitted


class _Fitted(FittedReader):
    def __init__(
        self, vocabulary: list[tuple[str, ...]], first: "_Forest", second: "_Forest", details: Any, detailed: Any
    ) -> None:
        self.vocabulary, self.first, self.second = vocabulary, first, second
        self.details, self.detailed = details, detailed

    def read(self, observation: Observation) -> Reading:
        """See :meth:`FittedReader.read`."""
        return self.read_all([observation])[0]

    def read_all(self, observations: Sequence[Observation]) -> tuple[Reading, ...]:
        """See :meth:`FittedReader.read_all`: each forest is asked once."""
        if not observations:
            return ()
        rows = [windowed(one) for one in observations]
        guesses = _each(self.first, rows)
        wider = np.concatenate(
            [np.concatenate([row, _around(guess)], 1) for row, guess in zip(rows, guesses, strict=True)]
        )
        read = [Read(self.vocabulary[word]) for word in self.second(wider).argmax(1)]
        if self.detailed is not None:
            for number, chance in enumerate(self.detailed(np.concatenate(rows))):
                if read[number].kinds[0].startswith(("conv", "depthwise", "grouped", "pool")):
                    kernel, stride = self.details[int(chance.argmax())]
                    likely = max(1, int((chance >= RULED_OUT).sum()))
                    read[number] = Read(read[number].kinds, kernel, stride, likely)
        ends = np.cumsum([0, *map(len, rows)]).tolist()
        return tuple(Reading(tuple(read[start:end])) for start, end in pairwise(ends))


class _Forest:
    """Trees, and the classes they know among all."""

    def __init__(self, trees: Any, classes: int) -> None:
        self.trees, self.classes = trees, classes

    def __call__(self, rows: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows classes"]:
        """How likely each class is."""
        found = np.zeros((len(rows), self.classes))
        found[:, self.trees.classes_] = self.trees.predict_proba(rows)
        return found


def _forest(rows: list[Any], labels: list[Any], classes: int, seed: int, *, trees: int | None = None) -> _Forest:
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(trees or TREES, random_state=seed % 2**32, n_jobs=1)
    return _Forest(forest.fit(np.concatenate(rows).astype(np.float32), np.concatenate(labels)), classes)


def _each(forest: _Forest, rows: Sequence[Any]) -> list[Any]:
    """What a forest thinks of the rows of each network; it is asked once, which costs as much as asking of one."""
    return np.split(forest(np.concatenate(rows)), np.cumsum([len(one) for one in rows])[:-1])


def _around(guess: Float[np.ndarray, "rows classes"]) -> Float[np.ndarray, "rows features"]:
    """What is thought of each row and of its neighbours."""
    padded = np.pad(guess, ((_REACH, _REACH), (0, 0)))
    return np.concatenate([padded[shift : shift + len(guess)] for shift in range(2 * _REACH + 1)], 1)


def _details(lessons: Sequence[Lesson], rows: list[Any], seed: int) -> tuple[list[tuple[int, int]], _Forest | None]:
    """Kernels and strides there are, and a forest that tells them of the rows that have one."""
    every = [lesson.details for lesson in lessons]
    known = sorted({one for details in every for one in details if one is not None})
    if not known:
        return [], None
    kept = [np.array([one is not None for one in details]) for details in every]
    labels = [np.array([known.index(one) for one in details if one is not None], dtype=int) for details in every]
    taken = [row[keep] for row, keep in zip(rows, kept, strict=True)]
    return known, _forest(taken, labels, len(known), seed)
