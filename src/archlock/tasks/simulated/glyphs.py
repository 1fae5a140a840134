"""Drawn glyphs: letters of an alphabet nobody knows, written by an unsteady hand (after Omniglot, Lake et al. 2015)."""

import numpy as np

from archlock.seeding import rng_for
from archlock.tasks.simulated.drawing import coordinates, drawn, ink_within
from archlock.tasks.simulated.simulator import Simulator, check_supported, needs_examples, needs_levels, needs_side
from archlock.tasks.task import Task

GLYPHS = 20
LETTERS = tuple(f"letter {number}" for number in range(1, GLYPHS + 1))
"""What they are called."""
STROKES = 4
"""Straight strokes of each glyph, one after the other."""

WOBBLE = 0.16
"""Standard deviation of every corner (the image runs from -1 to 1)."""


class Glyphs(Simulator):
    """Twenty letters, each a path of four strokes that the seed makes up; no two pictures are written alike."""

    name = "glyphs"
    description = "which of twenty made-up letters is written"
    draws = True

    def obstacle(self, source: Task, /) -> str:
        """Too few images, or images too small to write in."""
        return needs_levels(source) or needs_examples(source, GLYPHS) or needs_side(source, 8)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """The letters depend on the seed alone; corners, angle, size and pen are random for every picture."""
        check_supported(self, source)
        letters = alphabet(rng_for(seed, "simulated", self.name, "letters"))

        def render(labels: np.ndarray, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
            return written(letters[labels], height, width, rng)

        return drawn(self, source, render, LETTERS, seed=seed)


def alphabet(rng: np.random.Generator) -> np.ndarray:
    """Corners of each letter, GLYPHS x (STROKES + 1) x 2, on a 3 x 3 grid; no stroke is a point."""
    grid = np.array([(x, y) for x in (-0.65, 0.0, 0.65) for y in (-0.65, 0.0, 0.65)])
    return np.stack([grid[rng.permutation(len(grid))[: STROKES + 1]] for _ in range(GLYPHS)])


def written(corners: np.ndarray, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A picture of each letter (fields of ink), given its corners: these, angle, size and pen are random."""
    count = len(corners)
    y, x = coordinates(height, width)
    corners = corners + rng.normal(0, WOBBLE, corners.shape)
    angle, size = rng.uniform(-0.4, 0.4, count), rng.uniform(0.7, 1.1, count)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * size
    corners = np.einsum("ijn,nkj->nki", turn, corners) + rng.uniform(-0.12, 0.12, (count, 1, 2))
    corners = corners.astype(np.float32)[..., None, None]
    nearest = np.full((count, height, width), np.inf, dtype=np.float32)
    for stroke in range(STROKES):
        begin, along = corners[:, stroke], corners[:, stroke + 1] - corners[:, stroke]
        across, down = x - begin[:, 0], y - begin[:, 1]
        length = np.maximum((along**2).sum(axis=1), 1e-6)
        share = ((across * along[:, 0] + down * along[:, 1]) / length).clip(0, 1)
        distance = np.hypot(across - share * along[:, 0], down - share * along[:, 1])
        nearest = np.minimum(nearest, distance)
    least = 1.2 / min(height, width)  # the pen is never thinner than 1.2 pixels
    pen = np.maximum(rng.uniform(0.07, 0.13, (count, 1, 1)), least).astype(np.float32)
    return ink_within(nearest - pen, height, width)
