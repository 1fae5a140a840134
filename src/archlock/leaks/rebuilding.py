"""The network that a thief builds from what was read: operators, channels from bytes, wires from what is still alive.

Only an observer who sees sizes says enough. Each operator reads the newest allocation that is given back right after it
(or else the newest there is), a sum the two newest of its size, a concatenation the newest that add up to it. Where
nothing fits, the operator is left out: a thief goes on with what they have.
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from archlock.errors import UnsupportedError
from archlock.leaks.observation import Observation
from archlock.leaks.operators import CONVOLUTIONS
from archlock.leaks.reader import Read, Reading
from archlock.leaks.recording import Shape

BYTES: Final = 4
"""Of a float."""


@dataclass(slots=True)
class _Made:
    """A feature map while the wires are laid."""

    place: int
    """Among the steps; 0 is the image."""
    shape: Shape
    until: int
    """Number of the row after which it is given back."""

    @property
    def size(self) -> int:
        return BYTES * self.shape[0] * self.shape[1] * self.shape[2]


class Rebuilt(nn.Module):
    """Steps in their order, each of which reads earlier ones by number; then a mean and a head."""

    def __init__(self, steps: list[nn.Module], reads: list[tuple[int, ...]], channels: int, outputs: int) -> None:
        super().__init__()
        self.steps, self.reads = nn.ModuleList(steps), reads
        self.head = nn.Linear(channels, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        made = [images]
        for step, reads in zip(self.steps, self.reads, strict=True):
            made.append(step(*(made[place] for place in reads)))
        answer: Tensor = self.head(made[-1].mean((2, 3)))
        return answer


class Sum(nn.Module):
    """Two feature maps, added."""

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Feature maps."""
        return one + other


class Concatenation(nn.Module):
    """Feature maps side by side."""

    def forward(self, *maps: Tensor) -> Tensor:
        """Feature maps."""
        return torch.cat(maps, 1)


def rebuilt(reading: Reading, observation: Observation, shape: Shape, outputs: int) -> Rebuilt:
    """The network, with random weights, for images of shape (channels, height, width) and so many outputs.

    An observation without sizes, and a reading that leaves no operator, raise UnsupportedError.
    """
    if not observation.sizes or len(observation.sizes) != len(reading.rows):
        raise UnsupportedError("a network is rebuilt from a reading, row by row, and the sizes that were seen")
    wires = _Wires(shape, len(reading.rows))
    for number, row in enumerate(reading.rows):
        held = observation.held[number]
        until = number + held if held else len(reading.rows)
        wires.lay(number, row, observation.sizes[number], until)
    if not wires.steps:
        raise UnsupportedError("nothing that was read can be built: no operator fits the sizes that were seen")
    return Rebuilt(wires.steps, wires.reads, wires.made[-1].shape[0], outputs)


class _Wires:
    """What is built so far."""

    def __init__(self, shape: Shape, rows: int) -> None:
        self.steps: list[nn.Module] = []
        self.reads: list[tuple[int, ...]] = []
        self.made = [_Made(0, shape, rows)]

    def lay(self, number: int, row: Read, size: int, until: int) -> None:
        """The operators of one row; those that follow unseen work on what it makes."""
        kind = row.kinds[0]
        alive = [one for one in self.made if one.until >= number]
        given = self._given(alive, number)
        if kind in CONVOLUTIONS:
            self._convolution(row, size, alive, given, until)
        elif kind == "pool":
            self._pool(row, size, alive, given, until)
        elif kind == "add":
            self._sum(size, alive, until)
        elif kind == "concat":
            self._concatenation(size, alive, until)
        elif kind == "norm":
            self._step(nn.BatchNorm2d(given.shape[0]), (given,), given.shape, until)
        elif kind == "activation":
            self._step(nn.ReLU(), (given,), given.shape, until)
        for unseen in row.kinds[1:]:
            last = self.made[-1]
            if unseen == "activation":
                self._step(nn.ReLU(), (last,), last.shape, until)
            elif unseen == "add":
                self._sum(last.size, [one for one in self.made if one.until >= number], until)

    def _given(self, alive: list[_Made], number: int) -> _Made:
        """The newest that is given back right after this row; else the newest."""
        return next((one for one in reversed(alive) if one.until == number), self.made[-1])

    def _step(self, module: nn.Module, reads: tuple[_Made, ...], shape: Shape, until: int) -> None:
        self.steps.append(module)
        self.reads.append(tuple(one.place for one in reads))
        self.made.append(_Made(len(self.steps), shape, until))

    def _convolution(self, row: Read, size: int, alive: list[_Made], given: _Made, until: int) -> None:
        for source in (given, *reversed(alive)):
            for stride in dict.fromkeys((row.stride or 1, 1, 2)):
                height, width = -(-source.shape[1] // stride), -(-source.shape[2] // stride)
                channels, left = divmod(size, BYTES * height * width)
                one_each = row.kinds[0] == "depthwise"
                if left or not channels or (one_each and channels != source.shape[0]):
                    continue
                kernel = row.kernel if row.kernel % 2 else 3
                groups = channels if one_each else _groups(row.kinds[0], source.shape[0], channels)
                module = nn.Conv2d(source.shape[0], channels, kernel, stride, kernel // 2, groups=groups, bias=False)
                self._step(module, (source,), (channels, height, width), until)
                return

    def _pool(self, row: Read, size: int, alive: list[_Made], given: _Made, until: int) -> None:
        """Of three times the size where the places of the largest are kept beside them."""
        for source in (given, *reversed(alive)):
            for stride in dict.fromkeys((row.stride or 2, 1, 2)):
                height, width = -(-source.shape[1] // stride), -(-source.shape[2] // stride)
                plain = BYTES * source.shape[0] * height * width
                if size not in (plain, 3 * plain):
                    continue
                kernel = row.kernel or 2
                pool = nn.AvgPool2d if size == plain else nn.MaxPool2d
                odd = kernel // 2 if kernel % 2 else 0
                self._step(
                    pool(kernel, stride, odd, ceil_mode=not odd), (source,), (source.shape[0], height, width), until
                )
                return
        self._resize(size, given, until)

    def _resize(self, size: int, given: _Made, until: int) -> None:
        """Pooling to whatever height and width of the same form the bytes say, if to any."""
        for plain, pool in ((size, nn.AdaptiveAvgPool2d), (size / 3, nn.AdaptiveMaxPool2d)):
            share = math.sqrt(plain / given.size)
            sides = tuple(round(side * share) for side in given.shape[1:])
            if 0 < share < 1 and BYTES * given.shape[0] * math.prod(sides) == plain:
                self._step(pool((sides[0], sides[1])), (given,), (given.shape[0], sides[0], sides[1]), until)
                return

    def _sum(self, size: int, alive: list[_Made], until: int) -> None:
        fitting = [one for one in reversed(alive) if one.size == size][:2]
        if len(fitting) == 2 and fitting[0].shape == fitting[1].shape:
            self._step(Sum(), (fitting[1], fitting[0]), fitting[0].shape, until)

    def _concatenation(self, size: int, alive: list[_Made], until: int) -> None:
        """The newest of one height and width that add up to it, oldest first."""
        newest = self.made[-1]
        taken: list[_Made] = []
        for one in reversed(alive):
            if one.shape[1:] == newest.shape[1:] and one.size + sum(t.size for t in taken) <= size:
                taken.append(one)
        if len(taken) > 1 and sum(one.size for one in taken) == size:
            channels = sum(one.shape[0] for one in taken)
            self._step(Concatenation(), tuple(reversed(taken)), (channels, *newest.shape[1:]), until)


def _groups(kind: str, into: int, out: int) -> int:
    """Of a grouped convolution the fewest there can be, as nothing says more."""
    return 2 if kind == "grouped" and into % 2 == 0 and out % 2 == 0 else 1
