"""Jigsaw: the quarters of the image are shuffled; say which of the 24 orders it is (Noroozi and Favaro 2016, 2 x 2)."""

from itertools import permutations

import numpy as np

from archlock.tasks.simulated.simulator import Simulator, balanced_labels, derived, needs_examples, needs_side
from archlock.tasks.task import Split, Task

ORDERS = np.array(list(permutations(range(4))))


class Jigsaw(Simulator):
    """The images of the source in four shuffled tiles; 24 classes. An odd last row or column repeats the one before."""

    name = "jigsaw"
    description = "in which of 24 orders the quarters of the image lie"

    def obstacle(self, source: Task, /) -> str:
        """Too few images, or images of a single pixel."""
        return needs_examples(source, len(ORDERS)) or needs_side(source, 2)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Each image in one order, each order equally often."""
        classes = tuple("order " + "".join(str(tile + 1) for tile in order) for order in ORDERS)
        return derived(self, source, _shuffled, detail=self.description, classes=classes, seed=seed)


def _shuffled(split: Split, rng: np.random.Generator) -> Split:
    labels = balanced_labels(len(split), len(ORDERS), rng)
    count, height, width, channels = split.images.shape
    high, wide = height // 2, width // 2
    whole = split.images[:, : 2 * high, : 2 * wide]
    tiles = whole.reshape(count, 2, high, 2, wide, channels).swapaxes(2, 3).reshape(count, 4, high, wide, channels)
    tiles = tiles[np.arange(count)[:, None], ORDERS[labels]]
    images = tiles.reshape(count, 2, 2, high, wide, channels).swapaxes(2, 3).reshape(whole.shape)
    odd = ((0, 0), (0, height % 2), (0, width % 2), (0, 0))
    return Split(np.pad(images, odd, mode="edge"), labels)
