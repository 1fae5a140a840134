"""The size space of NATS-Bench (Dong, Liu, Musial and Gabrys, TPAMI 2021): 8^5 = 32,768 choices of channels.

One fixed cell, five places where the channels are chosen: stem and first cell, first reduction, second cell, second
reduction, third cell. Digit d stands for 8 d channels, so code ``12345`` is the official ``8:16:24:32:40``. No two
codes are the same function. This is not the topology space (``nasbench201``): its networks are wider or narrower, and
their cells are all alike.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Int64

from archlock.spaces.architecture import Architecture, Traits
from archlock.spaces.digit_space import DigitSpace
from archlock.spaces.pairs import pair_products

STEP: Final = 8
"""Channels of a digit."""
PLACES: Final = ("stem and first cell", "first reduction", "second cell", "second reduction", "third cell")


class Sizes(DigitSpace):
    """All codes of five digits."""

    name = "sizes"
    places = len(PLACES)
    alphabet = "12345678"

    def describe_code(self) -> str:
        """What a code looks like."""
        return (
            f"{self.places} digits from 1 to 8 (times {STEP} channels) such as '12345' or '{self.name}:12345', or the "
            "official '8:16:24:32:40'"
        )

    def read_official(self, text: str) -> str | None:
        """Code of channels separated by colons, each a multiple of 8 from 8 to 64."""
        if re.fullmatch(r"\d{1,2}(:\d{1,2}){4}", text, re.ASCII) is None:
            return None
        channels = [int(part) for part in text.split(":")]
        code = "".join(str(count // STEP) for count in channels)
        return code if self.write(code) == text and set(code) <= set(self.alphabet) else None

    def write(self, code: str) -> str:
        """Official string of a code."""
        return ":".join(str(STEP * int(digit)) for digit in code)

    def official_string(self, architecture: Architecture) -> str:
        """The channels of the five places, for example ``8:16:24:32:40``."""
        return self.write(self.code(architecture))

    def canonicalise(self, architecture: Architecture) -> Architecture:
        """The architecture itself."""
        return Architecture(self.name, self.code(architecture))

    def simplify(self, architecture: Architecture) -> Architecture:
        """The architecture itself: no two are the same function."""
        return Architecture(self.name, self.code(architecture))

    def features(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """One-hot code, products of the indicators of every two places, logarithms of the channels and of the cost."""
        one_hot = np.eye(len(self.alphabet))[self.digits(architectures)]
        flat = one_hot.reshape(len(one_hot), self.places * len(self.alphabet))
        cost = np.log(self.relative_cost(architectures))[:, None]
        return np.concatenate([flat, pair_products(one_hot), np.log2(self.channels(architectures)), cost], axis=1)

    def relative_cost(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Millions of multiply-adds of stem, cells and reductions at the published width, 3 x 32 x 32 images.

        A cell has five 3x3 convolutions, two of which (and a 1x1 one, where the channels change) read what comes in; a
        reduction has two 3x3 convolutions and a 1x1 one.
        """
        width = self.channels(architectures).astype(float)
        before = np.concatenate([width[:, :1], width[:, :-1]], axis=1)
        found = 27 * width[:, 0] * 32**2
        for place, pixels in enumerate((32**2, 16**2, 16**2, 8**2, 8**2)):
            own, coming = width[:, place], before[:, place]
            if place in (1, 3):
                found += pixels * (9 * own * own + 10 * own * coming)
            else:
                found += pixels * own * (27 * own + 18 * coming + np.where(own == coming, 0, coming))
        return np.asarray(found / 1e6)

    def shortest_path(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Each reduction has a convolution on its shortcut; a cell has one where it changes the channels."""
        width = self.channels(architectures)
        return np.asarray(2.0 + (width[:, 2] != width[:, 1]) + (width[:, 4] != width[:, 3]))

    def choice_names(self) -> tuple[str, ...]:
        """The choices in words, place by place."""
        return tuple(f"{STEP * int(digit)} channels at the {place}" for place in PLACES for digit in self.alphabet)

    def shape(self, architectures: Sequence[Architecture]) -> Traits:
        """Channels of every place, how much the network widens and narrows, and the cost."""
        width = self.channels(architectures)
        columns = {
            **{f"channels of the {place}": width[:, index] for index, place in enumerate(PLACES)},
            "widest place": width.max(axis=1),
            "narrowest place": width.min(axis=1),
            "convolutions on the shortest path": self.shortest_path(architectures),
            "cost (million multiply-adds)": self.relative_cost(architectures),
        }
        return Traits(tuple(columns), np.stack([np.asarray(c, dtype=float) for c in columns.values()], axis=1))

    def channels(self, architectures: Sequence[Architecture]) -> Int64[np.ndarray, "architectures 5"]:
        """Published channels of the five places."""
        return np.asarray(STEP * (self.digits(architectures) + 1))


sizes = Sizes()
