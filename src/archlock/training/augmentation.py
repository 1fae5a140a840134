"""Shuffled, augmented mini-batches of a training split, on the ``uint8`` arrays."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int64

from archlock.seeding import rng_for
from archlock.tasks import KINDS, Kind, Split
from archlock.training.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """What chance decides about one mini-batch: which examples, and how far each is moved and whether mirrored."""

    rows: Int64[np.ndarray, " examples"]
    down: Int64[np.ndarray, " examples"]
    right: Int64[np.ndarray, " examples"]
    mirrored: Bool[np.ndarray, " examples"]


def draws(examples: int, size: tuple[int, int], plan: Plan, seed: int) -> Iterator[Draw]:
    """The mini-batches of one epoch; a last batch of one example is left out (no statistics)."""
    rng = rng_for(seed, "augment")
    order = rng.permutation(examples)
    for start in range(0, examples, plan.batch_size):
        rows = order[start : start + plan.batch_size]
        if len(rows) == 1 and examples > 1:
            continue
        down, right = (rng.integers(-round(plan.shift * n), round(plan.shift * n) + 1, len(rows)) for n in size)
        yield Draw(rows, down, right, rng.random(len(rows)) < 0.5 if plan.flip else np.zeros(len(rows), bool))


def augmented(split: Split, plan: Plan, seed: int) -> Iterator[Split]:
    """Shuffled mini-batches with the plan's augmentation, as :func:`draws` says."""
    _, height, width, _ = split.images.shape
    for draw in draws(len(split), (height, width), plan_for(split.kind, plan), seed):
        batch = split.take(draw.rows)
        targets = _moved(batch.targets, draw) if KINDS[split.kind].dense else batch.targets
        yield Split(_moved(batch.images, draw), targets)


def plan_for(kind: Kind, plan: Plan) -> Plan:
    """The plan; for a kind whose images must stay where they are without shifts and flips."""
    return plan if KINDS[kind].moves else replace(plan, shift=0.0, flip=False)


def _moved(images: np.ndarray, draw: Draw) -> np.ndarray:
    """Each image shifted by its own offsets (edge pixels repeated) and mirrored where asked for."""
    _, height, width, _ = images.shape
    rows, columns = pixel_places(height, width, draw)
    moved: np.ndarray = images[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def pixel_places(
    height: int, width: int, draw: Draw
) -> tuple[Int64[np.ndarray, "examples height"], Int64[np.ndarray, "examples width"]]:
    """From which row and column of its image each pixel of an augmented image comes."""
    rows = np.clip(np.arange(height) + draw.down[:, None], 0, height - 1)
    columns = np.clip(np.arange(width) + draw.right[:, None], 0, width - 1)
    return rows, np.where(draw.mirrored[:, None], columns[:, ::-1], columns)
