"""The networks that teach a reader: random ones of eight compact families, and of every space of ours."""

from abc import ABC, abstractmethod
from typing import Final

import numpy as np
from torch import nn

from archlock.catalog import Catalog
from archlock.errors import ConfigurationError
from archlock.leaks.families import FAMILIES, random_network
from archlock.leaks.recording import Shape
from archlock.models import build
from archlock.seeding import rng_for
from archlock.spaces import SPACES
from archlock.tasks import Signature

DEPTHS: Final = (1, 1, 2, 3, 5)
WIDTHS: Final = (8, 12, 16, 24, 32)
_ATTEMPTS: Final = 100


class Generator(ABC):
    """Makes random networks of one family."""

    name: str

    @abstractmethod
    def network(self, shape: Shape, rng: np.random.Generator) -> nn.Module:
        """A network for images of that shape, with random weights."""


class OfFamily(Generator):
    """Of a family of the literature."""

    def __init__(self, name: str) -> None:
        self.name = name

    def network(self, shape: Shape, rng: np.random.Generator) -> nn.Module:
        """See :meth:`Generator.network`."""
        return random_network(self.name, shape, rng)


class OfSpace(Generator):
    """Of a space of ours: an architecture, a width and a depth at random."""

    def __init__(self, name: str) -> None:
        self.name = name

    def network(self, shape: Shape, rng: np.random.Generator) -> nn.Module:
        """See :meth:`Generator.network`. Architectures that are not connected compute nothing and are passed over."""
        space = SPACES[self.name]
        signature = Signature("classification", shape, int(rng.choice((5, 10, 100))), *_moments(shape[0]))
        for _ in range(_ATTEMPTS):
            architecture = space.sample(rng)
            if space.is_connected(architecture):
                width, depth = int(rng.choice(WIDTHS)), int(rng.choice(DEPTHS))
                return build(architecture, signature, width=width, depth=depth, seed=0)
        raise ConfigurationError(f"{_ATTEMPTS} random architectures of {self.name} are not connected; expected one")


def _moments(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return (0.5,) * channels, (0.25,) * channels


GENERATORS: Final[Catalog[Generator]] = Catalog(
    "generator", {**{name: OfFamily(name) for name in FAMILIES}, **{name: OfSpace(name) for name in SPACES}}
)


def training_network(number: int, shape: Shape, *, seed: int) -> tuple[str, nn.Module]:
    """The random network of that number, and its family; families take turns, so that each has as many."""
    names = tuple(GENERATORS)
    name = names[number % len(names)]
    return name, GENERATORS[name].network(shape, rng_for(seed, "peep", name, number))
