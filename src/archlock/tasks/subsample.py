"""Other splits of a task: what an attacker with little data has, what a training has not seen yet."""

import math
from dataclasses import replace

import numpy as np

from archlock.errors import ConfigurationError, UnsupportedError
from archlock.seeding import rng_for
from archlock.tasks.rows import joined
from archlock.tasks.task import Task

FEW = 3
"""Examples of a class that somebody chooses by at least, if they have as many to train on."""


def subsample(task: Task, examples: int, *, seed: int) -> Task:
    """The task with that many training examples, classes in proportion; validation and test are kept whole.

    Every class keeps at least one example, so the split can be larger than asked for when there are many classes. With
    one seed the draws are nested: fewer examples are a subset of more. All examples or more: the task itself.
    """
    if examples < 1:
        raise ConfigurationError(f"cannot train on {examples} examples; give at least 1")
    if examples >= len(task.train):
        return task
    place = rng_for(seed, "subsample").permutation(len(task.train))
    strata = task.traits.strata(task.train.targets)
    least = 1 if strata is None else len(np.unique(strata))
    share = _place_in_strata(strata, place)
    return _with_rows(task, np.argsort(share, kind="stable")[: max(examples, least)])


def few_of_each(task: Task, shots: int, *, seed: int) -> Task:
    """The task with at most that many training examples of each class; validation and test are kept whole.

    With one seed the draws are nested, and one of each is what :func:`subsample` begins with. A dense task has no
    classes: UnsupportedError.
    """
    if shots < 1:
        raise ConfigurationError(f"cannot train on {shots} examples of each class; give at least 1")
    if not task.traits.has_classes:
        raise UnsupportedError(
            f"{task.name!r} is a {task.kind} task: it has no classes to take {shots} examples of each of"
        )
    place, labels = rng_for(seed, "subsample").permutation(len(task.train)), task.train.targets
    of_each = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return _with_rows(task, np.concatenate([rows[np.argsort(place[rows])][:shots] for rows in of_each]))


def rehearsal(task: Task, shots: int, *, seed: int) -> Task:
    """The task as its owner rehearses an attack by somebody who has few examples of it.

    Of each class ``shots`` training examples to train on and up to FEW more to choose by (of a rare class two thirds of
    what there is to train on), and the whole validation split to judge by. The test split is not in it. A task without
    classes, or one with a single example of each: UnsupportedError.
    """
    few = few_of_each(task, shots + FEW, seed=seed)  # says what is wrong, too
    place, labels = rng_for(seed, "rehearsal").permutation(len(few.train)), few.train.targets
    trained: list[np.ndarray] = []
    chosen: list[np.ndarray] = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(place[rows])]
        own = min(shots, max(1, len(rows) - FEW, 2 * len(rows) // 3))
        trained.append(rows[:own])
        chosen.append(rows[own:])
    to_train, to_choose = np.sort(np.concatenate(trained)), np.sort(np.concatenate(chosen))
    if not len(to_choose):
        raise UnsupportedError(f"{task.name!r} has one training example of each class: nothing is left to choose by")
    return replace(
        task,
        train=few.train.take(to_train),
        validation=few.train.take(to_choose),
        test=task.validation,
        origin=f"{task.origin}; an attack with {shots} of each class, rehearsed",
    )


def subsample_fraction(task: Task, fraction: float, *, seed: int) -> Task:
    """As :func:`subsample`, with a share of the training examples in (0, 1], rounded."""
    if not 0 < fraction <= 1:
        raise ConfigurationError(f"cannot train on the fraction {fraction} of the data; give a number in (0, 1]")
    return subsample(task, max(1, round(fraction * len(task.train))), seed=seed)


def share_of(task: Task, examples: int, *, seed: int) -> Task:
    """What somebody has who owns that many training examples: :func:`subsample`, and their share of the validation."""
    fewer = subsample(task, examples, seed=seed)
    return share_of_validation(fewer, len(fewer.train) / len(task.train), seed=seed)


def share_of_validation(task: Task, fraction: float, *, seed: int) -> Task:
    """The task with at most that fraction in (0, 1] of its validation split, classes in proportion; the rest is kept.

    Of every class at least FEW are left to choose by, or as many as the task has of it to train on, if these are fewer
    (of a dense task: of all images). With one seed the draws are nested. The fraction 1: the task itself.
    """
    if not 0 < fraction <= 1:
        raise ConfigurationError(f"cannot choose by the fraction {fraction} of the data; give a number in (0, 1]")
    if fraction == 1:
        return task
    count = len(task.validation)
    place = rng_for(seed, "validation share").permutation(count)
    many = math.floor(fraction * count + 1e-9)
    labels = task.traits.strata(task.validation.targets)
    owners = task.traits.strata(task.train.targets)
    if labels is None or owners is None:
        kept = place < max(many, min(FEW, len(task.train)))
    else:
        kept = np.zeros(count, dtype=bool)
        kept[np.argsort(_place_in_strata(labels, place), kind="stable")[:many]] = True
        owned = np.bincount(owners, minlength=int(labels.max()) + 1)
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            kept[rows[np.argsort(place[rows])][: min(FEW, owned[label])]] = True
    if kept.all():
        return task
    origin = f"{task.origin}; {kept.sum()} of {count} to choose by"
    return replace(task, validation=task.validation.take(np.flatnonzero(kept)), origin=origin)


def enlarged(task: Task, most: int, *, seed: int) -> tuple[Task, int]:
    """The same task with examples that no training on it saw, for those who train on; and how many these are.

    Four fifths of its validation split, classes in proportion, are there to train on, filled up to ``most`` with
    examples of the training split; the other fifth is for decisions, and the test split is the same. Every class of
    which there is an example can be trained on. Fewer than two examples: ConfigurationError.
    """
    count = len(task.validation)
    if count < 2:
        raise ConfigurationError(f"{task.name!r} has {count} validation example; dividing them takes at least two")
    place = rng_for(seed, "enlarged").permutation(count)
    share = _place_in_strata(task.traits.strata(task.validation.targets), place)
    rows, few = np.argsort(share, kind="stable"), min(count - 1, round(0.8 * count))
    if task.validation.groups is not None:
        rows, few = _by_group(task, rows, few)
    new, validation = (task.validation.take(np.sort(part)) for part in (rows[:few], rows[few:]))
    divided = replace(task, train=new, validation=validation, origin=f"{task.origin}; its validation split, divided")
    if len(new) >= most:
        fewer = subsample(divided, most, seed=seed)
        return fewer, len(fewer.train)
    old = subsample(task, most - len(new), seed=seed).train
    groups = None if new.groups is None else np.concatenate([new.groups, old.groups])
    both = replace(new, images=joined(new.images, old.images), targets=joined(new.targets, old.targets), groups=groups)
    return replace(divided, train=both), len(new)


def _by_group(task: Task, rows: np.ndarray, few: int) -> tuple[np.ndarray, int]:
    """Rows of the validation split, whole groups one after the other, and how many make up about the first ``few``."""
    groups = task.validation.groups
    assert groups is not None
    order = list(dict.fromkeys(groups[rows].tolist()))
    if len(order) < 2:
        raise ConfigurationError(f"{task.name!r} has one group in its validation split; dividing it takes at least two")
    ends = np.cumsum([int((groups == group).sum()) for group in order])[:-1]
    kept = 1 + int(np.argmin(np.abs(ends - few)))
    first = np.isin(groups, order[:kept])
    return np.concatenate([np.flatnonzero(first), np.flatnonzero(~first)]), int(first.sum())


def _with_rows(task: Task, rows: np.ndarray) -> Task:
    """The task with those training examples, in their order."""
    if len(rows) == len(task.train):
        return task
    train, origin = task.train.take(np.sort(rows)), f"{task.origin}; {len(rows)} of {len(task.train)} to train"
    return replace(task, train=train, origin=origin)


def spread(labels: np.ndarray | None, count: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of at most so many of ``count`` examples, ascending: first one of every class, then in proportion."""
    share = _place_in_strata(labels, rng.permutation(count))
    return np.sort(np.argsort(share, kind="stable")[:most])


def _place_in_strata(labels: np.ndarray | None, place: np.ndarray) -> np.ndarray:
    """Where each row comes in a stratified order of all rows: first one of every class, then in proportion.

    Without classes: its place among all.
    """
    if labels is None:
        return place.astype(np.float64)
    share = np.empty(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rank = np.empty(len(rows))
        rank[np.argsort(place[rows])] = np.arange(len(rows))
        share[rows] = np.where(rank == 0, -1.0, (rank + 0.5) / len(rows))
    return share
