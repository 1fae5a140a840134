"""Drawn textures: gratings and noise that fill the image. Say which texture it is."""

import numpy as np

from archlock.tasks.simulated.drawing import coordinates, drawn
from archlock.tasks.simulated.simulator import Simulator, needs_examples, needs_levels, needs_side
from archlock.tasks.task import Task

ANGLES = (0, 45, 90, 135)
CLASSES = (
    *(f"{width} grating, {angle} degrees" for width in ("fine", "broad") for angle in ANGLES),
    "fine noise",
    "broad noise",
)
JITTER = 15.0
"""Largest deviation of a grating from its class's angle, in degrees."""

CONTRAST = (0.2, 0.6)
"""Share of the texture in the picture, random for each; the rest is grain, the same for all classes."""


class Textures(Simulator):
    """Gratings at four angles and two wavelengths, and noise of two grains: ten classes, in any two colours."""

    name = "textures"
    description = "which of ten textures fills the image"
    draws = True

    def obstacle(self, source: Task, /) -> str:
        """Too few images, or images too small for a grating."""
        return needs_levels(source) or needs_examples(source, len(CLASSES)) or needs_side(source, 8)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Phase, wavelength (within 20 %), angle (within 15 degrees), contrast and colours are random each time."""
        return drawn(self, source, _render, CLASSES, seed=seed)


def _render(labels: np.ndarray, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    side = min(height, width)
    y, x = (axis * (side / 2) for axis in coordinates(height, width))  # in pixels
    fine, broad = max(2.8, side / 10), max(5.5, side / 4)
    each = (len(labels), 1, 1)
    wavelength = np.where(labels < len(ANGLES), fine, broad).reshape(each) * rng.uniform(0.8, 1.2, each)
    degrees = np.array(ANGLES)[labels % len(ANGLES)].reshape(each) + rng.uniform(-JITTER, JITTER, each)
    phase = rng.uniform(0, 2 * np.pi, each)
    angle = np.deg2rad(degrees)
    waves = 0.5 + 0.5 * np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / wavelength + phase)
    grain = rng.random((len(labels), height, width))
    fine_noise, broad_noise = labels == len(CLASSES) - 2, labels == len(CLASSES) - 1
    waves[fine_noise] = grain[fine_noise]
    waves[broad_noise] = _smoothed(grain[broad_noise], max(1, round(broad / 4)))
    contrast = rng.uniform(*CONTRAST, each)
    return np.asarray(contrast * waves + (1 - contrast) * rng.random((len(labels), height, width)))


def _smoothed(grain: np.ndarray, radius: int) -> np.ndarray:
    """Box mean over (2 radius + 1)^2 pixels (the image goes round), stretched back to [0, 1]."""
    shifts = range(-radius, radius + 1)
    rows = sum(np.roll(grain, shift, axis=1) for shift in shifts)
    mean = np.asarray(sum(np.roll(rows, shift, axis=2) for shift in shifts)) / len(shifts) ** 2
    # the deviation of a mean of n uniform numbers is 1 / sqrt(12 n); two of them reach the ends
    return np.asarray((0.5 + (mean - 0.5) * np.sqrt(12) * len(shifts) / 4).clip(0, 1))
