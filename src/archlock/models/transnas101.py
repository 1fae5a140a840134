"""The skeleton of TransNAS-Bench-101 (Duan et al. 2021): a stem, then modules that widen or shrink.

Published: a stem that reduces 256 x 256 images four times, base width 64, two blocks in a module. Deviation: images
smaller than 128 pixels are reduced less by the stem (twice from 64 on, below that not at all), or nothing of an 8 x 8
or 32 x 32 image would be left after the modules. Parameters do not depend on it.
"""

from collections.abc import Callable, Iterator

from torch import nn

from archlock.models.chain import Chain, Part
from archlock.models.operations import ConvolutionNorm
from archlock.tasks import Signature

Block = Callable[[int, int, int], nn.Module]
"""Makes a block from channels in, channels out and stride."""


def skeleton(signature: Signature, modules: str, block: Block, *, width: int, depth: int) -> Chain:
    """Parts of a network of ``modules`` (a digit each, 1 keep, 2 widen, 3 shrink, 4 both) of ``depth`` blocks.

    The first block of a module makes the change.
    """
    smaller_side = min(signature.shape[1:])
    first, second = (2, 2) if smaller_side >= 128 else (2, 1) if smaller_side >= 64 else (1, 1)
    channels, total_stride = width, first * second
    blocks: list[Part] = []
    for wider, stride in _changes(modules, width, depth):
        blocks.append(Part(block, (channels, wider, stride)))
        channels, total_stride = wider, total_stride * stride
    stem = Part(_stem, (signature.shape[0], max(1, width // 2), width, first, second))
    return Chain(stem, tuple(blocks), Part(nn.Identity), channels, total_stride)


def _stem(channels_in: int, half: int, width: int, first: int, second: int) -> nn.Module:
    return nn.Sequential(
        ConvolutionNorm(channels_in, half, 3, first), nn.ReLU(), ConvolutionNorm(half, width, 3, second)
    )


def _changes(modules: str, width: int, depth: int) -> Iterator[tuple[int, int]]:
    """Channels after each block in turn, and its stride."""
    channels = width
    for digit in modules:
        channels *= 2 if digit in "24" else 1
        yield channels, 2 if digit in "34" else 1
        yield from [(channels, 1)] * (depth - 1)
