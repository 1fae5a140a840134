"""What a code of ``locking_macro`` says: the axes and their levels, the stages they make, and what these cost.

A network is a stem, two to four stages of equal cells, and a tail. The resolution is halved twice on the way, wherever
that is; channels are in multiples of a width, as builders take it. Nothing here builds anything.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

HALVINGS: Final = 2
"""How often the resolution is halved, the stem's halving included."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One decision: what it is called, and its levels in words, in the order of their digits."""

    name: str
    levels: tuple[str, ...]


AXES: Final = (
    Axis("stem kernel", ("stem3", "stem7")),
    Axis("stem stride", ("whole", "halved")),
    Axis("strides", ("early", "late")),
    Axis("stages", ("2stages", "3stages", "4stages")),
    Axis("cells in a stage", ("1cell", "2cells")),
    Axis("widths", ("level", "rising", "falling")),
    Axis("waist", ("straight", "waist_first", "waist_last")),
    Axis("normalisation", ("batch", "group", "none")),
    Axis("shortcuts", ("shortcuts", "noshortcuts")),
    Axis("activation", ("relu", "silu", "hardtanh")),
    Axis("cell", ("pair", "bottleneck", "separable", "single", "pooled")),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Equal cells in a row, the first of which may halve the resolution; widths are multiples of the network's."""

    width: int
    halves: bool
    cells: int
    waist: bool
    """Whether a narrow waist of half a width follows."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What a network of the space is made of."""

    stem_kernel: int
    stem_halves: bool
    stem_width: int
    stages: tuple[Stage, ...]
    normalisation: str
    shortcuts: bool
    activation: str
    cell: str

    @property
    def cells(self) -> int:
        """In all stages."""
        return sum(stage.cells for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or the head, as far as it costs something."""

    channels_in: int
    channels_out: int
    kernel: int = 1
    groups: int = 1
    reduced: int = 1
    """Its answers are so many times smaller than the image, in each direction; 0: one answer an image."""
    normalised: bool = True
    """Whether a scale and a shift follow."""

    @property
    def weights(self) -> int:
        """Without scale and shift."""
        return self.channels_in // self.groups * self.channels_out * self.kernel**2


def levels_of(code: str) -> dict[str, str]:
    """The level of every axis, in words."""
    return {axis.name: axis.levels[int(digit)] for axis, digit in zip(AXES, code, strict=True)}


def skeleton_of(code: str) -> Skeleton:
    """What a code, which is one, says."""
    level = levels_of(code)
    stages = int(level["stages"][0])
    stem_halves = level["stem stride"] == "halved"
    left = HALVINGS - stem_halves
    first = 0 if level["strides"] == "early" else stages - left
    rising = [min(4, 2**stage) for stage in range(stages)]
    widths = {"level": [2] * stages, "rising": rising, "falling": rising[::-1]}[level["widths"]]
    waist = {"straight": None, "waist_first": 0, "waist_last": stages - 1}[level["waist"]]
    return Skeleton(
        int(level["stem kernel"][-1]),
        stem_halves,
        widths[0],
        tuple(
            Stage(width, first <= place < first + left, int(level["cells in a stage"][0]), place == waist)
            for place, width in enumerate(widths)
        ),
        level["normalisation"],
        level["shortcuts"] == "shortcuts",
        level["activation"],
        level["cell"],
    )


def simplified(code: str) -> str:
    """The smallest code of the same function.

    With two stages and nothing halved by the stem, both stages halve, be that early or late.
    """
    return code[:2] + "0" + code[3:] if code[1] == "0" and code[3] == "0" else code


def layers(skeleton: Skeleton, *, width: int, depth: int = 1, inputs: int = 3, outputs: int = 10) -> Iterator[Layer]:
    """Every layer with weights, from the stem to the head; see :mod:`archlock.models.locking_macro`."""
    channels, reduced = skeleton.stem_width * width, 1 + skeleton.stem_halves
    yield Layer(inputs, channels, skeleton.stem_kernel, reduced=reduced)
    for stage in skeleton.stages:
        for place in range(stage.cells * depth):
            halves = stage.halves and place == 0
            after, wider = reduced * (1 + halves), stage.width * width
            yield from _cell(skeleton.cell, channels, wider, reduced, after)
            if skeleton.shortcuts and (halves or channels != wider):
                yield Layer(channels, wider, reduced=after, normalised=False)
            channels, reduced = wider, after
        if stage.waist:
            narrow = waist_channels(width)
            yield Layer(channels, narrow, reduced=reduced)
            yield Layer(narrow, channels, reduced=reduced)
    yield Layer(channels, outputs, reduced=0, normalised=False)


def _cell(cell: str, given: int, made: int, before: int, after: int) -> Iterator[Layer]:
    if cell == "pair":
        yield Layer(given, made, 3, reduced=after)
        yield Layer(made, made, 3, reduced=after)
    elif cell == "bottleneck":
        hidden = bottleneck_channels(made)
        yield Layer(given, hidden, reduced=before)
        yield Layer(hidden, hidden, 3, reduced=after)
        yield Layer(hidden, made, reduced=after)
    elif cell == "separable":
        for channels in (given, made):
            yield Layer(channels, channels, 3, groups=channels, reduced=after, normalised=False)
            yield Layer(channels, made, reduced=after)
    else:
        yield Layer(given, made, 3 if cell == "single" else 1, reduced=after)


def waist_channels(width: int) -> int:
    """Of the narrow waist of a network of that width."""
    return max(1, width // 2)


def bottleneck_channels(made: int) -> int:
    """Inside a bottleneck that makes so many channels."""
    return max(1, made // 2)


def parameters(skeleton: Skeleton, *, width: int, depth: int = 1, inputs: int = 3, outputs: int = 10) -> int:
    """Weights, scales and shifts, and the head's biases; closed form."""
    found = list(layers(skeleton, width=width, depth=depth, inputs=inputs, outputs=outputs))
    scales = 2 * sum(layer.channels_out for layer in found if layer.normalised)
    last = found[-1]
    return sum(layer.weights for layer in found) + scales + 2 * last.channels_in + outputs  # (the tail normalises)


def multiply_adds(
    skeleton: Skeleton, *, width: int, side: int, depth: int = 1, inputs: int = 3, outputs: int = 10
) -> int:
    """For one image of ``side`` pixels in each direction: convolutions and head; closed form."""
    return sum(
        layer.weights * (math.ceil(side / layer.reduced) ** 2 if layer.reduced else 1)
        for layer in layers(skeleton, width=width, depth=depth, inputs=inputs, outputs=outputs)
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """What a code adds up to; normalisation and activation make no difference to it."""

    cells: int
    last_width: int
    mean_width: float
    """Over the cells."""
    at_lowest: float
    """Share of the cells that work at the lowest resolution."""
    fewest_convolutions: int
    """On any way from the stem to the tail."""
    weights: int
    """At width 16, for three channels and ten classes."""
    multiply_adds: int
    """At width 16, of an image of 16 pixels."""


def shape_of(code: str) -> Shape:
    """The shape of a code; those of equal shape are computed once."""
    return _shape(code[:7] + "0" + code[8] + "0" + code[10])


@cache
def _shape(code: str) -> Shape:
    skeleton = skeleton_of(code)
    halved, low = int(skeleton.stem_halves), 0
    for stage in skeleton.stages:
        halved += stage.halves
        low += stage.cells if halved == HALVINGS else 0
    return Shape(
        skeleton.cells,
        skeleton.stages[-1].width,
        sum(stage.width * stage.cells for stage in skeleton.stages) / skeleton.cells,
        low / skeleton.cells,
        _fewest_convolutions(skeleton),
        parameters(skeleton, width=16),
        multiply_adds(skeleton, width=16, side=16),
    )


def _fewest_convolutions(skeleton: Skeleton) -> int:
    """A shortcut has a convolution where channels or resolution change, and a waist always has its two."""
    inside = {"pair": 2, "bottleneck": 3, "separable": 4, "single": 1, "pooled": 1}[skeleton.cell]
    total, channels = 0, skeleton.stem_width
    for stage in skeleton.stages:
        changes = stage.halves or stage.width != channels
        total += (min(inside, 1) * changes if skeleton.shortcuts else inside * stage.cells) + 2 * stage.waist
        channels = stage.width
    return total
