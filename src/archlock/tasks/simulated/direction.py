"""Direction of time: half of the signals are turned round; say which (Wei et al. 2018 ask it of videos)."""

import numpy as np

from archlock.tasks.simulated.simulator import Simulator, balanced_labels, derived, needs_examples, needs_length
from archlock.tasks.task import Split, Task

WAYS = ("forwards", "backwards")


class Direction(Simulator):
    """The signals of the source, half of them backwards; two classes."""

    name = "direction"
    description = "whether the signal runs forwards or backwards"

    def obstacle(self, source: Task, /) -> str:
        """Images, too few signals, or signals too short to have a direction."""
        return needs_length(source, 4) or needs_examples(source, len(WAYS))

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Each signal in one direction, each direction equally often."""
        return derived(self, source, _turned, detail=self.description, classes=WAYS, seed=seed)


def _turned(split: Split, rng: np.random.Generator) -> Split:
    labels = balanced_labels(len(split), len(WAYS), rng)
    signals = np.where(labels[:, None, None, None] == 1, split.images[:, :, ::-1], split.images)
    return Split(signals, labels)
