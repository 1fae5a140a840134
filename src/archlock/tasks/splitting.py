"""Three fixed splits, stratified by class, from whatever splits the data came with.

The draw is by content: within a class, images are ordered by a hash of the seed and their pixels. So the splits do not
depend on the order of files or rows, byte-identical images of a class stay together where they can (no twin in another
split made here), and the order of every split is random: a prefix is a random subset.
"""

import hashlib
import logging
from collections.abc import Sequence
from functools import partial

import numpy as np
from jaxtyping import Bool, Int64, UInt64

from archlock.errors import TaskError
from archlock.tasks.forms import FORM_WORDS, Form
from archlock.tasks.inspection import inspected
from archlock.tasks.rows import is_stored
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
    form: Form = "image",
    seed: int,
) -> Task:
    """A task with the splits that are given kept as they are, and those that are missing taken out of ``train``.

    ``where`` names the data in error messages. ``remarks`` are what a source noticed: with what is noticed here
    (:func:`archlock.tasks.inspection.inspected`) they become part of the task and of its origin, and are logged as
    warnings. TaskError: fewer than two classes, a class without enough training
    images for the splits to be made, a class that is in another split but not in train, or what the inspection refuses.
    """
    examples = FORM_WORDS[form].many
    if len(classes) < 2:
        raise TaskError(
            f"{where}: one class only ({', '.join(map(repr, classes))}); a task needs at least two, give the "
            f"{examples} of another class as well"
        )
    parts = 1 + (validation is None) + (test is None)
    counts = np.bincount(train.targets, minlength=len(classes))
    for split_name, split in (("validation", validation), ("test", test)):
        _check_known(where, split_name, split, counts, classes, examples)
    short = [f"class {classes[label]!r} has {counts[label]}" for label in np.flatnonzero(counts < parts)]
    if short:
        purpose = {1: "train", 2: "train and one more split", 3: "train, validation and test"}[parts]
        raise TaskError(
            f"{where}: {_few(short)} training {examples}; each class needs at least {parts} ({purpose}): add "
            f"{examples}, or leave the class out"
        )
    refuse_few_groups(where, train, classes, parts, form)
    brought = {"train": train, "validation": validation, "test": test}
    found = inspected(where, {name: split for name, split in brought.items() if split is not None}, classes, form)
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
        form,
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
        choose = _chosen if splits["train"].groups is None else partial(_chosen_groups, splits["train"].groups)
        chosen = choose(strata, keys["train"], share, keep=keep)
        splits[split_name], keys[split_name] = splits["train"].take(chosen), keys["train"][chosen]
        splits["train"], keys["train"] = splits["train"].take(~chosen), keys["train"][~chosen]
        strata = strata[~chosen]
    return {name: _arranged(split, keys[name]) for name, split in splits.items()}


def _check_known(
    where: str, split_name: str, split: Split | None, counts: np.ndarray, classes: tuple[str, ...], examples: str
) -> None:
    if split is None:
        return
    if len(split) == 0:
        raise TaskError(
            f"{where}: the {split_name} split is empty; add {examples} to it, or leave it out to have one made"
        )
    unknown = [repr(classes[label]) for label in np.unique(split.targets) if counts[label] == 0]
    if unknown:
        raise TaskError(
            f"{where}: {split_name} has {examples} of class {_few(unknown)}, train has none; add training {examples} "
            f"of it, or remove it from {split_name}"
        )


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:5]) + (f" and {len(words) - 5} more" if len(words) > 5 else "")


def _keys(split: Split, seed: int) -> UInt64[np.ndarray, "examples 2"]:
    """Two random numbers for each image, functions of its pixels and the seed: for the draw and for the order.

    Of images on disk functions of the hashes of their pixels.
    """
    rows = split.images.digests() if is_stored(split.images) else split.images
    rows = np.ascontiguousarray(rows).reshape(len(split), -1)
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


def _chosen_groups(
    groups: Int64[np.ndarray, " examples"],
    labels: Int64[np.ndarray, " examples"],
    keys: UInt64[np.ndarray, "examples 2"],
    share: float,
    *,
    keep: int,
) -> Bool[np.ndarray, " examples"]:
    """As :func:`_chosen`, of whole groups: of each class one group at least, and at least ``keep`` are kept.

    Groups come in the order of their smallest key. First those that bring a class which was not there yet, beginning
    with the classes of the fewest groups; then as many more as come near the share.
    """
    first = np.lexsort((keys[:, 0], groups))
    ids, begin = np.unique(groups[first], return_index=True)
    order = ids[np.argsort(keys[first[begin], 0], kind="stable")].tolist()
    having = {group: set(labels[groups == group].tolist()) for group in order}
    sizes = {group: int((groups == group).sum()) for group in order}
    left = {label: sum(label in having[group] for group in order) for label in np.unique(labels).tolist()}
    chosen: list[int] = []

    def take(group: int) -> bool:
        if group in chosen or any(left[label] <= keep for label in having[group]):
            return False
        for label in having[group]:
            left[label] -= 1
        chosen.append(group)
        return True

    for label in sorted(left, key=lambda one: (left[one], one)):
        if not any(label in having[group] for group in chosen):
            next((group for group in order if label in having[group] and take(group)), None)
    for group in order:
        if sum(sizes[one] for one in chosen) + sizes[group] / 2 <= share * len(labels):
            take(group)
    return np.isin(groups, chosen)


def refuse_few_groups(
    where: str, train: Split, classes: tuple[str, ...], parts: int, form: Form, *, of_one: bool = False
) -> None:
    """TaskError where a class is in too few groups to be in every split that is to be made."""
    if train.groups is None:
        return
    labels = np.zeros(len(train), dtype=np.int64) if of_one else train.targets
    for label in np.unique(labels):
        count = len(np.unique(train.groups[labels == label]))
        if count < parts:
            of = "the training split has" if of_one else f"class {classes[label]!r} has"
            raise TaskError(
                f"{where}: {of} {FORM_WORDS[form]} of {count} {'group' if count == 1 else 'groups'}, and at least "
                f"{parts} are needed for splits that cut no group; give more groups, or all splits"
            )


def _cut(keys: UInt64[np.ndarray, " rows"], share: float, keep: int) -> int:
    """How many of the ordered keys to give away: near the share, between two images that differ if there are any."""
    most = len(keys) - keep
    wanted = min(max(1, round(share * len(keys))), most)
    cuts = 1 + np.flatnonzero(keys[1:] != keys[:-1])
    cuts = cuts[cuts <= most]
    return int(cuts[np.argmin(np.abs(cuts - wanted))]) if len(cuts) else wanted
