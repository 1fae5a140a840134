"""A change of a split whose images are on disk: some hundred examples at a time, the new images on disk as well.

A simulated target of a large source is made of as many of its images as a task in memory may have, classes in
proportion: it is there to be attacked with some thousand examples, not to fill a disk. Chance is that of the block, so
it is other than that of the same images in memory.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from archlock.seeding import rng_for
from archlock.tasks.rows import is_stored, joined
from archlock.tasks.stored.blocks import AT_ONCE, key_of
from archlock.tasks.stored.cache import MEMORY
from archlock.tasks.stored.rewriting import view_of
from archlock.tasks.subsample import spread
from archlock.tasks.task import Split, Task

LEAST = 200
"""Examples of a split that are taken in any case."""


def fewer(source: Task, *, seed: int) -> tuple[Task, str]:
    """The task with fewer examples in every split where its images are on disk and too many, and words for it."""
    splits = {"train": source.train, "validation": source.validation, "test": source.test}
    total = sum(split.images.nbytes for split in splits.values())
    if not any(split.stored for split in splits.values()) or total <= MEMORY:
        return source, ""
    made = {}
    for name, split in splits.items():
        count = max(LEAST, int(len(split) * MEMORY / total))
        rows = spread(source.traits.strata(split.targets), len(split), count, rng_for(seed, "fewer", name))
        made[name] = split.take(rows)
    kept, of = (sum(map(len, some.values())) for some in (made, splits))
    few = replace(source, train=made["train"], validation=made["validation"], test=made["test"])
    return few, f" ({kept:,} of {of:,} {source.words}, as many as are held in memory)"


def blockwise(
    change: Callable[[Split, np.random.Generator], Split], split: Split, *, seed: int, name: tuple[str, str, str]
) -> Split:
    """The split after the change; ``name`` is that of the source (fingerprint), of the simulator and of the split."""
    _, height, width, channels = split.images.shape
    step = max(1, AT_ONCE // (4 * height * width * channels))  # a change takes several times the memory
    parts = []
    for start in range(0, len(split), step):
        rows = np.arange(start, min(start + step, len(split)))
        rng = rng_for(seed, "simulated", *name[1:], start)
        made = change(split.take(rows).loaded(), rng)
        key = ("simulated", *name, seed, start)
        targets = _kept(split, made.targets, (*key, "targets")) if made.targets.ndim == 4 else made.targets
        parts.append(Split(_kept(split, made.images, key), targets))
    whole = parts[0]
    for part in parts[1:]:
        whole = Split(joined(whole.images, part.images), joined(whole.targets, part.targets))
    return whole


def _kept(split: Split, images: np.ndarray, key: tuple[object, ...]) -> Any:
    """In the folder where the images of the split are."""
    assert is_stored(split.images)
    folder, (_, height, width, _) = split.images.blocks[0].folder, images.shape
    return view_of(folder, (height, width), [(key_of(*key), len(images), lambda: images)])
