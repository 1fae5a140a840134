"""Draw many pictures at once: a field of ink in [0, 1] for every picture, painted in two colours.

What procedural simulators share: they take nothing from the source but the number, size and channels of its images.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32, Int64, UInt8

from archlock.tasks.simulated.noise import CHUNK
from archlock.tasks.simulated.simulator import Simulator, balanced_labels, derived
from archlock.tasks.task import Split, Task

Render = Callable[[Int64[np.ndarray, " pictures"], int, int, np.random.Generator], Float[np.ndarray, "pictures h w"]]
"""Labels, height, width and chance to a field of ink for each picture."""

NOISE = 8.0
"""Standard deviation of the noise on every picture, in levels of 255."""


def drawn(simulator: Simulator, source: Task, render: Render, classes: tuple[str, ...], *, seed: int) -> Task:
    """A task of drawings, with as many as the source has images in every split, each class equally often."""

    def change(split: Split, rng: np.random.Generator) -> Split:
        labels = balanced_labels(len(split), len(classes), rng)
        images = np.empty_like(split.images)
        _, height, width, channels = images.shape
        for start in range(0, len(labels), CHUNK):
            some = labels[start : start + CHUNK]
            images[start : start + CHUNK] = painted(render(some, height, width, rng), channels, rng)
        return Split(images, labels)

    return derived(simulator, source, change, detail=simulator.description, classes=classes, seed=seed)


def painted(
    ink: Float[np.ndarray, "pictures height width"], channels: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "pictures height width channels"]:
    """Ink in one random colour on paper of another, one of them dark and one light, with a little noise."""
    tint = rng.uniform(-40, 40, (2, len(ink), 1, 1, channels)).astype(np.float32)
    dark = rng.uniform(30, 90, (len(ink), 1, 1, 1)).astype(np.float32) + tint[0]
    light = rng.uniform(165, 225, (len(ink), 1, 1, 1)).astype(np.float32) + tint[1]
    turned = rng.random((len(ink), 1, 1, 1)) < 0.5
    paper, colour = np.where(turned, light, dark), np.where(turned, dark, light)
    levels = paper + ink.astype(np.float32)[..., None] * (colour - paper)
    levels += np.float32(NOISE) * rng.standard_normal(levels.shape, dtype=np.float32)
    return np.asarray(np.rint(levels).clip(0, 255), dtype=np.uint8)


def coordinates(height: int, width: int) -> tuple[Float32[np.ndarray, "1 height 1"], Float32[np.ndarray, "1 1 width"]]:
    """(y, x) of the pixel centres; the smaller side runs from -1 to 1, 0 is the centre."""
    side = min(height, width)
    y = (2 * np.arange(height, dtype=np.float32) - (height - 1)) / side
    x = (2 * np.arange(width, dtype=np.float32) - (width - 1)) / side
    return y[None, :, None], x[None, None, :]


def ink_within(
    distance: Float[np.ndarray, "pictures height width"], height: int, width: int
) -> Float[np.ndarray, "pictures height width"]:
    """Ink where a signed distance (in units of :func:`coordinates`) is negative, with an edge one pixel wide."""
    return np.asarray((0.5 - distance * (min(height, width) / 2)).clip(0, 1))
