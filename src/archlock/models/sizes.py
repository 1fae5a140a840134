"""Networks of NATS-Bench's size space (Dong et al., TPAMI 2021): one cell, channels chosen at five places."""

from typing import Final

from torch import nn

from archlock.models.cell import Cell
from archlock.models.chain import Chain, Part, network_of
from archlock.models.network import Network
from archlock.models.operations import ConvolutionNorm, ResidualBlock
from archlock.spaces import SPACES, Architecture, cell_edges
from archlock.tasks import Signature

CELL: Final = "333133"
"""The fixed cell as a code of NAS-Bench-201, published as the best one of CIFAR-100: all 3x3 but for the shortcut."""
CHANGING: Final = "333233"
"""The cell where its shortcut changes the channels, by a 1x1 convolution."""
PUBLISHED: Final = 16
"""The ``width`` at which the channels are the published ones."""


def sizes(architecture: Architecture, signature: Signature, *, width: int, depth: int, prune: bool) -> Network:
    """Stem, ``depth`` cells, a reduction, cells, a reduction, cells; total stride 4. There is nothing to ``prune``.

    At ``width`` 16 the channels are the published ones (8 to 64), at another one in proportion, rounded up. Published:
    depth 1. A shortcut that changes the channels is a 1x1 convolution with normalisation and without a rectifier.
    """
    del prune
    return network_of(sizes_chain(architecture, signature, width=width, depth=depth), architecture, signature)


def sizes_chain(architecture: Architecture, signature: Signature, *, width: int, depth: int) -> Chain:
    """Its parts."""
    official = SPACES[architecture.space].official_string(architecture)
    channels = [-(-int(count) * width // PUBLISHED) for count in official.split(":")]
    layers: list[Part] = []
    before = channels[0]
    for place, own in enumerate(channels):
        if place in (1, 3):
            layers.append(Part(_reduction, (before, own)))
        else:
            layers.append(Part(_cell, (before, own)))
            layers.extend([Part(_cell, (own, own))] * (depth - 1))
        before = own
    stem = Part(ConvolutionNorm, (signature.shape[0], channels[0], 3))
    return Chain(stem, tuple(layers), Part(_tail, (before,)), before, 4)


def _reduction(channels_in: int, channels_out: int) -> nn.Module:
    return ResidualBlock(channels_in, channels_out, 2, pooled=True)


def _tail(channels: int) -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())


def _cell(channels_in: int, channels_out: int) -> Cell:
    if channels_in == channels_out:
        return Cell(cell_edges(SPACES["nasbench201"].architecture(CELL)), channels_in, channels_out)
    cell = Cell(cell_edges(SPACES["nasbench201"].architecture(CHANGING)), channels_in, channels_out)
    shortcut = cell.operations["0-3"]
    cell.operations["0-3"] = nn.Sequential(*shortcut.children())  # what is no ConvolutionNorm gets no rectifier
    return cell
