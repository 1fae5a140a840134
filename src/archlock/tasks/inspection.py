"""What may be wrong with images that are all there: blank ones, hardly any contrast, the same ones in two splits.

What makes a task meaningless is a TaskError. What only may be a mistake is a remark: a sentence that the owner is
shown and that stands in every report.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.forms import FORM_WORDS, Form, FormWords
from archlock.tasks.moments import rows_not_finite
from archlock.tasks.rows import digests_of, parts_of, ranges_of, taken
from archlock.tasks.task import Split

BLANK_SHARE = 0.01
"""Share of images of one value from which on it is said."""

LEAST_CONTRAST = 32
"""Levels of 255 that all but two thousandths of the pixels should spread over."""

FEW_TWINS, TWIN_SHARE, COPIED_SHARE = 2, 0.01, 0.1
"""Images of a split that may be in one before it, or under two classes, without a word: so many, or that share. Copies
within the training split that are left alone."""

SAMPLED = 2000
"""Images by which the contrast of a split is judged, at most."""

CAUSE = "were the values scaled twice, cut to whole numbers before they were scaled, or are they a mask?"


def inspected(
    where: str, splits: Mapping[str, Split], classes: tuple[str, ...], form: Form = "image"
) -> tuple[str, ...]:
    """Remarks on the splits that the data came with.

    Without ``classes`` nothing is said of them. TaskError: every pixel of a split has one value (of measured values: a
    channel of the training split), or two splits hold the same images. ``where`` names the data.
    """
    words, remarks = FORM_WORDS[form], list[str]()
    for name, split in splits.items():
        if split.measured:
            remarks += _on_measured(where, name, split, words)
        else:
            remarks += _on_levels(where, name, split, classes)
    return (*remarks, *_on_twins(where, splits, classes, words))


def _on_measured(where: str, name: str, split: Split, words: FormWords) -> list[str]:
    """Channels without variation, and examples without."""
    if len(split) == 0:
        return []
    bad = rows_not_finite(split.images)
    if len(bad):
        raise TaskError(
            f"{where}: {len(bad)} of {len(split)} {name} {words} hold NaN or an infinity, the first is row {bad[0]}; "
            f"leave them out or give them numbers (where NaN fills up shorter {words}, cut or pad them to one length)"
        )
    low, high = split.images.min(axis=(1, 2)), split.images.max(axis=(1, 2))
    constant = np.flatnonzero(low.min(axis=0) == high.max(axis=0))
    if len(constant) and name == "train":
        first, count = constant[0], split.images.shape[3]
        raise TaskError(
            f"{where}: channel {first} of {count} (the first is 0) is {low[0, first]:g} in all {len(split):,} training "
            f"{words}: there is nothing to see in it; leave constant channels out "
            f"({', '.join(map(str, constant.tolist()[:10]))})"
        )
    blank = int((low == high).all(axis=1).sum())
    if blank >= max(1, BLANK_SHARE * len(split)):
        return [f"{blank:,} of {len(split):,} {name} {words} are flat (one value in every channel)"]
    return []


def _on_levels(where: str, name: str, split: Split, classes: tuple[str, ...]) -> list[str]:
    if len(split) == 0:
        return []
    low, high = ranges_of(split.images)
    if low.min() == high.max():
        raise TaskError(
            f"{where}: every pixel of all {len(split):,} {name} images has the same value, {low[0]}"
            f"{_colour(int(low[0]))}: there is nothing to see in them; {CAUSE} Look at the data and write them again"
        )
    said, blank = [], low == high
    if blank.sum() >= max(1, BLANK_SHARE * len(split)):
        among = ""
        if classes:
            worst = int(np.argmax(np.bincount(split.targets[blank], minlength=len(classes))))
            among = f", {(blank & (split.targets == worst)).sum():,} of them in class {classes[worst]!r}"
        said.append(
            f"{blank.sum():,} of {len(split):,} {name} images are blank (one value in all of their pixels){among}"
        )
    rows = np.unique(np.linspace(0, len(split) - 1, min(len(split), SAMPLED)).astype(int))
    counts = np.zeros(256, dtype=np.int64)
    for part in parts_of(taken(split.images, rows)):
        counts += np.bincount(part.ravel(), minlength=256)
    share = np.cumsum(counts) / counts.sum()
    darkest, brightest = (int(np.searchsorted(share, level)) for level in (0.001, 0.999))
    if brightest - darkest < LEAST_CONTRAST:
        said.append(
            f"the {name} images have hardly any contrast: nearly all levels are between {darkest} and {brightest} of "
            f"0 (black) to 255 (white); {CAUSE}"
        )
    return said


def _colour(level: int) -> str:
    return {0: " (black)", 255: " (white)"}.get(level, "")


def _on_twins(where: str, splits: Mapping[str, Split], classes: tuple[str, ...], words: FormWords) -> list[str]:
    """The same images in two splits, under two classes, or again and again."""
    digests = {name: digests_of(split.images) for name, split in splits.items()}
    said = []
    for first, second in combinations(splits, 2):
        one, other = set(digests[first]), set(digests[second])
        if one == other:
            raise TaskError(
                f"{where}: the {first} split and the {second} split hold the same {words} ({len(one):,}), and no "
                f"{words.one} may both teach or decide and judge; give other {words}, or leave one split out to have "
                "it made of train"
            )
        count, of = sum(digest in one for digest in digests[second]), len(digests[second])
        if count > max(FEW_TWINS, TWIN_SHARE * of) or count == of > 0:
            said.append(f"{'all' if count == of else f'{count:,} of'} {of:,} {second} {words} are {first} {words}, too")
    labels: dict[bytes, set[int]] = {}
    known = splits["train"].targets.tolist() if classes else [0] * len(splits["train"])
    for digest, label in zip(digests["train"], known, strict=True):
        labels.setdefault(digest, set()).add(label)
    torn = [found for found in labels.values() if len(found) > 1]
    if len(torn) > max(FEW_TWINS, TWIN_SHARE * len(labels)):
        pair = " and ".join(repr(classes[label]) for label in sorted(torn[0])[:2])
        said.append(f"{len(torn):,} of {len(labels):,} different training {words} have several classes ({pair})")
    copies = len(splits["train"]) - len(labels)
    if copies > COPIED_SHARE * len(splits["train"]):
        said.append(f"{copies:,} of {len(splits['train']):,} training {words} are copies of others")
    return said
