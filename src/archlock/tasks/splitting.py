"""Three fixed splits, stratified by class, from whatever splits the data came with.

The draw is by content: within a class, images are ordered by a hash of the seed and their pixels. So the splits do not
depend on the order of files or rows, byte-identical images of a class stay together where they can (no twin in another
split made here), and the order of every split is random: a prefix is a random subset.
"""

import hashlib
import logging
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int64, UInt64

from archlock.errors import TaskError
from archlock.tasks.inspection import inspected
from archlock.tasks.task import Split, Task

LOG = logging.getLogger("archlock.tasks")
"""Where remarks on data go: to the standard error stream, unless a program says otherwise."""

SHARE = 0.2
"""Share of all given training images that becomes validation, and of those that become test if none is given."""


def classification_task(
    name: str,
    classes: tuple[str, ...],
    train: Split,
    validation: Split | None,
    test: Split | None,
    *,
    where: str,
    origin: str,
    skipped: tuple[str, ...] = (),
    stored_side: int | None = None,
    remarks: Sequence[str] = (),
    seed: int,
) -> Task:
    """A task with the splits that are given kept as they are, and those that are missing taken out of ``train``.

    ``where`` names the data in error messages. ``remarks`` are what a source noticed: with what is noticed here
    (:func:`archlock.tasks.inspection.inspected`) they become part of the task and of its origin, and are logged as
    warnings. TaskError: fewer than two classes, a class without enough training
    images for the splits to be made, a class that is in another split but not in train, or what the inspection refuses.
    """
    if len(classes) < 2:
        raise TaskError(
            f"{where}: one class only ({', '.join(map(repr, classes))}); a task needs at least two, give the images of "
            "another class as well"
        )
    parts = 1 + (validation is None) + (test is None)
    counts = np.bincount(train.targets, minlength=len(classes))
    for split_name, split in (("validation", validation), ("test", test)):
        _check_known(where, split_name, split, counts, classes)
    short = [f"class {classes[label]!r} has {counts[label]}" for label in np.flatnonzero(counts < parts)]
    if short:
        purpose = {1: "train", 2: "train and one more split", 3: "train, validation and test"}[parts]
        raise TaskError(
            f"{where}: {_few(short)} training images; each class needs at least {parts} ({purpose}): add images, or "
            "leave the class out"
        )
    brought = {"train": train, "validation": validation, "test": test}
    found = inspected(where, {name: split for name, split in brought.items() if split is not None}, classes)
    remarks = (*remarks, *found)
    arranged = drawn_splits(train, validation, test, train.targets, seed=seed)
    for remark in remarks:
        LOG.warning("%s: %s", where, remark)
    return Task(
        name,
        "classification",
        classes,
        arranged["train"],
        arranged["validation"],
        arranged["test"],
        "; ".join((origin, *remarks)),
        skipped,
        stored_side,
        remarks,
    )


def drawn_splits(
    train: Split, validation: Split | None, test: Split | None, strata: Int64[np.ndarray, " examples"], *, seed: int
) -> dict[str, Split]:
    """All three splits, arranged: those that are missing are drawn from ``train``, a share of each stratum."""
    keys, splits = {"train": _keys(train, seed)}, {"train": train}
    for split_name, given in (("test", test), ("validation", validation)):
        if given is not None:
            splits[split_name], keys[split_name] = given, _keys(given, seed)
            continue
        # of what is left of train, so that a fifth of all is given away each time
        share = SHARE / (1 - SHARE) if split_name == "validation" and test is None else SHARE
        keep = 2 if split_name == "test" and validation is None else 1
        chosen = _chosen(strata, keys["train"], share, keep=keep)
        splits[split_name], keys[split_name] = splits["train"].take(chosen), keys["train"][chosen]
        splits["train"], keys["train"] = splits["train"].take(~chosen), keys["train"][~chosen]
        strata = strata[~chosen]
    return {name: _arranged(split, keys[name]) for name, split in splits.items()}


def _check_known(
    where: str, split_name: str, split: Split | None, counts: np.ndarray, classes: tuple[str, ...]
) -> None:
    if split is None:
        return
    if len(split) == 0:
        raise TaskError(f"{where}: the {split_name} split is empty; add images to it, or leave it out to have one made")
    unknown = [repr(classes[label]) for label in np.unique(split.targets) if counts[label] == 0]
    if unknown:
        raise TaskError(
            f"{where}: {split_name} has images of class {_few(unknown)}, train has none; add training images of it, or "
            f"remove it from {split_name}"
        )


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:5]) + (f" and {len(words) - 5} more" if len(words) > 5 else "")


def _keys(split: Split, seed: int) -> UInt64[np.ndarray, "examples 2"]:
    """Two random numbers for each image, functions of its pixels and the seed: for the draw and for the order."""
    rows = np.ascontiguousarray(split.images).reshape(len(split), -1)
    secret = f"archlock split {seed}".encode()
    digests = b"".join(hashlib.blake2b(row.data, digest_size=16, key=secret).digest() for row in rows)
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def _arranged(split: Split, keys: UInt64[np.ndarray, "examples 2"]) -> Split:
    ties = split.targets if split.targets.ndim == 1 else np.arange(len(split))  # of the same image
    return split.take(np.lexsort((ties, keys[:, 0], keys[:, 1])))


def _chosen(
    labels: Int64[np.ndarray, " examples"], keys: UInt64[np.ndarray, "examples 2"], share: float, *, keep: int
) -> Bool[np.ndarray, " examples"]:
    """Which rows to give away: a share of each class, at least one, and at least ``keep`` are kept."""
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(keys[rows, 0], kind="stable")]
        chosen[rows[: _cut(keys[rows, 0], share, keep)]] = True
    return chosen


def _cut(keys: UInt64[np.ndarray, " rows"], share: float, keep: int) -> int:
    """How many of the ordered keys to give away: near the share, between two images that differ if there are any."""
    most = len(keys) - keep
    wanted = min(max(1, round(share * len(keys))), most)
    cuts = 1 + np.flatnonzero(keys[1:] != keys[:-1])
    cuts = cuts[cuts <= most]
    return int(cuts[np.argmin(np.abs(cuts - wanted))]) if len(cuts) else wanted
