"""An ordinary network: what somebody trains who is free to choose, and takes no architecture from anybody.

A small residual network as for CIFAR (He et al. 2016, section 4.2): a 3x3 stem, three stages of residual blocks, each
of twice the channels and half the resolution of the one before. Deviations: the blocks are ours, with the ReLU before
the convolution (He et al. 2016b) and a 1x1 convolution on shortcuts that change something; images with a side of 64
pixels or more are halved by the stem, and from 128 on a second time by maximum pooling, as in the same paper's networks
for photographs.
"""

from bisect import bisect_left

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import ConfigurationError
from archlock.models.cost import count_parameters
from archlock.models.initialisation import draw_head, draw_part, drawing
from archlock.models.network import DenseDecoder, Normalise, head_for
from archlock.models.one_row import as_built_for
from archlock.models.operations import ConvolutionNorm, ResidualBlock
from archlock.tasks import Signature

BLOCKS = 2
"""Residual blocks in each of the three stages."""
WIDEST = 1024
"""Most channels after the stem."""


class Ordinary(nn.Module):
    """Takes float32 images in [0, 1] and returns logits, or images for a dense task, as our networks do."""

    def __init__(self, signature: Signature, width: int) -> None:
        """``width`` is the number of channels after the stem; the last stage has four times as many."""
        super().__init__()
        shorter = min(signature.shape[1:])
        halved, pooled = (2 if shorter >= size else 1 for size in (64, 128))
        self.normalise = Normalise(signature.mean, signature.std)
        self.stem = ConvolutionNorm(signature.shape[0], width, 3, halved)
        self.pool = nn.MaxPool2d(3, 2, padding=1) if pooled > 1 else nn.Identity()
        self.blocks, channels = nn.Sequential(), width
        for stage in range(3):
            wider = width * 2**stage
            for place in range(BLOCKS):
                stride = 2 if stage > 0 and place == 0 else 1
                self.blocks.append(ResidualBlock(channels, wider, stride, pooled=False))
                channels = wider
        self.tail = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        as_built_for(signature.form, self)
        self.head = head_for(signature, channels, 4 * halved * pooled)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"] | Float[Tensor, "n outputs h w"]:
        """Logits, or an image per example for a dense task."""
        maps = self.tail(self.blocks(self.pool(self.stem(self.normalise(images)))))
        result: Tensor = self.head(maps if isinstance(self.head, DenseDecoder) else maps.mean((2, 3)))
        return result


def ordinary(signature: Signature, *, parameters: int, seed: int) -> nn.Module:
    """Ordinary network whose number of parameters is nearest to ``parameters``; its first weights come from the seed.

    Of two widths that are equally near the smaller one is taken. Less than one parameter raises
    :class:`~archlock.errors.ConfigurationError`.
    """
    if parameters < 1:
        raise ConfigurationError(f"an ordinary network needs a size of at least 1 parameter; got {parameters}")
    with drawing(seed, "body"):
        above = 1 + bisect_left(range(1, WIDEST), parameters, key=lambda width: _size(signature, width))
        width = min((max(1, above - 1), above), key=lambda width: abs(_size(signature, width) - parameters))
        network = Ordinary(signature, width)
    with drawing(seed, "body"):
        for part in (network.stem, network.blocks, network.tail):
            draw_part(part)
    with drawing(seed, "head"):
        draw_head(network.head)
    return network


def _size(signature: Signature, width: int) -> int:
    with torch.device("meta"):
        return count_parameters(Ordinary(signature, width))
