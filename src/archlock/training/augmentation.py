"""Shuffled, augmented mini-batches of a training split, on the ``uint8`` arrays."""

from collections.abc import Iterator

import numpy as np

from archlock.seeding import rng_for
from archlock.tasks import Split
from archlock.training.plan import Plan


def augmented(split: Split, plan: Plan, seed: int) -> Iterator[Split]:
    """Shuffled mini-batches with the plan's augmentation; a last batch of one example is left out (no statistics)."""
    rng = rng_for(seed, "augment")
    order = rng.permutation(len(split))
    for start in range(0, len(order), plan.batch_size):
        rows = order[start : start + plan.batch_size]
        if len(rows) == 1 and len(order) > 1:
            continue
        batch = split.take(rows)
        size = batch.images.shape[1:3]
        offsets = [rng.integers(-round(plan.shift * n), round(plan.shift * n) + 1, len(rows)) for n in size]
        mirrored = rng.random(len(rows)) < 0.5 if plan.flip else np.zeros(len(rows), bool)
        images = _moved(batch.images, offsets, mirrored)
        targets = batch.targets if batch.targets.ndim == 1 else _moved(batch.targets, offsets, mirrored)
        yield Split(images, targets)


def _moved(images: np.ndarray, offsets: list[np.ndarray], mirrored: np.ndarray) -> np.ndarray:
    """Each image shifted by its own offsets (edge pixels repeated) and mirrored where told."""
    _, height, width, _ = images.shape
    rows = np.clip(np.arange(height) + offsets[0][:, None], 0, height - 1)
    columns = np.clip(np.arange(width) + offsets[1][:, None], 0, width - 1)
    columns = np.where(mirrored[:, None], columns[:, ::-1], columns)
    moved: np.ndarray = images[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved
