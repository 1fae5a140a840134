"""What stands where a convolution was whose work is done in another way: parts in a row, the first of which works.

Everything is made of plain layers, so weights lie in ``state_dict`` as usual and train on. A part that works on no
numbers of the convolution is a decoy. Which functions make which rows is in ``manoeuvres``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution in numbers, as it was before anything was done to it."""

    kernel: int
    """Height or width, whichever is larger."""
    stride: int
    groups: int
    channels_in: int
    channels_out: int

    @classmethod
    def of(cls, layer: nn.Conv2d) -> "Convolution":
        """Of that layer."""
        return cls(max(layer.kernel_size), max(layer.stride), layer.groups, layer.in_channels, layer.out_channels)


SHAPE_OF_IT: Final = ("kernel_size", "stride", "padding", "dilation", "groups", "in_channels", "out_channels")
"""What code around a convolution asks it for, as networks from TensorFlow do that pad by themselves."""


class Disguised(nn.Module):
    """A convolution in another form. ``true`` is what it was; it answers for its shape as the convolution did."""

    def __init__(self, layer: nn.Conv2d, row: Sequence[nn.Module]) -> None:
        super().__init__()
        self.true, self.row = Convolution.of(layer), nn.ModuleList(row)
        for name in SHAPE_OF_IT:
            setattr(self, name, getattr(layer, name))

    @property
    def working(self) -> nn.Conv2d:
        """The one layer that is taken for the convolution; all others are decoys, or rest of it."""
        first = self.row[0]
        return cast(nn.Conv2d, first.parts[0] if isinstance(first, Branches) else first)

    def forward(self, maps: Tensor) -> Tensor:
        """What the convolution said, up to rounding."""
        for part in self.row:
            maps = part(maps)
        return maps


class Branches(nn.Module):
    """A convolution in parts: of its outputs, which are put side by side, or of its inputs, which are added up."""

    def __init__(self, parts: Sequence[nn.Conv2d], *, shares: bool, adds: bool) -> None:
        """``shares``: every part takes channels of its own, in order; else each takes all of them."""
        super().__init__()
        self.parts, self.shares, self.adds = nn.ModuleList(parts), shares, adds

    @property
    def out_channels(self) -> int:
        """Channels that come out."""
        said = [part.out_channels for part in self._convolutions()]
        return said[0] if self.adds else sum(said)

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps."""
        said, begin = [], 0
        for part in self._convolutions():
            end = begin + part.in_channels
            said.append(part(maps[:, begin:end] if self.shares else maps))
            begin = end
        if not self.adds:
            return torch.cat(said, 1)
        total: Tensor = said[0]
        for one in said[1:]:
            total = total + one
        return total

    def _convolutions(self) -> list[nn.Conv2d]:
        return [cast(nn.Conv2d, part) for part in self.parts]


class Unbounded(nn.Module):
    """An activation that cuts off nothing: the larger of a value and minus infinity."""

    def forward(self, maps: Tensor) -> Tensor:
        """The same numbers."""
        return torch.clamp_min(maps, -torch.inf)


class Zeros(nn.Module):
    """Adds zeros."""

    zero: Tensor

    def __init__(self, like: Tensor) -> None:
        super().__init__()
        self.register_buffer("zero", torch.zeros((), dtype=like.dtype, device=like.device))

    def forward(self, maps: Tensor) -> Tensor:
        """The same numbers."""
        return maps + self.zero.expand(maps.shape)
