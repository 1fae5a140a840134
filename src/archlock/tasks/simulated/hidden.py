"""A part of a signal is hidden: give back the whole of it, or foretell how it goes on."""

from dataclasses import replace

import numpy as np

from archlock.tasks.simulated.simulator import Simulator, check_supported, derived, needs_length
from archlock.tasks.task import Split, Task

SHARE = 4
"""One part in so many is hidden."""

PIECES, MOST = 4, 32
"""A hidden window is foretold as the mean of each of its PIECES in every channel, MOST numbers at most."""


class Masked(Simulator):
    """A quarter of every signal is replaced by the mean of its channel; the target is the whole signal."""

    name = "masked"
    description = "the signal without the gap of a quarter of its length"

    def obstacle(self, source: Task, /) -> str:
        """Images, or signals too short to have a gap."""
        return needs_length(source, 2 * SHARE)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Fields, standardised by channel; the place of the gap is random, and signals of one value are left out."""
        mean, std = (np.array(one, dtype=np.float32) for one in (source.mean, source.std))
        gap = source.shape[2] // SHARE

        def hidden(split: Split, rng: np.random.Generator) -> Split:
            flat = (split.images == split.images[:, :, :1]).all(axis=(1, 2, 3))
            kept = split.take(np.flatnonzero(~flat))
            starts = rng.integers(0, source.shape[2] - gap + 1, len(split))[~flat]
            steps = np.arange(source.shape[2])[None] - starts[:, None]
            within = ((steps >= 0) & (steps < gap))[:, None, :, None]
            return Split(np.where(within, mean, kept.images).astype(np.float32), (kept.images - mean) / std)

        return derived(self, source, hidden, detail=self.description, kind="field", seed=seed)


class NextWindow(Simulator):
    """The last quarter of every signal holds the last value before it; the targets say how the signal went on."""

    name = "next_window"
    description = "how the signal goes on: the mean of each part of its last quarter"

    def obstacle(self, source: Task, /) -> str:
        """Images, or signals too short to have a quarter that goes on."""
        return needs_length(source, 2 * SHARE)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Numbers, standardised by the training split; those that never change are left out. Nothing is random."""
        check_supported(self, source)
        channels, _, length = source.shape
        begin = length - length // SHARE
        pieces = max(1, min(PIECES, MOST // channels, length - begin))

        def later(split: Split) -> np.ndarray:
            window = split.images[:, 0, begin:, :MOST].astype(np.float64)
            means = [part.mean(axis=1) for part in np.array_split(window, pieces, axis=1)]
            return np.concatenate(means, axis=1)

        taught = later(source.train)
        changing = np.flatnonzero(np.ptp(taught, axis=0) > 0)
        mean, std = taught.mean(0), taught.std(0)

        def cut(split: Split, _: np.random.Generator) -> Split:
            signals = split.images.copy()
            signals[:, :, begin:] = signals[:, :, begin - 1 : begin]
            numbers = (later(split)[:, changing] - mean[changing]) / std[changing]
            return replace(split, images=signals, targets=numbers.astype(np.float32))

        return derived(self, source, cut, detail=self.description, kind="regression", seed=seed)
