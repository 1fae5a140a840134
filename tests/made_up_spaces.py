"""Spaces that no benchmark has."""

from collections.abc import Sequence

import numpy as np

from archlock.spaces import Architecture, DigitSpace, Traits


class OnlyOne(DigitSpace):
    """A space of one architecture."""

    name = "only_one"
    places = 1
    alphabet = "0"

    def describe_code(self) -> str:
        return "0"

    def read_official(self, text: str) -> str | None:
        return None

    def choice_names(self) -> tuple[str, ...]:
        return ("nothing to choose",)

    def official_string(self, architecture: Architecture) -> str:
        return self.code(architecture)

    def canonicalise(self, architecture: Architecture) -> Architecture:
        return architecture

    def simplify(self, architecture: Architecture) -> Architecture:
        return architecture

    def features(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return self.encode(architectures)

    def relative_cost(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return np.ones(len(architectures))

    def shortest_path(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return np.ones(len(architectures))

    def shape(self, architectures: Sequence[Architecture]) -> Traits:
        return self.choices(architectures)
