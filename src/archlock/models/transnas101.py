"""The skeleton of TransNAS-Bench-101 (Duan et al. 2021): a stem, then modules that widen or shrink.

Published: a stem that reduces 256 x 256 images four times, base width 64, two blocks in a module. Deviation: images
smaller than 128 pixels are reduced less by the stem (twice from 64 on, below that not at all), or nothing of an 8 x 8
or 32 x 32 image would be left after the modules. Parameters do not depend on it.
"""

from collections.abc import Callable, Iterator

from torch import nn

from archlock.models.network import Network
from archlock.models.operations import ConvolutionNorm
from archlock.spaces import Architecture
from archlock.tasks import Signature

Block = Callable[[int, int, int], nn.Module]
"""Makes a block from channels in, channels out and stride."""


def skeleton(
    architecture: Architecture, signature: Signature, modules: str, block: Block, *, width: int, depth: int
) -> Network:
    """Network of ``modules`` (a digit each, 1 keep, 2 widen, 3 shrink, 4 both) of ``depth`` blocks.

    The first block of a module makes the change.
    """
    smaller_side = min(signature.shape[1:])
    first, second = (2, 2) if smaller_side >= 128 else (2, 1) if smaller_side >= 64 else (1, 1)
    half = max(1, width // 2)
    stem = nn.Sequential(
        ConvolutionNorm(signature.shape[0], half, 3, first), nn.ReLU(), ConvolutionNorm(half, width, 3, second)
    )
    channels, total_stride = width, first * second
    blocks: list[nn.Module] = []
    for wider, stride in changes(modules, width, depth):
        blocks.append(block(channels, wider, stride))
        channels, total_stride = wider, total_stride * stride
    body = (stem, nn.Sequential(*blocks), nn.Identity())
    return Network(architecture, signature, body, features=channels, stride=total_stride)


def changes(modules: str, width: int, depth: int) -> Iterator[tuple[int, int]]:
    """Channels after each block in turn, and its stride."""
    channels = width
    for digit in modules:
        channels *= 2 if digit in "24" else 1
        yield channels, 2 if digit in "34" else 1
        yield from [(channels, 1)] * (depth - 1)
