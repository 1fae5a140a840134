"""Shuffled, augmented mini-batches of a training split, on the ``uint8`` arrays."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from archlock.seeding import rng_for
from archlock.tasks import KINDS, Kind, Split, recoloured, resized
from archlock.training.fetching import ahead, fetched
from archlock.training.plan import Plan

FORMS: Final = (3 / 4, 4 / 3)
"""Width by height of the windows of a random crop."""


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """What chance decides about one mini-batch: which examples, how far each is moved and whether mirrored, and for
    photographs the window that is seen of each and how its colours change."""

    rows: Int64[np.ndarray, " examples"]
    down: Int64[np.ndarray, " examples"]
    right: Int64[np.ndarray, " examples"]
    mirrored: Bool[np.ndarray, " examples"]
    windows: Float64[np.ndarray, "examples 4"] | None = None
    """Left, top, right and bottom in pixels."""
    colours: Float64[np.ndarray, "examples 3"] | None = None
    """Factors of brightness, contrast and saturation."""


def draws(examples: int, size: tuple[int, int], plan: Plan, seed: int) -> Iterator[Draw]:
    """The mini-batches of one epoch; a last batch of one example is left out (no statistics)."""
    rng = rng_for(seed, "augment")
    order = rng.permutation(examples)
    for start in range(0, examples, plan.batch_size):
        rows = order[start : start + plan.batch_size]
        if len(rows) == 1 and examples > 1:
            continue
        down, right = (rng.integers(-round(plan.shift * n), round(plan.shift * n) + 1, len(rows)) for n in size)
        mirrored = rng.random(len(rows)) < 0.5 if plan.flip else np.zeros(len(rows), bool)
        windows = None if plan.crop is None else _windows(len(rows), size, plan.crop, rng)
        colours = rng.uniform(1 - plan.colour, 1 + plan.colour, (len(rows), 3)) if plan.colour else None
        yield Draw(rows, down, right, mirrored, windows, colours)


def _windows(count: int, size: tuple[int, int], least: float, rng: np.random.Generator) -> np.ndarray:
    """Shares of the area are uniform, forms too on a logarithmic scale; what does not fit is cut off at the sides."""
    area = rng.uniform(least, 1, count) * size[0] * size[1]
    form = np.exp(rng.uniform(math.log(FORMS[0]), math.log(FORMS[1]), count))
    height, width = np.minimum(size[0], np.sqrt(area / form)), np.minimum(size[1], np.sqrt(area * form))
    top, left = rng.random(count) * (size[0] - height), rng.random(count) * (size[1] - width)
    return np.stack([left, top, left + width, top + height], axis=1)


def augmented(split: Split, plan: Plan, seed: int) -> Iterator[Split]:
    """Shuffled mini-batches with the plan's augmentation, as :func:`draws` says."""
    _, height, width, _ = split.images.shape
    chosen = draws(len(split), (height, width), plan_for(split.kind, plan), seed)
    if not split.stored:
        yield from (changed(split.take(draw.rows), draw) for draw in chosen)
        return
    listed = list(chosen)
    parts = fetched(split, [draw.rows for draw in listed])
    yield from ahead(changed(part, draw) for part, draw in zip(parts, listed, strict=True))


def changed(batch: Split, draw: Draw) -> Split:
    """The examples of a mini-batch as chance has decided; windows are taken of dense targets, too."""
    dense = KINDS[batch.kind].dense
    targets = _seen(batch.targets, draw) if dense else batch.targets
    images = _seen(batch.images, draw)
    if draw.colours is not None and images.dtype == np.uint8:
        images = recoloured(images, draw.colours)
    return Split(images, targets)


def plan_for(kind: Kind, plan: Plan) -> Plan:
    """The plan; for a kind whose images must stay where they are without shifts, windows and flips.

    Where the answer is an image its colours stay, too.
    """
    traits = KINDS[kind]
    kept = replace(plan, colour=0.0) if traits.dense else plan
    return kept if traits.moves else replace(kept, shift=0.0, flip=False, crop=None)


def _seen(images: np.ndarray, draw: Draw) -> np.ndarray:
    if draw.windows is not None:
        images = resized(images, images.shape[1], images.shape[2], boxes=draw.windows)
    return _moved(images, draw)


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
