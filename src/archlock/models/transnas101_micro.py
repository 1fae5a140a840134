"""Networks of the micro space of TransNAS-Bench-101: one cell, repeated in the fixed skeleton 41414."""

from archlock.models.cell import Cell
from archlock.models.chain import network_of
from archlock.models.network import Network
from archlock.models.transnas101 import skeleton
from archlock.spaces import Architecture, cell_edges
from archlock.tasks import Signature

MODULES = "41414"


def transnas101_micro(
    architecture: Architecture, signature: Signature, *, width: int, depth: int, prune: bool
) -> Network:
    """Five modules of ``depth`` cells, of 2, 2, 4, 4 and 8 x ``width`` channels. Published: width 64, depth 2."""
    edges = [edge for edge in cell_edges(architecture) if edge.alive or not prune]
    chain = skeleton(signature, MODULES, lambda *sizes: Cell(edges, *sizes), width=width, depth=depth)
    return network_of(chain, architecture, signature)
