"""Networks that are parts in a row, each named by what makes it: built from that, and counted by it, once for all."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from torch import nn

from archlock.models.network import Network
from archlock.spaces import Architecture
from archlock.tasks import Signature


@dataclass(frozen=True, slots=True)
class Part:
    """A module by the function and the arguments that make it; equal parts are modules that cost the same."""

    make: Callable[..., nn.Module]
    arguments: tuple[Hashable, ...] = ()

    def built(self) -> nn.Module:
        """A new module."""
        return self.make(*self.arguments)


@dataclass(frozen=True, slots=True)
class Chain:
    """Stem, cells and tail of a network, which end in so many features at a ``stride``-th of the resolution."""

    stem: Part
    cells: tuple[Part, ...]
    tail: Part
    features: int
    stride: int


def network_of(chain: Chain, architecture: Architecture, signature: Signature) -> Network:
    """The network; its parts are built in their order."""
    body = (chain.stem.built(), nn.Sequential(*(part.built() for part in chain.cells)), chain.tail.built())
    return Network(architecture, signature, body, features=chain.features, stride=chain.stride)
