"""Something is added to a signal: noise of one of four strengths, or a hum in one of four bands. Say which."""

import numpy as np

from archlock.tasks.simulated.simulator import Simulator, balanced_labels, derived, needs_examples, needs_length
from archlock.tasks.task import Split, Task

STRENGTHS = (0.0, 0.25, 0.5, 1.0)
"""Of white noise, in deviations of the channel."""

BANDS = ((1 / 16, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1 / 2), (1 / 2, 1.0))
"""Octaves, in shares of the highest frequency there is."""
LOUD = 0.5
"""Strength of a hum, in deviations of the channel."""


class AddedNoise(Simulator):
    """White noise on every signal, none, a little, some or as much as there is signal; four classes."""

    name = "added_noise"
    description = "how much noise was added to the signal"

    def obstacle(self, source: Task, /) -> str:
        """Images, too few signals, or signals too short for a strength to show."""
        return needs_length(source, 8) or needs_examples(source, len(STRENGTHS))

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Each strength equally often; the noise is another one for every step and channel."""
        std = np.array(source.std, dtype=np.float32)

        def noisy(split: Split, rng: np.random.Generator) -> Split:
            labels = balanced_labels(len(split), len(STRENGTHS), rng)
            strength = np.array(STRENGTHS, dtype=np.float32)[labels][:, None, None, None]
            noise = rng.standard_normal(split.images.shape, dtype=np.float32)
            return Split(split.images + strength * std * noise, labels)

        classes = tuple(f"{strength:g} deviations" for strength in STRENGTHS)
        return derived(self, source, noisy, detail=self.description, classes=classes, seed=seed)


class Band(Simulator):
    """Noise of one of four octaves on every signal; four classes."""

    name = "band"
    description = "in which of four bands of frequency noise was added to the signal"

    def obstacle(self, source: Task, /) -> str:
        """Images, too few signals, or signals too short to have four octaves."""
        return needs_length(source, 32) or needs_examples(source, len(BANDS))

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Each band equally often; the noise is another one for every signal and channel."""
        std = np.array(source.std, dtype=np.float32)

        def humming(split: Split, rng: np.random.Generator) -> Split:
            labels = balanced_labels(len(split), len(BANDS), rng)
            return Split(split.images + LOUD * std * _hum(split.images.shape, labels, rng), labels)

        classes = tuple(f"{low:g} to {high:g} of the highest frequency" for low, high in BANDS)
        return derived(self, source, humming, detail=self.description, classes=classes, seed=seed)


def _hum(shape: tuple[int, ...], labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of deviation 1, each signal's within its band."""
    length = shape[2]
    spectrum = np.fft.rfft(rng.standard_normal(shape, dtype=np.float32), axis=2)
    share = np.arange(spectrum.shape[2]) / (length / 2)
    within = np.stack([(low < share) & (share <= high) for low, high in BANDS])[labels]
    noise = np.fft.irfft(spectrum * within[:, None, :, None], n=length, axis=2)
    return np.asarray(noise / noise.std(axis=2, keepdims=True), dtype=np.float32)
