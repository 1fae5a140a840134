"""The macro (skeleton) space of TransNAS-Bench-101 (Duan et al., CVPR 2021): 3,256 chains of four to six modules.

Digit of a module: 1 keeps channels and resolution, 2 doubles the channels, 3 halves the resolution, 4 does both. A
chain doubles the channels one to three times and halves the resolution one to four times. Every code is its own class.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from jaxtyping import Float, Int64

from archlock.errors import ArchitectureError
from archlock.spaces.architecture import Architecture, Space, Traits
from archlock.spaces.pairs import pair_products

TYPES = "1234"
DOUBLES, HALVES = "24", "34"
SHORTEST, LONGEST = 4, 6


def is_code(code: str) -> bool:
    """Whether the text is a chain of the space."""
    return (
        SHORTEST <= len(code) <= LONGEST
        and set(code) <= set(TYPES)
        and 1 <= sum(code.count(digit) for digit in DOUBLES) <= 3
        and 1 <= sum(code.count(digit) for digit in HALVES) <= 4
    )


class MacroSpace(Space):
    """All chains of modules."""

    name = "transnas101_macro"

    def __init__(self) -> None:
        chains = (
            "".join(digits) for modules in range(SHORTEST, LONGEST + 1) for digits in product(TYPES, repeat=modules)
        )
        self._codes = tuple(sorted(filter(is_code, chains)))

    def __len__(self) -> int:
        return len(self._codes)

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture once, in ascending order of code (as text: 411114 comes before 4112)."""
        return (Architecture(self.name, code) for code in self._codes)

    def architecture(self, code: str) -> Architecture:
        """Architecture of a code of four to six digits."""
        if not is_code(code):
            raise self._not_one(code)
        return Architecture(self.name, code)

    def parse(self, text: str) -> Architecture:
        """Architecture of an official string, a code, or ``space:code``."""
        code = text.strip().removeprefix(f"{self.name}:")
        official = re.fullmatch(r"64-(\d+)-basic", code)
        code = official[1] if official else code
        if not is_code(code):
            raise self._not_one(text)
        return Architecture(self.name, code)

    def official_string(self, architecture: Architecture) -> str:
        """The string under which the benchmark's own files know the architecture, for example ``64-4111-basic``."""
        return f"64-{self._code(architecture)}-basic"

    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture, uniformly at random."""
        return Architecture(self.name, self._codes[int(rng.integers(len(self._codes)))])

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour, uniformly at random."""
        neighbours = self.neighbours(architecture)
        return neighbours[int(rng.integers(len(neighbours)))]

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """All chains with one module of another type, one more or one less, in ascending order of code."""
        code = self._code(architecture)
        places = range(len(code))
        changed = {code[:place] + digit + code[place + 1 :] for place in places for digit in TYPES}
        longer = {code[:place] + digit + code[place:] for place in range(len(code) + 1) for digit in TYPES}
        shorter = {code[:place] + code[place + 1 :] for place in places}
        return tuple(
            Architecture(self.name, other) for other in sorted((changed | longer | shorter) - {code}) if is_code(other)
        )

    def canonicalise(self, architecture: Architecture) -> Architecture:
        """The architecture itself."""
        return Architecture(self.name, self._code(architecture))

    def simplify(self, architecture: Architecture) -> Architecture:
        """The architecture itself: no two chains are the same function."""
        return Architecture(self.name, self._code(architecture))

    def is_connected(self, architecture: Architecture) -> bool:
        """Always: a chain has no gaps."""
        return bool(self._code(architecture))

    def encode(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """One-hot code: absent, 1, 2, 3 or 4 for each of six places (30 numbers)."""
        one_hot: np.ndarray = np.eye(len(TYPES) + 1)[self._digits(architectures)]
        return one_hot.reshape(len(architectures), LONGEST * (len(TYPES) + 1))

    def features(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """One-hot code, products of the indicators of every two places, and the shape of the chain.

        The shape: for each place the binary logarithms of channels and of resolution after it, relative to the stem
        (places past the end repeat the last); the number of modules, doublings and halvings; and the logarithms of the
        parameters and of the multiply-adds of the modules, up to constants.
        """
        digits = self._digits(architectures)
        one_hot = np.eye(len(TYPES) + 1)[digits]
        channels = np.cumsum(((digits == 2) | (digits == 4)).astype(np.int64), axis=1)
        halvings = np.cumsum((digits >= 3).astype(np.int64), axis=1)
        present = digits > 0
        parameters = np.where(present, 4.0**channels, 0)
        shape = [
            np.stack([present.sum(axis=1), channels[:, -1], halvings[:, -1]], axis=1),
            np.log2(np.stack([parameters.sum(axis=1), (parameters / 4.0**halvings).sum(axis=1)], axis=1)),
        ]
        return np.concatenate([self.encode(architectures), pair_products(one_hot), channels, -halvings, *shape], axis=1)

    def relative_cost(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Squared channels times pixels, summed over the modules, relative to the stem's."""
        digits = self._digits(architectures)
        doublings = np.cumsum((digits == 2) | (digits == 4), axis=1)
        halvings = np.cumsum(digits >= 3, axis=1)
        return np.asarray(np.where(digits > 0, 4.0 ** (doublings - halvings), 0).sum(axis=1))

    def shortest_path(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Always 0 or the number of modules that change the shape: those alone have a convolution on their shortcut."""
        return np.asarray((self._digits(architectures) > 1).sum(axis=1).astype(float))

    def choices(self, architectures: Sequence[Architecture]) -> Traits:
        """For every place and module type: is that the module there (absent, past the end of the chain)."""
        words = ("absent", "plain", "double the channels", "halve the resolution", "double and halve")
        names = [f"{word} at place {place}" for place in range(1, LONGEST + 1) for word in words]
        return Traits(tuple(names), self.encode(architectures))

    def shape(self, architectures: Sequence[Architecture]) -> Traits:
        """Modules, doublings, halvings, where the first of each stands, and the cost."""
        digits = self._digits(architectures)
        doubles, halves = (digits == 2) | (digits == 4), digits >= 3
        columns = {
            "number of modules": (digits > 0).sum(axis=1),
            "number of doublings": doubles.sum(axis=1),
            "number of halvings": halves.sum(axis=1),
            "place of the first doubling": doubles.argmax(axis=1) + 1,
            "place of the first halving": halves.argmax(axis=1) + 1,
            "cost (relative to the stem)": self.relative_cost(architectures),
        }
        return Traits(tuple(columns), np.stack([np.asarray(c, dtype=float) for c in columns.values()], axis=1))

    def _digits(self, architectures: Sequence[Architecture]) -> Int64[np.ndarray, "architectures 6"]:
        text = "".join(self._code(architecture).ljust(LONGEST, "0") for architecture in architectures)
        return np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int64).reshape(-1, LONGEST) - ord("0")

    def _code(self, architecture: Architecture) -> str:
        if architecture.space != self.name or not is_code(architecture.code):
            raise self._not_one(str(architecture))
        return architecture.code

    def _not_one(self, text: str) -> ArchitectureError:
        return ArchitectureError(
            f"{text!r} is not an architecture of {self.name}; expected {SHORTEST} to {LONGEST} digits from 1 to 4, of "
            f"them one to three 2 or 4 (double the channels) and one to four 3 or 4 (halve the resolution), such as "
            f"'4111', '{self.name}:4111' or the official '64-4111-basic'"
        )


transnas101_macro = MacroSpace()
