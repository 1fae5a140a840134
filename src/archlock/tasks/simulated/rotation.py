"""Rotation: say by which quarter turn the image was turned (Gidaris, Singh and Komodakis 2018)."""

import numpy as np

from archlock.tasks.simulated.simulator import Simulator, balanced_labels, derived, needs_examples, needs_side
from archlock.tasks.task import Split, Task

TURNS = ("0 degrees", "90 degrees", "180 degrees", "270 degrees")


class Rotation(Simulator):
    """The images of the source, turned anticlockwise; four classes.

    Of an image that is not square the centred square is turned, and its edge repeated to fill the shape: in all four
    classes alike, so the filling gives nothing away.
    """

    name = "rotation"
    description = "by which of four quarter turns the image was turned"

    def obstacle(self, source: Task, /) -> str:
        """Too few images, or images of a single pixel."""
        return needs_examples(source, len(TURNS)) or needs_side(source, 2)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Each image in one turn, each turn equally often."""
        return derived(self, source, _turned, detail=self.description, classes=TURNS, seed=seed)


def _turned(split: Split, rng: np.random.Generator) -> Split:
    labels = balanced_labels(len(split), len(TURNS), rng)
    _, height, width, _ = split.images.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = split.images[:, top : top + side, left : left + side]
    images = np.empty_like(square)
    for turn in range(len(TURNS)):
        images[labels == turn] = np.rot90(square[labels == turn], turn, axes=(1, 2))
    around = ((0, 0), (top, height - side - top), (left, width - side - left), (0, 0))
    return Split(np.pad(images, around, mode="edge"), labels)
