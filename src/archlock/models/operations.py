"""What sits on the edges of a cell, and the residual block between cells.

Convolutions are ReLU - convolution - batch normalisation. The ReLU belongs to the tail node of the edge, where it is
computed once for all the edges that want it (:func:`wants_rectified`), so the operations here begin at the convolution.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import UnsupportedError


class ConvolutionNorm(nn.Module):
    """Convolution without bias, padded to keep the size (stride 2: halve it, rounding up), then batch normalisation."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, *, groups: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            channels_in, channels_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Feature maps of the same size, or half of it (rounded up)."""
        result: Tensor = self.norm(self.convolution(images))
        return result


class Affine(nn.Module):
    """What is left of a normalisation without statistics: a scale and a shift for each channel."""

    def __init__(self, channels: int, scale: float = 1.0) -> None:
        """``scale`` is the first value of every scale; shifts begin at 0."""
        super().__init__()
        self.scale = scale
        self.weight, self.bias = nn.Parameter(torch.empty(channels)), nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The first values."""
        nn.init.constant_(self.weight, self.scale)
        nn.init.zeros_(self.bias)

    def forward(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Scaled and shifted."""
        return maps * self.weight[:, None, None] + self.bias[:, None, None]

    def extra_repr(self) -> str:
        """Channels and first scale."""
        return f"{len(self.weight)}, scale={self.scale:g}"


class FactorisedReduction(nn.Module):
    """A skip where channels or resolution change: two 1x1 convolutions, one a pixel off, and batch normalisation.

    From TransNAS-Bench-101 (there ``FactorizedReduce``). At stride 1 the second one looks one pixel down and right (of
    signals, which have one row, one step right: see ``one_row``).
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        half, self.down = channels_out // 2, 1
        self.even = nn.Conv2d(channels_in, half, 1, stride, bias=False)
        self.odd = nn.Conv2d(channels_in, channels_out - half, 1, stride, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Feature maps of the same size, or half of it (rounded up)."""
        moved = F.pad(images, (0, 1, 0, self.down))[..., self.down :, 1:]
        result: Tensor = self.norm(torch.cat([self.even(images), self.odd(moved)], 1))
        return result


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions (each after a ReLU) and a shortcut, added; the first convolution may widen and shrink.

    The shortcut is the identity where nothing changes. Where something does, it is a 1x1 convolution: after average
    pooling 2x2 and without normalisation in NAS-Bench-201 (``pooled``), strided and with normalisation in
    TransNAS-Bench-101. Odd sizes are rounded up, as the convolutions do (the published pooling cannot take them).
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int, *, pooled: bool) -> None:
        super().__init__()
        self.relu_a, self.relu_b = nn.ReLU(), nn.ReLU()
        self.block_a = ConvolutionNorm(channels_in, channels_out, 3, stride)
        self.block_b = ConvolutionNorm(channels_out, channels_out, 3)
        self.shortcut: nn.Module
        if channels_in == channels_out and stride == 1:
            self.shortcut = nn.Identity()
        elif pooled:
            pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
            self.shortcut = nn.Sequential(pool, nn.Conv2d(channels_in, channels_out, 1, bias=False))
        else:
            self.shortcut = ConvolutionNorm(channels_in, channels_out, 1, stride)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Feature maps of the same size, or half of it (rounded up)."""
        hidden = self.block_a(self.relu_a(images))
        result: Tensor = self.shortcut(images) + self.block_b(self.relu_b(hidden))
        return result


def operation(name: str, channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """Module for an operation of a cell space; one without a module (none, unknown) raises UnsupportedError."""
    same = channels_in == channels_out and stride == 1
    if name in ("nor_conv_1x1", "conv1x1"):
        return ConvolutionNorm(channels_in, channels_out, 1, stride)
    if name in ("nor_conv_3x3", "conv3x3"):
        return ConvolutionNorm(channels_in, channels_out, 3, stride)
    if name in ("skip_connect", "skip"):
        return nn.Identity() if same else FactorisedReduction(channels_in, channels_out, stride)
    if name == "avg_pool_3x3" and same:
        return nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)
    raise UnsupportedError(
        f"operation {name!r} cannot be built from {channels_in} to {channels_out} channels with stride {stride}; "
        f"expected a convolution 1x1 or 3x3, a skip, or average pooling that changes nothing"
    )


def wants_rectified(module: nn.Module) -> bool:
    """Whether a module on an edge takes its tail node after the ReLU."""
    return isinstance(module, ConvolutionNorm | FactorisedReduction)
