"""Drawn shapes among clutter: a domain that has nothing to do with the source. Say which shape it is."""

from collections.abc import Callable
from typing import Final

import numpy as np

from archlock.tasks.simulated.drawing import coordinates, drawn, ink_within
from archlock.tasks.simulated.simulator import Simulator, needs_examples, needs_levels, needs_side
from archlock.tasks.task import Task

CLUTTER = 3
"""Small dots beside each shape, a little paler."""

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Signed distance, roughly, of points (x, y) from a shape of radius 1: negative inside."""


def _ring(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(np.hypot(x, y) - 0.75) - 0.22)


def _triangle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    half = np.sqrt(np.float32(0.75))
    return np.asarray(np.maximum(np.maximum(half * x + y / 2, y / 2 - half * x), -y) - 0.5)


def _cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = np.abs(x), np.abs(y)
    return np.asarray(np.maximum(np.minimum(x, y) - 0.25, np.maximum(x, y) - 1))


def _crescent(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(np.hypot(x, y) - 1, 0.8 - np.hypot(x - 0.5, y)))


def _box(width: float, height: float) -> Distance:
    return lambda x, y: np.maximum(np.abs(x) - width, np.abs(y) - height)


SHAPES: Final[dict[str, Distance]] = {
    "disc": lambda x, y: np.hypot(x, y) - 0.9,
    "ring": _ring,
    "square": _box(0.75, 0.75),
    "triangle": _triangle,
    "cross": _cross,
    "bar": _box(1.0, 0.3),
    "crescent": _crescent,
    "two dots": lambda x, y: np.hypot(np.abs(x) - 0.6, y) - 0.38,
}


class Shapes(Simulator):
    """Eight kinds of shapes at any angle, place and size, in any two colours."""

    name = "shapes"
    description = "which of eight shapes is drawn, among clutter"
    draws = True

    def obstacle(self, source: Task, /) -> str:
        """Too few images, or images too small to draw in."""
        return needs_levels(source) or needs_examples(source, len(SHAPES)) or needs_side(source, 8)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Angle, place, size, colours and clutter are random for every picture."""
        return drawn(self, source, _render, tuple(SHAPES), seed=seed)


def _render(labels: np.ndarray, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    count = len(labels)
    y, x = coordinates(height, width)
    place = rng.uniform(-0.25, 0.25, (2, count, 1, 1)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi, (count, 1, 1)).astype(np.float32)
    size = rng.uniform(0.45, 0.75, (count, 1, 1)).astype(np.float32)
    across, down = x - place[0], y - place[1]
    turned_x = (np.cos(angle) * across + np.sin(angle) * down) / size
    turned_y = (np.cos(angle) * down - np.sin(angle) * across) / size
    distance = np.empty((count, height, width), dtype=np.float32)
    for label, shape in enumerate(SHAPES.values()):
        rows = labels == label
        distance[rows] = shape(turned_x[rows], turned_y[rows]) * size[rows]
    ink = ink_within(distance, height, width)
    for _ in range(CLUTTER):
        dot = rng.uniform(-1, 1, (2, count, 1, 1)).astype(np.float32)
        dots = ink_within(np.hypot(x - dot[0], y - dot[1]) - 0.12, height, width)
        ink = np.maximum(ink, 0.7 * dots)
    return ink
