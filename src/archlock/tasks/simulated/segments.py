"""Order of segments: the thirds of a signal are shuffled; say which of the six orders it is.

A jigsaw in one dimension, as Noroozi and Favaro (2016) make one of the tiles of an image.
"""

from itertools import permutations

import numpy as np

from archlock.tasks.simulated.simulator import Simulator, balanced_labels, derived, needs_examples, needs_length
from archlock.tasks.task import Split, Task

SEGMENTS = 3
ORDERS = np.array(list(permutations(range(SEGMENTS))))


class Segments(Simulator):
    """The signals of the source in shuffled thirds; six classes. What is left at the end stays there."""

    name = "segments"
    description = "in which of six orders the thirds of the signal lie"

    def obstacle(self, source: Task, /) -> str:
        """Images, too few signals, or signals too short to be cut."""
        return needs_length(source, 2 * SEGMENTS) or needs_examples(source, len(ORDERS))

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Each signal in one order, each order equally often."""
        classes = tuple("order " + "".join(str(segment + 1) for segment in order) for order in ORDERS)
        return derived(self, source, _shuffled, detail=self.description, classes=classes, seed=seed)


def _shuffled(split: Split, rng: np.random.Generator) -> Split:
    labels = balanced_labels(len(split), len(ORDERS), rng)
    count, _, length, channels = split.images.shape
    each = length // SEGMENTS
    cut = split.images[:, 0, : SEGMENTS * each].reshape(count, SEGMENTS, each, channels)
    signals = split.images.copy()
    laid = cut[np.arange(count)[:, None], ORDERS[labels]]
    signals[:, 0, : SEGMENTS * each] = laid.reshape(count, SEGMENTS * each, channels)
    return Split(signals, labels)
