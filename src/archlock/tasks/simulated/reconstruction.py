"""Dense targets: give the image back, from itself or from a noisy copy (Vincent et al. 2008 for the second)."""

import numpy as np

from archlock.tasks.simulated.noise import with_noise
from archlock.tasks.simulated.simulator import Simulator, derived, needs_levels
from archlock.tasks.task import Split, Task

NOISE = 32.0
"""Standard deviation of the noise of :class:`Denoising`, in levels of 255."""


class Autoencoding(Simulator):
    """The target is the image itself: what an architecture lets through."""

    name = "autoencoding"
    description = "the image itself"

    def obstacle(self, source: Task, /) -> str:
        """Measured values."""
        return needs_levels(source)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """A dense task; nothing is random."""

        def same(split: Split, _: np.random.Generator) -> Split:
            return Split(split.images, split.images)

        return derived(self, source, same, detail=self.description, kind="dense", seed=seed)


class Denoising(Simulator):
    """The image has Gaussian noise (deviation 32 of 255 levels); the target is the image without it."""

    name = "denoising"
    description = "the image without the noise that was added"

    def obstacle(self, source: Task, /) -> str:
        """Measured values."""
        return needs_levels(source)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """A dense task."""

        def noisy(split: Split, rng: np.random.Generator) -> Split:
            return Split(with_noise(split.images, NOISE, rng), split.images)

        return derived(self, source, noisy, detail=self.description, kind="dense", seed=seed)
