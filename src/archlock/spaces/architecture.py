"""What an architecture is, and what every space of them can do.

An :class:`Architecture` is a frozen description (a space's name and a canonical code); a :class:`Space` says which
descriptions exist and how to move between them. Nothing here builds or trains networks (see ``archlock.models``).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, slots=True, order=True)
class Architecture:
    """One architecture: the name of its space and its code there, for example ``nasbench201:421211``.

    Made by a space (``space.architecture(code)``, ``space.parse(text)``), which checks the code.
    """

    space: str
    code: str

    def __str__(self) -> str:
        return f"{self.space}:{self.code}"


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """Named numbers of architectures, for people to read (surrogate models take ``features``)."""

    names: tuple[str, ...]
    values: Float[np.ndarray, "architectures traits"]


class Space(ABC):
    """A finite, enumerable set of architectures. Members are stateless; one instance serves everybody."""

    name: str
    """Name in the catalog ``archlock.spaces.SPACES``."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of architectures."""

    @abstractmethod
    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture once, in ascending order of code."""

    @abstractmethod
    def architecture(self, code: str) -> Architecture:
        """Architecture of that code; a bad one raises :class:`~archlock.errors.ArchitectureError`."""

    @abstractmethod
    def parse(self, text: str) -> Architecture:
        """Architecture of an official string, a code, or ``space:code``; ArchitectureError if it is none of them."""

    @abstractmethod
    def official_string(self, architecture: Architecture) -> str:
        """The string under which the benchmark's own files know the architecture."""

    @abstractmethod
    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture, uniformly at random."""

    def sensible(self) -> Architecture | None:
        """What a designer would begin with, in a space most of whose members learn badly; None: any may be good."""
        return None

    @abstractmethod
    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour, uniformly at random; never the architecture itself."""

    @abstractmethod
    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """All architectures that differ in exactly one decision."""

    @abstractmethod
    def canonicalise(self, architecture: Architecture) -> Architecture:
        """The representative of the isomorphism class (smallest code): same class, same representative."""

    @abstractmethod
    def simplify(self, architecture: Architecture) -> Architecture:
        """The cheapest architecture that is the same function: same function, same result.

        The same function means that the models of ``archlock.models`` are the same set of functions over all weights,
        equally distributed when the weights are random. What holds of one holds of the other, so one measurement serves
        both. This is not :meth:`canonicalise`, which keeps to what a benchmark calls isomorphic.
        """

    @abstractmethod
    def is_connected(self, architecture: Architecture) -> bool:
        """Whether the input reaches the output; an architecture that is not connected is a constant predictor."""

    @abstractmethod
    def encode(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """One-hot code, the published encoding (30 numbers in NAS-Bench-201)."""

    @abstractmethod
    def features(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """Structural features for surrogate models: one-hot code, pairs of decisions, and paths where they exist."""

    @abstractmethod
    def relative_cost(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Multiply-adds of what the architectures vary, up to a constant of the space; dead parts cost nothing."""

    @abstractmethod
    def shortest_path(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Fewest convolutions on any way from input to output; 0: a shortcut, by which the input passes as it is.

        An architecture that is not connected has 0 as well.
        """

    @abstractmethod
    def choices(self, architectures: Sequence[Architecture]) -> Traits:
        """The decisions that make an architecture, in words: one indicator for each choice at each place."""

    @abstractmethod
    def shape(self, architectures: Sequence[Architecture]) -> Traits:
        """What the decisions add up to, in words: counts, depths, paths, size."""
