"""A space made for locking: 38,880 skeletons with their cells, 35,640 different functions.

Benchmarks of cells vary what a lock has little use for. What others found to decide how well features transfer is the
skeleton (Masarczyk et al., "The tunnel effect", NeurIPS 2023; Harun et al., "What variables affect out-of-distribution
generalization in pretrained models?", NeurIPS 2024: early strides, depth, the stem, width), so every digit of a code is
one axis of it, see :data:`~archlock.spaces.locking_skeleton.AXES`. All combinations are members.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, product
from math import prod
from typing import Final

import numpy as np
from jaxtyping import Float, Int64

from archlock.errors import ArchitectureError
from archlock.spaces.architecture import Architecture, Space, Traits
from archlock.spaces.locking_skeleton import AXES, Shape, Skeleton, levels_of, shape_of, simplified, skeleton_of

SIZES: Final = tuple(len(axis.levels) for axis in AXES)
_OFFSETS: Final = np.concatenate([[0], np.cumsum(SIZES)])
"""Where the indicators of an axis begin in the one-hot code."""


SENSIBLE: Final = "00110100000"
"""A small ResNet: a 3x3 stem at full resolution, three stages of one cell of two convolutions, wider and wider, late
strides, batch normalisation, shortcuts, ReLU."""


def is_code(code: str) -> bool:
    """Whether the text has one digit for every axis, each of a level that exists."""
    return len(code) == len(SIZES) and all(
        digit in "0123456789"[:size] for digit, size in zip(code, SIZES, strict=True)
    )


class LockingMacroSpace(Space):
    """All combinations of the axes."""

    name = "locking_macro"

    def __len__(self) -> int:
        return prod(SIZES)

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture once, in ascending order of code."""
        return (Architecture(self.name, "".join(map(str, digits))) for digits in product(*map(range, SIZES)))

    def architecture(self, code: str) -> Architecture:
        """Architecture of a code of eleven digits."""
        if not is_code(code):
            raise self._not_one(code)
        return Architecture(self.name, code)

    def parse(self, text: str) -> Architecture:
        """Architecture of its levels in words, a code, or ``space:code``."""
        code = text.strip().removeprefix(f"{self.name}:")
        words = code.split("-")
        if len(words) == len(AXES) and all(word in axis.levels for word, axis in zip(words, AXES, strict=True)):
            code = "".join(str(axis.levels.index(word)) for word, axis in zip(words, AXES, strict=True))
        if not is_code(code):
            raise self._not_one(text)
        return Architecture(self.name, code)

    def official_string(self, architecture: Architecture) -> str:
        """The levels in words; for example, in one line, ``stem3-whole-late-3stages-1cell-rising-straight-`` and
        ``batch-shortcuts-relu-pair``."""
        return "-".join(levels_of(self._code(architecture)).values())

    def skeleton(self, architecture: Architecture) -> Skeleton:
        """What the network of an architecture is made of."""
        return skeleton_of(self._code(architecture))

    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture, uniformly at random."""
        return Architecture(self.name, "".join(str(digit) for digit in rng.integers(SIZES)))

    def sensible(self) -> Architecture:
        """A small ResNet; random members, with waists, early strides and no normalisation, learn far less."""
        return Architecture(self.name, SENSIBLE)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour, uniformly at random."""
        neighbours = self.neighbours(architecture)
        return neighbours[int(rng.integers(len(neighbours)))]

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """All architectures with one other level on one axis (19), in ascending order of code."""
        code = self._code(architecture)
        changed = (
            code[:place] + str(level) + code[place + 1 :] for place, size in enumerate(SIZES) for level in range(size)
        )
        return tuple(Architecture(self.name, other) for other in sorted(set(changed) - {code}))

    def canonicalise(self, architecture: Architecture) -> Architecture:
        """The smallest code of the same function: no benchmark has another word for what is the same here."""
        return self.simplify(architecture)

    def simplify(self, architecture: Architecture) -> Architecture:
        """The smallest code of the same function; all codes of a function cost the same.

        Two stages and a stem that keeps the resolution leave no choice of where it is halved.
        """
        return Architecture(self.name, simplified(self._code(architecture)))

    def is_connected(self, architecture: Architecture) -> bool:
        """Always: every level of every axis lets the input through."""
        return bool(self._code(architecture))

    def encode(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """One-hot code, axis by axis (30 numbers)."""
        return self._one_hot(self._digits(architectures))

    def features(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """One-hot code of the function, products of the indicators of every two axes, and :meth:`shape`.

        Of what is the same function, all features are the same.
        """
        one_hot = self._one_hot(self._digits([self.simplify(one) for one in architectures]))
        blocks = [one_hot[:, low:high] for low, high in pairwise(_OFFSETS)]
        products = [
            (one[:, :, None] * other[:, None, :]).reshape(len(one_hot), one.shape[1] * other.shape[1])
            for one, other in combinations(blocks, 2)
        ]
        return np.concatenate([one_hot, *products, self.shape(architectures).values], axis=1)

    def relative_cost(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Multiply-adds of an image of 16 pixels at width 16, in millions."""
        return np.array([one.multiply_adds / 1e6 for one in self._shapes(architectures)])

    def shortest_path(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Fewest convolutions from stem to tail: a shortcut has one where channels or resolution change.

        Never 0, since some stage always halves the resolution.
        """
        return np.array([float(one.fewest_convolutions) for one in self._shapes(architectures)])

    def choices(self, architectures: Sequence[Architecture]) -> Traits:
        """For every axis and level: is that the level."""
        names = [f"{level} at {axis.name}" for axis in AXES for level in axis.levels]
        return Traits(tuple(names), self.encode(architectures))

    def shape(self, architectures: Sequence[Architecture]) -> Traits:
        """How deep and wide, where the resolution falls, and the costs (logarithms to base 2)."""
        shapes = self._shapes(architectures)
        columns = {
            "cells": [one.cells for one in shapes],
            "width of the last stage": [one.last_width for one in shapes],
            "mean width of the cells": [one.mean_width for one in shapes],
            "share of the cells at the lowest resolution": [one.at_lowest for one in shapes],
            "convolutions on the shortest path": [one.fewest_convolutions for one in shapes],
            "weights (logarithm)": np.log2([one.weights for one in shapes]),
            "multiply-adds (logarithm)": np.log2([one.multiply_adds for one in shapes]),
        }
        values = np.stack([np.asarray(column, dtype=float) for column in columns.values()], axis=1)
        return Traits(tuple(columns), values)

    def _shapes(self, architectures: Sequence[Architecture]) -> list[Shape]:
        return [shape_of(self._code(one)) for one in architectures]

    def _digits(self, architectures: Sequence[Architecture]) -> Int64[np.ndarray, "architectures axes"]:
        text = "".join(map(self._code, architectures))
        return np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int64).reshape(-1, len(SIZES)) - ord("0")

    def _one_hot(
        self, digits: Int64[np.ndarray, "architectures axes"]
    ) -> Float[np.ndarray, "architectures indicators"]:
        indicators = np.zeros((len(digits), int(_OFFSETS[-1])))
        indicators[np.arange(len(digits))[:, None], digits + _OFFSETS[:-1]] = 1
        return indicators

    def _code(self, architecture: Architecture) -> str:
        if architecture.space != self.name or not is_code(architecture.code):
            raise self._not_one(str(architecture))
        return architecture.code

    def _not_one(self, text: str) -> ArchitectureError:
        axes = "; ".join(
            f"{axis.name}: {', '.join(f'{digit} {level}' for digit, level in enumerate(axis.levels))}" for axis in AXES
        )
        return ArchitectureError(
            f"{text!r} is not an architecture of {self.name}; expected {len(AXES)} digits, one for each axis, such as "
            f"'00111000000', or the levels in words with hyphens between them ({axes})"
        )


locking_macro = LockingMacroSpace()
