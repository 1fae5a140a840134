"""Networks of ``locking_macro``: a stem, stages of equal cells, a tail; see :mod:`archlock.spaces.locking_skeleton`.

Every cell is activation - convolution - normalisation, once or several times (He et al. 2016b), and a shortcut where
the architecture has them: the identity, or average pooling and a 1x1 convolution without normalisation where channels
or resolution change, as in NAS-Bench-201. Without normalisation a scale and a shift of each channel are learned in its
place (Zhang et al., Fixup, ICLR 2019, without its rules for rates and first weights); the last scale of a cell with a
shortcut begins at one over the square root of the number of cells, or sums of many cells would be too large to train.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import gcd
from typing import Final

from jaxtyping import Float
from torch import Tensor, nn

from archlock.models.chain import Chain, Part, network_of
from archlock.models.network import Network
from archlock.models.operations import Affine
from archlock.spaces import Architecture, bottleneck_channels, waist_channels
from archlock.spaces import locking_macro as space
from archlock.tasks import Signature

ACTIVATIONS: Final[dict[str, Callable[[], nn.Module]]] = {"relu": nn.ReLU, "silu": nn.SiLU, "hardtanh": nn.Hardtanh}
GROUPS: Final = 4
"""Of channels in a group normalisation; fewer where that many do not come out even, or are not of four channels each:
one channel alone would lose its mean, which is what the head reads."""


class Shortened(nn.Module):
    """A branch and a shortcut past it, added."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Feature maps of the same size, or half of it (rounded up)."""
        result: Tensor = self.shortcut(maps) + self.branch(maps)
        return result


def locking_macro(architecture: Architecture, signature: Signature, *, width: int, depth: int, prune: bool) -> Network:
    """``depth`` times the cells of every stage, at ``width`` times their channels. There is nothing to ``prune``."""
    del prune
    return network_of(locking_macro_chain(architecture, signature, width=width, depth=depth), architecture, signature)


def locking_macro_chain(architecture: Architecture, signature: Signature, *, width: int, depth: int) -> Chain:
    """Its parts."""
    skeleton = space.skeleton(architecture)
    make = _Maker(
        skeleton.normalisation,
        skeleton.activation,
        skeleton.cell,
        shortcuts=skeleton.shortcuts,
        last_scale=(skeleton.cells * depth) ** -0.5,
    )
    channels, reduced = skeleton.stem_width * width, 1 + skeleton.stem_halves
    stem = Part(_Maker.convolution, (make, signature.shape[0], channels, skeleton.stem_kernel, reduced))
    parts: list[Part] = []
    for stage in skeleton.stages:
        for place in range(stage.cells * depth):
            stride = 2 if stage.halves and place == 0 else 1
            parts.append(Part(_Maker.cell, (make, channels, stage.width * width, stride)))
            channels, reduced = stage.width * width, reduced * stride
        if stage.waist:
            parts.append(Part(_Maker.waist, (make, channels, waist_channels(width))))
    return Chain(stem, tuple(parts), Part(_Maker.tail, (make, channels)), channels, reduced)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes parts with the normalisation, the activation, the cell and the shortcuts of a skeleton."""

    norm: str
    act: str = field(compare=False)
    kind: str
    shortcuts: bool
    last_scale: float = field(compare=False)
    """Like the activation of no account for what a part costs."""

    def activation(self) -> nn.Module:
        return ACTIVATIONS[self.act]()

    def normalisation(self, channels: int, *, last: bool = False) -> nn.Module:
        if self.norm == "batch":
            return nn.BatchNorm2d(channels)
        if self.norm == "group":
            return nn.GroupNorm(gcd(GROUPS, channels, max(1, channels // 4)), channels)
        return Affine(channels, self.last_scale if last else 1.0)

    def convolution(self, given: int, made: int, kernel: int, stride: int = 1, *, last: bool = False) -> nn.Module:
        """With its normalisation."""
        return nn.Sequential(
            OrderedDict(convolution=_convolution(given, made, kernel, stride), norm=self.normalisation(made, last=last))
        )

    def cell(self, given: int, made: int, stride: int) -> nn.Module:
        branch = nn.Sequential(*self._branch(given, made, stride))
        if not self.shortcuts:
            return branch
        if given == made and stride == 1:
            return Shortened(branch, nn.Identity())
        pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity()
        return Shortened(branch, nn.Sequential(pool, _convolution(given, made, 1)))

    def _branch(self, given: int, made: int, stride: int) -> list[nn.Module]:
        last, act = self.shortcuts, self.activation
        cell, conv = self.kind, self.convolution
        if cell == "pair":
            return [act(), conv(given, made, 3, stride), act(), conv(made, made, 3, last=last)]
        if cell == "bottleneck":
            hidden = bottleneck_channels(made)
            inside = [act(), conv(hidden, hidden, 3, stride), act(), conv(hidden, made, 1, last=last)]
            return [act(), conv(given, hidden, 1), *inside]
        if cell == "separable":
            first = [act(), _convolution(given, given, 3, stride, groups=given), conv(given, made, 1)]
            return [*first, act(), _convolution(made, made, 3, groups=made), conv(made, made, 1, last=last)]
        if cell == "single":
            return [act(), conv(given, made, 3, stride, last=last)]
        pool = nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)
        return [act(), pool, conv(given, made, 1, stride, last=last)]

    def tail(self, channels: int) -> nn.Module:
        return nn.Sequential(self.normalisation(channels), self.activation())

    def waist(self, channels: int, narrow: int) -> nn.Module:
        act = self.activation
        return nn.Sequential(act(), self.convolution(channels, narrow, 1), act(), self.convolution(narrow, channels, 1))


def _convolution(given: int, made: int, kernel: int, stride: int = 1, *, groups: int = 1) -> nn.Conv2d:
    """Without bias, padded to keep the size (stride 2: halve it, rounding up)."""
    return nn.Conv2d(given, made, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
