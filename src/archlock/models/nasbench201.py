"""Networks of NAS-Bench-201 (Dong and Yang 2020, figure 1): three stages of cells, residual blocks between them."""

from torch import nn

from archlock.models.cell import Cell
from archlock.models.network import Network
from archlock.models.operations import ConvolutionNorm, ResidualBlock
from archlock.spaces import Architecture, cell_edges
from archlock.tasks import Signature


def nasbench201(architecture: Architecture, signature: Signature, *, width: int, depth: int, prune: bool) -> Network:
    """Stem 3x3, then ``depth`` cells at each of ``width``, 2 x ``width`` and 4 x ``width`` channels; total stride 4.

    Published: width 16, depth 5.
    """
    edges = [edge for edge in cell_edges(architecture) if edge.alive or not prune]
    cells: list[nn.Module] = []
    for stage in range(3):
        channels = width * 2**stage
        if stage > 0:
            cells.append(ResidualBlock(channels // 2, channels, 2, pooled=True))
        cells.extend(Cell(edges, channels, channels) for _ in range(depth))
    stem = ConvolutionNorm(signature.shape[0], width, 3)
    tail = nn.Sequential(nn.BatchNorm2d(4 * width), nn.ReLU())
    return Network(architecture, signature, (stem, nn.Sequential(*cells), tail), features=4 * width, stride=4)
