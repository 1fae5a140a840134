"""The same labels in another domain: without colour, corrupted, or seen at another scale.

The corruptions are of the kinds that Hendrycks and Dietterich (2019) compare networks on, at one medium strength.
"""

import numpy as np
from jaxtyping import UInt8

from archlock.tasks.conform import grey_levels
from archlock.tasks.resizing import resized
from archlock.tasks.rows import parts_of
from archlock.tasks.simulated.noise import changed
from archlock.tasks.simulated.simulator import Simulator, derived, needs_classes, needs_levels, needs_side
from archlock.tasks.task import Split, Task

NOISE = 12.0
"""Standard deviation of the noise of :class:`Corrupted`, in levels of 255."""


class Grey(Simulator):
    """The colour is dropped (the number of channels stays). A source without colour is inverted, and named so."""

    name = "grey"
    description = "the class, of images without colour (inverted, if the source has no colour)"

    def obstacle(self, source: Task, /) -> str:
        """A source without labels, or of measured values."""
        return needs_levels(source) or needs_classes(source, 2)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """``grey(cifar10)``, or ``inverted(digits)``; nothing is random."""
        coloured = any(_has_colour(part) for part in parts_of(source.train.images))

        def change(split: Split, _: np.random.Generator) -> Split:
            if not coloured:
                return Split(255 - split.images, split.targets)
            return Split(np.repeat(grey_levels(split.images)[..., None], split.images.shape[3], axis=3), split.targets)

        name, detail = ("grey", "colour dropped") if coloured else ("inverted", "light and dark exchanged")
        return derived(self, source, change, detail=detail, classes=source.classes, name=name, seed=seed)


class Corrupted(Simulator):
    """Every image blurred, of less contrast, lighter or darker, and noisy."""

    name = "corrupted"
    description = "the class, of images that are blurred, pale and noisy"

    def obstacle(self, source: Task, /) -> str:
        """A source without labels, or of measured values."""
        return needs_levels(source) or needs_classes(source, 2)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Contrast (x 0.4 to 0.8) and brightness (+- 40 levels) are random for every image."""

        def change(split: Split, rng: np.random.Generator) -> Split:
            return Split(changed(split.images, lambda levels: _corrupted(levels, rng)), split.targets)

        return derived(self, source, change, detail=self.description, classes=source.classes, seed=seed)


class Rescaled(Simulator):
    """Every image zoomed in (a window of 60 to 90 % of the sides) and with half the resolution."""

    name = "rescaled"
    description = "the class, of images that are zoomed in and have half the resolution"

    def obstacle(self, source: Task, /) -> str:
        """A source without labels, or images too small to lose half their pixels."""
        return needs_levels(source) or needs_classes(source, 2) or needs_side(source, 4)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """The window is random for every image."""

        def change(split: Split, rng: np.random.Generator) -> Split:
            return Split(_zoomed(split.images, rng), split.targets)

        return derived(self, source, change, detail=self.description, classes=source.classes, seed=seed)


def _has_colour(images: UInt8[np.ndarray, "examples height width channels"]) -> bool:
    return bool((images != images[..., :1]).any())


def _corrupted(levels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    around = np.pad(levels, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    rows = (around[:, :-2] + 2 * around[:, 1:-1] + around[:, 2:]) / 4
    blurred = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4
    each = (len(levels), 1, 1, 1)
    contrast = rng.uniform(0.4, 0.8, each).astype(np.float32)
    shift = rng.uniform(-40, 40, each).astype(np.float32)
    noise = np.float32(NOISE) * rng.standard_normal(levels.shape, dtype=np.float32)
    return np.asarray((blurred - 127.5) * contrast + 127.5 + shift + noise)


def _zoomed(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count, height, width, _ = images.shape
    share = np.asarray(rng.uniform(0.6, 0.9, count))
    corner = rng.uniform(0, 1, (2, count)) * (1 - share)
    low = np.stack([corner[0] * width, corner[1] * height], axis=1)
    boxes = np.concatenate([low, low + share[:, None] * np.array([width, height])], axis=1)
    return resized(resized(images, height // 2, width // 2, boxes=boxes), height, width)
