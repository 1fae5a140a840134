"""Many networks of different architectures as one module, so that a step of all of them is a few large operations.

The networks sit side by side in the channels: activations are N x (networks * channels) x H x W, the same convolution
of several networks is one grouped convolution, batch normalisation is by channel anyway, and the heads are one batched
matrix product. In a cell the networks that have the same operation on an edge go through it together. No number of one
network reaches another one, so each computes, and learns from the sum of the losses, what it does alone, up to the
order of sums.

Networks can be stacked if all but the operations on their edges agree (:func:`skeleton_of`): space, width, depth,
signature, and in the spaces of skeletons the architecture. Memory is that of all the networks at once.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import UnsupportedError
from archlock.models.cell import Cell
from archlock.models.network import Network
from archlock.models.stacked_modules import Piece, StackedLinear, blocks_of, stack_modules

PARTS = ("normalise", "stem", "cells", "tail", "head")


class StackedNetwork(nn.Module):
    """K networks as one, made by :func:`stack`; its parts are named as those of :class:`~archlock.models.Network`."""

    def __init__(self, networks: Sequence[Network]) -> None:
        super().__init__()
        self._networks = tuple(networks)  # (in a tuple they are no submodules)
        self._pieces: list[Piece] = []
        self.normalise, self.stem, self.cells, self.tail, self.head = (
            stack_modules([network.get_submodule(part) for network in self._networks], self._pieces) for part in PARTS
        )

    def __len__(self) -> int:
        return len(self._networks)

    def forward(self, images: Float[Tensor, "n kc h w"]) -> Float[Tensor, "k n *outputs"]:
        """What each network says about its own images: network i is given block i of the channels."""
        maps = self.tail(self.cells(self.stem(self.normalise(images))))
        if isinstance(self.head, StackedLinear):
            logits: Tensor = self.head(maps.mean((2, 3)))
            return logits
        return blocks_of(self.head(maps), len(self)).transpose(0, 1)

    @torch.no_grad()
    def unstack(self, value_of: Callable[[Tensor], Tensor] | None = None) -> list[Network]:
        """The single networks with the weights and statistics they have now, in the order in which they were stacked.

        With ``value_of`` the parameters are filled with something else of their shape, say with their momentum.
        """
        given: dict[int, Tensor] = {}  # what deepcopy takes instead of a copy of the tensor of that id
        parameters = set(self.parameters())
        for piece in self._pieces:
            tensor = getattr(piece.stacked, piece.name)
            value = value_of(tensor) if value_of is not None and tensor in parameters else tensor
            chunks = value.detach().chunk(len(piece.sources)) if value.ndim else [value] * len(piece.sources)
            for source, chunk in zip(piece.sources, chunks, strict=True):
                own = getattr(source, piece.name)
                part = torch.empty_like(own, device=value.device).copy_(chunk.view(own.shape))
                given[id(own)] = nn.Parameter(part) if isinstance(own, nn.Parameter) else part
        networks = copy.deepcopy(self._networks, given)
        return [network.train(self.training) for network in networks]


def stack(networks: Sequence[Network]) -> StackedNetwork:
    """One module that runs copies of the networks side by side.

    Networks that do not fit together raise :class:`~archlock.errors.UnsupportedError`; see :func:`skeleton_of`.
    """
    if not networks:
        raise UnsupportedError("there is nothing to stack; give at least one network")
    skeleton = skeleton_of(networks[0])
    for network in networks:
        if skeleton_of(network) != skeleton:
            raise UnsupportedError(
                f"{networks[0].architecture} and {network.architecture} cannot be stacked: they differ in more "
                "than the operations of a cell (space, width, depth or task); stack those whose skeleton_of is equal"
            )
    return StackedNetwork(networks)


def skeleton_of(network: Network) -> str:
    """What networks must have in common to be stacked: everything but what is inside their cells."""
    parts = [_outside(network.get_submodule(part)) for part in PARTS]
    return "\n".join([network.architecture.space, repr(network.signature), *parts])


def _outside(module: nn.Module) -> str:
    if isinstance(module, Cell):
        return f"Cell of {module.channels_out} channels, stride {module.stride}"
    if isinstance(module, nn.Sequential):
        return "; ".join(map(_outside, module))
    return repr(module)
