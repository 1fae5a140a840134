"""Spaces whose codes all have the same number of digits, each digit a choice that is free of the others.

What is the same in all of them: enumerating, sampling, neighbours (another digit at one place) and the one-hot code.
What the digits mean, which codes are one function and what an architecture costs is for each member to say.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from jaxtyping import Float, Int64

from archlock.errors import ArchitectureError
from archlock.spaces.architecture import Architecture, Space, Traits


class DigitSpace(Space):
    """All codes of ``places`` digits out of ``alphabet``; abstract."""

    places: int
    alphabet: str
    """The digits in ascending order; each is one character."""

    @abstractmethod
    def describe_code(self) -> str:
        """What a code looks like, with examples, to end the sentence that begins with "expected"."""

    @abstractmethod
    def read_official(self, text: str) -> str | None:
        """Code of an official string; None if it is not one."""

    @abstractmethod
    def choice_names(self) -> tuple[str, ...]:
        """The choices in words, place by place and digit by digit."""

    def __len__(self) -> int:
        return int(len(self.alphabet) ** self.places)

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture once, in ascending order of code."""
        return (Architecture(self.name, "".join(code)) for code in product(self.alphabet, repeat=self.places))

    def architecture(self, code: str) -> Architecture:
        """Architecture of a code; one of another length or alphabet raises ArchitectureError."""
        if not self._is_code(code):
            raise self._not_one(code)
        return Architecture(self.name, code)

    def parse(self, text: str) -> Architecture:
        """Architecture of an official string, a code, or ``space:code``."""
        stripped = text.strip().removeprefix(f"{self.name}:")
        code = stripped if self._is_code(stripped) else self.read_official(stripped)
        if code is None:
            raise self._not_one(text)
        return self.architecture(code)

    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture, uniformly at random."""
        sampled = rng.integers(len(self.alphabet), size=self.places)
        return Architecture(self.name, "".join(self.alphabet[digit] for digit in sampled))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Another digit at one place, uniformly at random."""
        code = self.code(architecture)
        place = int(rng.integers(self.places))
        step = int(rng.integers(1, len(self.alphabet)))
        digit = self.alphabet[(self.alphabet.index(code[place]) + step) % len(self.alphabet)]
        return Architecture(self.name, code[:place] + digit + code[place + 1 :])

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """All architectures with another digit at exactly one place, in ascending order of code."""
        code = self.code(architecture)
        changed = {code[:place] + digit + code[place + 1 :] for place in range(self.places) for digit in self.alphabet}
        return tuple(Architecture(self.name, other) for other in sorted(changed - {code}))

    def is_connected(self, architecture: Architecture) -> bool:
        """Always: a chain has no gaps."""
        return bool(self.code(architecture))

    def encode(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """One-hot code: choice by choice for each place in turn."""
        one_hot: np.ndarray = np.eye(len(self.alphabet))[self.digits(architectures)]
        return one_hot.reshape(len(architectures), self.places * len(self.alphabet))

    def choices(self, architectures: Sequence[Architecture]) -> Traits:
        """For every place and digit: is that the digit there, of the simplest code of the function."""
        return Traits(self.choice_names(), self.encode([self.simplify(one) for one in architectures]))

    def digits(self, architectures: Sequence[Architecture]) -> Int64[np.ndarray, "architectures places"]:
        """The codes as positions in the alphabet."""
        text = "".join(map(self.code, architectures))
        position = np.zeros(128, dtype=np.int64)
        position[[ord(digit) for digit in self.alphabet]] = np.arange(len(self.alphabet))
        return position[np.frombuffer(text.encode(), dtype=np.uint8)].reshape(-1, self.places)

    def code(self, architecture: Architecture) -> str:
        """The code of a member; an architecture of another space raises ArchitectureError."""
        if architecture.space != self.name or not self._is_code(architecture.code):
            raise self._not_one(str(architecture))
        return architecture.code

    def _is_code(self, code: str) -> bool:
        return len(code) == self.places and frozenset(self.alphabet).issuperset(code)

    def _not_one(self, text: str) -> ArchitectureError:
        return ArchitectureError(f"{text!r} is not an architecture of {self.name}; expected {self.describe_code()}")
