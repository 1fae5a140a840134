"""Networks of the macro space of TransNAS-Bench-101: residual blocks in a skeleton that is the architecture."""

from torch import nn

from archlock.models.chain import Chain, network_of
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
    return network_of(
        transnas101_macro_chain(architecture, signature, width=width, depth=depth), architecture, signature
    )


def transnas101_macro_chain(architecture: Architecture, signature: Signature, *, width: int, depth: int) -> Chain:
    """Its parts."""
    return skeleton(signature, architecture.code, _block, width=width, depth=depth)


def _block(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    return ResidualBlock(channels_in, channels_out, stride, pooled=False)
