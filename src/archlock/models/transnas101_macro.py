"""Networks of the macro space of TransNAS-Bench-101: residual blocks in a skeleton that is the architecture."""

from functools import partial

from archlock.models.network import Network
from archlock.models.operations import ResidualBlock
from archlock.models.transnas101 import skeleton
from archlock.spaces import Architecture
from archlock.tasks import Signature


def transnas101_macro(
    architecture: Architecture, signature: Signature, *, width: int, depth: int, prune: bool
) -> Network:
    """A module of ``depth`` residual blocks per digit. Published: width 64, depth 2. There is nothing to ``prune``."""
    del prune
    block = partial(ResidualBlock, pooled=False)
    return skeleton(architecture, signature, architecture.code, block, width=width, depth=depth)
