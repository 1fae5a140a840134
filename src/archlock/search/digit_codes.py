"""Spaces whose codes are a fixed number of digits, as vectors of whole numbers for optimisers that want them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from archlock.errors import UnsupportedError
from archlock.spaces import Architecture, DigitSpace, Space, levels_of_places


@dataclass(frozen=True, slots=True)
class DigitCodes:
    """The digits of a space: every place is a whole number from 0 to below its ``levels``."""

    space: Space
    levels: tuple[int, ...]
    alphabet: str

    @property
    def places(self) -> int:
        """Digits of a code."""
        return len(self.levels)

    @property
    def highest(self) -> Float[np.ndarray, " places"]:
        """The largest number at every place."""
        return np.array(self.levels, dtype=float) - 1

    def architectures(self, points: Float[np.ndarray, "points places"]) -> list[Architecture]:
        """Of every point the nearest architecture."""
        rounded = np.clip(np.rint(points), 0, self.highest).astype(int)
        return [self.space.architecture("".join(self.alphabet[digit] for digit in row)) for row in rounded]

    def points(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures places"]:
        """Of every architecture its digits."""
        return np.array([[self.alphabet.index(digit) for digit in one.code] for one in architectures], dtype=float)


def digit_codes(space: Space, strategy: str) -> DigitCodes:
    """The digits of a space; one with codes of several lengths raises UnsupportedError, which names the strategy."""
    if levels := levels_of_places(space):
        return DigitCodes(space, levels, space.alphabet if isinstance(space, DigitSpace) else "0123456789")
    raise UnsupportedError(
        f"{strategy} needs codes of a fixed number of digits; {space.name} has codes of several lengths: use "
        "exhaustive or regularised_evolution there"
    )


def first_of_each(space: Space, asked: Sequence[Architecture]) -> list[Architecture]:
    """The architectures without those that are isomorphic to an earlier one."""
    return list({space.canonicalise(one): one for one in reversed(asked)}.values())[::-1]
