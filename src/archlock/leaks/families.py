"""Random compact networks of eight families, as designers build them: what a reader has to have seen.

The families are known by their blocks (papers below); number of stages and blocks, widths, rectifiers, normalisation of
the images and heads are chosen at random. Weights are random: what a network computes hardly changes what it betrays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

Activation = Callable[[], nn.Module]
Block = Callable[["Design", int, int, int], nn.Module]
"""(design, channels in, channels out, stride) to a module."""
WIDTHS: Final = (8, 12, 16, 24, 32)
OUTPUTS: Final = (2, 5, 10, 100)


@dataclass(frozen=True, slots=True)
class Design:
    """What is decided once for a network."""

    rng: np.random.Generator
    activation: Activation
    bias: bool
    kernel: int
    """Of depthwise convolutions."""
    groups: int
    expansion: int
    padded: bool
    """Whether shortcuts that change their shape have no weights."""
    pads: bool
    """Whether convolutions are padded by an operator of their own, as in networks that come from TensorFlow."""
    turn: int
    """After how many layers of a body its shortcut has its turn; -1: after all."""


class Residual(nn.Module):
    """What a body says, added to what goes in (or to what a shortcut makes of it)."""

    def __init__(self, body: nn.Sequential, shortcut: nn.Module, last: nn.Module, turn: int) -> None:
        super().__init__()
        turn = len(body) if turn < 0 else turn
        self.before, self.after, self.shortcut, self.last = body[:turn], body[turn:], shortcut, last

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps."""
        half = self.before(maps)
        kept = self.shortcut(maps)
        result: Tensor = self.last(self.after(half) + kept)
        return result


class Padding(nn.Module):
    """A border of zeros by an operator of its own, also where it is no border (as TensorFlow's "same" padding)."""

    def __init__(self, border: int) -> None:
        super().__init__()
        self.border = border

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps."""
        return nn.functional.pad(maps, (self.border,) * 4)


class Padded(nn.Module):
    """Every so many pixels, between channels of zeros: the shortcut without weights of He et al. 2016 (option A)."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride, self.sides = stride, ((out - into) // 2, out - into - (out - into) // 2)

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps."""
        return nn.functional.pad(maps[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, *self.sides))


class Joined(nn.Module):
    """What two branches say, side by side; ``keeps`` what goes in as well, in front."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps."""
        return torch.cat([branch(maps) for branch in self.branches], 1)


class Shuffle(nn.Module):
    """Channels of groups interleaved (ShuffleNet, Zhang et al., CVPR 2018)."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, maps: Tensor) -> Tensor:
        """The same feature maps in another order."""
        count, channels, height, width = maps.shape
        mixed = maps.view(count, self.groups, channels // self.groups, height, width).transpose(1, 2)
        return mixed.reshape(count, channels, height, width)


class Flat(nn.Module):
    """The mean over pixels, as ``mean``."""

    def forward(self, maps: Tensor) -> Tensor:
        """One value a channel."""
        return maps.mean((2, 3))


class Scaled(nn.Module):
    """Images to zero mean and unit deviation."""

    def forward(self, images: Tensor) -> Tensor:
        """The normalised images."""
        return (images - 0.5) / 0.25


def _conv(
    design: Design, into: int, out: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True
) -> list[nn.Module]:
    border = 0 if design.pads else kernel // 2
    layers: list[nn.Module] = [
        *([Padding(kernel // 2)] if design.pads else []),
        nn.Conv2d(into, out, kernel, stride, padding=border, groups=groups, bias=design.bias),
        nn.BatchNorm2d(out),
    ]
    return [*layers, design.activation()] if act else layers


def _shortcut(design: Design, into: int, out: int, stride: int) -> nn.Module:
    if into == out and stride == 1:
        return nn.Identity()
    if design.padded:
        return Padded(into, out, stride)
    return nn.Sequential(*_conv(design, into, out, 1, stride, act=False))


def plain_block(design: Design, into: int, out: int, stride: int) -> nn.Module:
    """VGG (Simonyan and Zisserman, ICLR 2015): 3x3, reduced by pooling or a stride."""
    pooled = stride > 1 and bool(design.rng.integers(2))
    layers = _conv(design, into, out, 3, 1 if pooled else stride)
    return nn.Sequential(*layers, *([nn.MaxPool2d(2, ceil_mode=True)] if pooled else []))


def basic_block(design: Design, into: int, out: int, stride: int) -> nn.Module:
    """ResNet (He et al., CVPR 2016): two 3x3."""
    body = nn.Sequential(*_conv(design, into, out, 3, stride), *_conv(design, out, out, 3, act=False))
    return Residual(body, _shortcut(design, into, out, stride), design.activation(), design.turn)


def bottleneck_block(design: Design, into: int, out: int, stride: int) -> nn.Module:
    """ResNet and ResNeXt (Xie et al., CVPR 2017): 1x1, 3x3 (in groups), 1x1."""
    inner = max(4, out // 2 // 4 * 4)
    groups = design.groups if inner % design.groups == 0 else 1
    body = [*_conv(design, into, inner, 1), *_conv(design, inner, inner, 3, stride, groups)]
    body += _conv(design, inner, out, 1, act=False)
    return Residual(nn.Sequential(*body), _shortcut(design, into, out, stride), design.activation(), design.turn)


def separable_block(design: Design, into: int, out: int, stride: int) -> nn.Module:
    """MobileNet (Howard et al., 2017): one kernel a channel, then 1x1."""
    return nn.Sequential(*_conv(design, into, into, design.kernel, stride, into), *_conv(design, into, out, 1))


def inverted_block(design: Design, into: int, out: int, stride: int) -> nn.Module:
    """MobileNetV2 (Sandler et al., CVPR 2018): wider by 1x1, one kernel a channel, back by 1x1."""
    inner = into * design.expansion
    body = nn.Sequential(
        *(_conv(design, into, inner, 1) if design.expansion > 1 else []),
        *_conv(design, inner, inner, design.kernel, stride, inner),
        *_conv(design, inner, out, 1, act=False),
    )
    return Residual(body, nn.Identity(), nn.Identity(), -1) if into == out and stride == 1 else body


def fire_block(design: Design, into: int, out: int, stride: int) -> nn.Module:
    """SqueezeNet (Iandola et al., 2016): 1x1 to few channels, then 1x1 and 3x3 side by side; no normalisation."""
    few, half = max(2, out // 4), out // 2

    def conv(channels_in: int, channels_out: int, kernel: int) -> nn.Module:
        layer = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
        return nn.Sequential(layer, design.activation())

    pool = [nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)] if stride > 1 else []
    return nn.Sequential(*pool, conv(into, few, 1), Joined(conv(few, half, 1), conv(few, out - half, 3)))


def shuffle_block(design: Design, into: int, out: int, stride: int) -> nn.Module:
    """ShuffleNet: 1x1 in groups, shuffled, one kernel a channel, 1x1 in groups; added, or beside the pooled input."""
    groups = next(g for g in (design.groups, 2, 1) if into % g == 0 and out % g == 0)
    joined = stride > 1 and out > into
    made = out - into if joined else out
    last = groups if made % groups == 0 else 1
    inner = max(groups, out // 4 // groups * groups)
    body = nn.Sequential(
        *_conv(design, into, inner, 1, groups=groups),
        *([Shuffle(groups)] if groups > 1 else []),
        *_conv(design, inner, inner, 3, stride, inner, act=False),
        *_conv(design, inner, made, 1, groups=last, act=False),
    )
    if joined:
        return nn.Sequential(Joined(nn.AvgPool2d(3, 2, padding=1), body), design.activation())
    return Residual(body, _shortcut(design, into, out, stride), design.activation(), design.turn)


def dense_block(design: Design, into: int, out: int, stride: int) -> nn.Module:
    """DenseNet (Huang et al., CVPR 2017): normalisation first; what is made is put beside what went in."""
    if stride > 1 or out <= into:
        layers: list[nn.Module] = [nn.BatchNorm2d(into), design.activation(), nn.Conv2d(into, out, 1, bias=False)]
        return nn.Sequential(*layers, *([nn.AvgPool2d(2, ceil_mode=True)] if stride > 1 else []))
    grown = out - into
    wide = 2 * grown
    body = [nn.BatchNorm2d(into), design.activation(), nn.Conv2d(into, wide, 1, bias=False)]
    body += [nn.BatchNorm2d(wide), design.activation(), nn.Conv2d(wide, grown, 3, padding=1, bias=False)]
    return Joined(nn.Identity(), nn.Sequential(*body))


FAMILIES: Final[dict[str, Block]] = {
    "plain": plain_block,
    "residual": basic_block,
    "bottleneck": bottleneck_block,
    "separable": separable_block,
    "inverted": inverted_block,
    "fire": fire_block,
    "shuffle": shuffle_block,
    "dense": dense_block,
}
"""Blocks by the name of the family."""


def random_network(family: str, shape: tuple[int, int, int], rng: np.random.Generator) -> nn.Module:
    """A network of that family for images of shape (channels, height, width)."""
    block = FAMILIES[family]
    (habits,) = rng.spawn(1)
    inplace = bool(rng.random() < 0.3)
    six = bool(rng.random() < 0.3)
    design = Design(
        rng,
        (lambda: nn.ReLU6(inplace)) if six else (lambda: nn.ReLU(inplace)),
        bias=bool(rng.random() < 0.2),
        kernel=int(rng.choice((3, 3, 5))),
        groups=int(rng.choice((1, 2, 4))),
        expansion=int(rng.choice((1, 2, 4, 6))),
        padded=family == "residual" and bool(habits.random() < 0.5),
        pads=bool(habits.random() < 0.25),
        turn=int(habits.choice((0, 3, -1, -1))),
    )
    width = int(rng.choice(WIDTHS))
    strided = shape[1] >= 64 and bool(rng.random() < 0.7)
    parts: list[nn.Module] = [Scaled()] if rng.random() < 0.5 else []
    parts += _conv(design, shape[0], width, int(rng.choice((3, 3, 5, 7))) if strided else 3, 2 if strided else 1)
    if strided and rng.random() < 0.5:
        parts.append(nn.MaxPool2d(3, 2, padding=1))
    channels, stages = width, int(rng.integers(2, 4)) + (shape[1] >= 128) + (shape[1] >= 64)
    for stage in range(stages):
        out = width * 2 ** min(stage, 4)
        for place in range(int(rng.integers(1, 5))):
            stride = 2 if stage and place == 0 else 1
            if family == "dense" and stride == 1:
                out = channels + int(rng.choice((4, 8, 12)))
            elif family == "dense":
                out = max(4, channels // 2)
            parts.append(block(design, channels, out, stride))
            channels = out
    outputs = int(rng.choice(OUTPUTS))
    return nn.Sequential(*parts, *_head(design, channels, outputs))


def _head(design: Design, channels: int, outputs: int) -> list[nn.Module]:
    pooled: list[nn.Module] = [Flat()] if design.rng.random() < 0.5 else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if design.rng.random() < 0.2:
        return [nn.Conv2d(channels, outputs, 1), *pooled]
    if design.rng.random() < 0.2:
        wider = 2 * channels
        return [*_conv(design, channels, wider, 1), *pooled, nn.Linear(wider, outputs)]
    return [*pooled, nn.Linear(channels, outputs)]
