"""Ways to compute a convolution otherwise without changing what it computes: a catalog of small pure functions.

After NeurObfuscator (Li et al., HOST 2021), whose knobs these are but for ``group`` (channels in groups of constant
width, after E2GC, Jha et al., VLSID 2020, there as a design and not exact, here exact with zeros) and for the identity
layers that look like a depthwise layer or carry an activation. Not here: widening by zero channels (the layers
around would have to change, too), a zero convolution on a shortcut, and choices of a compiler.

All are exact but for the order of sums: identities multiply by 1 and add zeros, so numbers that are not finite spread
(0 times infinity), which an honest network does not have.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from archlock.catalog import Catalog
from archlock.errors import RunError
from archlock.models.disguised import Branches, Convolution, Disguised, Unbounded, Zeros
from archlock.models.rebuilding import without_numbers

Row = tuple[nn.Module, ...]
"""The layers that stand for a convolution, in order; the first does its work."""
PARTS: Final = (2, 4)
WIDTHS: Final = (4, 8, 16)
"""Channels of a group."""
KERNELS: Final = (1, 3)
"""Kernels that may become wider by a ring."""
MOST_ZEROS: Final = 2
IDENTITIES: Final = ("conv1", "conv1 activation", "depthwise3", "depthwise3 activation")


@dataclass(frozen=True, slots=True)
class Trick:
    """One thing that is done to a convolution."""

    manoeuvre: str
    """Of the catalog."""
    amount: int = 1
    """Parts, channels of a group, times."""
    of: str = ""
    """Of what: outputs or inputs, which identity."""


@dataclass(frozen=True, slots=True)
class Disguise:
    """What is done to one convolution, in order: an edit of a model as records have it."""

    layer: str
    tricks: tuple[Trick, ...]


class Manoeuvre(ABC):
    """A way to do it. Members are stateless, and their functions pure: no layer that is given is changed."""

    name: str
    summary: str
    """In a few words."""
    simulated: bool = False
    """Whether nothing is done to the model, and only what observers see is computed as if."""
    always: bool = False
    """Whether it is done anyway."""
    tricks: tuple[Trick, ...] = ()
    """All that may be done to a convolution."""

    @abstractmethod
    def options(self, row: Row) -> tuple[Trick, ...]:
        """Those that fit a row; empty where there is no place for it."""

    @abstractmethod
    def apply(self, row: Row, trick: Trick) -> Row:
        """The row after one of its options."""


class _OfModels(Manoeuvre):
    """Is not done to single convolutions."""

    def options(self, row: Row) -> tuple[Trick, ...]:  # noqa: ARG002
        """None."""
        return ()

    def apply(self, row: Row, trick: Trick) -> Row:  # noqa: ARG002
        """Nothing."""
        return row


class Folding(_OfModels):
    """See ``exact_edits``."""

    name, summary, always = "fold", "normalisations become part of the layers before them", True


class Arena(_OfModels):
    """All allocations are of one size and given back at the end, as from a block that is there before."""

    name, summary, simulated = "arena", "memory comes from one block, so that sizes say nothing (simulated)", True


class Group(Manoeuvre):
    """Grouped and depthwise convolutions with larger groups of one width, filled up with zeros."""

    name, summary = "group", "grouped convolutions in larger groups of one width, with zeros"
    tricks = tuple(Trick("group", width) for width in WIDTHS)

    def options(self, row: Row) -> tuple[Trick, ...]:
        """Widths that are whole numbers of the groups that there are."""
        layer = row[0]
        if not isinstance(layer, nn.Conv2d) or layer.groups == 1:
            return ()
        own, channels = layer.in_channels // layer.groups, layer.in_channels
        widths = [w for w in WIDTHS if w > own and w % own == 0 and channels % w == 0]
        return tuple(trick for trick in self.tricks if trick.amount in widths)

    def apply(self, row: Row, trick: Trick) -> Row:
        """See :func:`regrouped`."""
        return (regrouped(_convolution(row), trick.amount), *row[1:])


class Kernel(Manoeuvre):
    """A kernel with a ring of zeros around."""

    name, summary = "kernel", "kernels of 1 and 3 become 3 and 5 by a ring of zeros"
    tricks = (Trick("kernel"),)

    def options(self, row: Row) -> tuple[Trick, ...]:
        """One ring, around a small kernel whose edges are filled with zeros."""
        layer = row[0]
        fits = isinstance(layer, nn.Conv2d) and max(layer.kernel_size) in KERNELS
        return self.tricks if fits else ()

    def apply(self, row: Row, trick: Trick) -> Row:  # noqa: ARG002
        """See :func:`ringed`."""
        return (ringed(_convolution(row)), *row[1:])


class Branch(Manoeuvre):
    """A convolution in parts."""

    name, summary = "branch", "a convolution in 2 or 4 parts of its outputs or inputs, joined again"
    tricks = tuple(Trick("branch", parts, of) for of in ("outputs", "inputs") for parts in PARTS)

    def options(self, row: Row) -> tuple[Trick, ...]:
        """Parts of outputs, and where there are no groups of inputs."""
        layer = row[0]
        if not isinstance(layer, nn.Conv2d):
            return ()
        grouped = layer.groups > 1
        whole = {
            "outputs": layer.groups if grouped else layer.out_channels,
            "inputs": 0 if grouped else layer.in_channels,
        }
        return tuple(one for one in self.tricks if whole[one.of] and whole[one.of] % one.amount == 0)

    def apply(self, row: Row, trick: Trick) -> Row:
        """See :func:`cut_outputs` and :func:`cut_inputs`."""
        cut = cut_outputs if trick.of == "outputs" else cut_inputs
        return (cut(_convolution(row), trick.amount), *row[1:])


class Deepen(Manoeuvre):
    """A layer that changes nothing, behind the convolution."""

    name, summary = "deepen", "identity layers: 1x1 or depthwise 3x3, bare or behind an activation that cuts nothing"
    tricks = tuple(Trick("deepen", 1, kind) for kind in IDENTITIES)

    def options(self, row: Row) -> tuple[Trick, ...]:
        """One of the identities."""
        return self.tricks if _channels(row) else ()

    def apply(self, row: Row, trick: Trick) -> Row:
        """See :func:`identity_layer`."""
        kind, _, active = trick.of.partition(" ")
        layer = identity_layer(_channels(row), _weight(row), kernel=3 if kind == "depthwise3" else 1)
        return (*row, *([Unbounded()] if active else []), layer)


class Dummy(Manoeuvre):
    """Zeros, added."""

    name, summary = "dummy", "zeros are added, once or twice"
    tricks = tuple(Trick("dummy", times) for times in range(1, MOST_ZEROS + 1))

    def options(self, row: Row) -> tuple[Trick, ...]:
        """Once or twice."""
        return self.tricks if _channels(row) else ()

    def apply(self, row: Row, trick: Trick) -> Row:
        """Behind all that is there."""
        return (*row, *(Zeros(_weight(row)) for _ in range(trick.amount)))


MANOEUVRES: Final[Catalog[Manoeuvre]] = Catalog(
    "manoeuvre",
    {one.name: one for one in (Folding(), Arena(), Group(), Kernel(), Branch(), Deepen(), Dummy())},
)
"""In the order in which they are done to a convolution."""


def convolutions_of(model: nn.Module) -> list[str]:
    """Names of the convolutions that can be disguised, in the order in which they are written; no head is one."""
    head = getattr(model, "head", None)
    heads = {id(part) for part in head.modules()} if isinstance(head, nn.Module) else set()
    return [name for name, part in model.named_modules() if name and id(part) not in heads and _is_plain(part)]


def disguised(layer: nn.Conv2d, tricks: Sequence[Trick]) -> Disguised:
    """The convolution after these tricks; the layer stays as it is. A trick that does not fit raises RunError."""
    row: Row = (layer,)
    for trick in tricks:
        if trick.manoeuvre not in MANOEUVRES or trick not in MANOEUVRES[trick.manoeuvre].options(row):
            raise RunError(
                f"{trick} does not fit a {Convolution.of(layer)}; the record was changed, or is of another model"
            )
        row = MANOEUVRES[trick.manoeuvre].apply(row, trick)
    return Disguised(layer, row)


def ringed(layer: nn.Conv2d) -> nn.Conv2d:
    """The same with a kernel that is 2 larger where it is not 1 of a longer one, and as much more filled around."""
    grown = [1 if size == max(layer.kernel_size) else 0 for size in layer.kernel_size]
    rows, columns = grown
    padding = cast("tuple[int, int]", layer.padding)
    return _like(
        layer,
        nn.functional.pad(layer.weight.detach(), (columns, columns, rows, rows)),
        layer.bias,
        kernel=tuple(size + 2 * more for size, more in zip(layer.kernel_size, grown, strict=True)),
        padding=tuple(p + d * more for p, d, more in zip(padding, layer.dilation, grown, strict=True)),
    )


def regrouped(layer: nn.Conv2d, width: int) -> nn.Conv2d:
    """The same with groups of so many channels that go in, in which what was another group has zeros."""
    own, groups = layer.in_channels // layer.groups, layer.in_channels // width
    made, per = layer.out_channels, layer.out_channels // layer.groups
    weight = layer.weight.detach().new_zeros(made, width, *layer.kernel_size)
    merged = width // own
    for place in range(merged):  # (the old group of that place in every new one)
        rows = [row for row in range(made) if row // per % merged == place]
        weight[rows, place * own : (place + 1) * own] = layer.weight.detach()[rows]
    return _like(layer, weight, layer.bias, channels=(layer.in_channels, made), groups=groups)


def cut_outputs(layer: nn.Conv2d, parts: int) -> Branches:
    """Parts of the outputs, to be put side by side; of grouped ones each takes the channels of its own groups."""
    weights = layer.weight.detach().chunk(parts)
    biases = [None] * parts if layer.bias is None else list(layer.bias.detach().chunk(parts))
    groups = layer.groups // parts if layer.groups > 1 else 1
    taken = layer.in_channels // parts if layer.groups > 1 else layer.in_channels
    made = [
        _like(layer, weight, bias, channels=(taken, len(weight)), groups=groups)
        for weight, bias in zip(weights, biases, strict=True)
    ]
    return Branches(made, shares=layer.groups > 1, adds=False)


def cut_inputs(layer: nn.Conv2d, parts: int) -> Branches:
    """Parts of the inputs of a convolution without groups, to be added up; the first has the bias."""
    weights = layer.weight.detach().chunk(parts, 1)
    made = [
        _like(layer, weight, layer.bias if place == 0 else None, channels=(weight.shape[1], layer.out_channels))
        for place, weight in enumerate(weights)
    ]
    return Branches(made, shares=True, adds=True)


def identity_layer(channels: int, like: Tensor, *, kernel: int) -> nn.Conv2d:
    """A convolution that changes nothing: 1x1 on all channels, or with a larger kernel each channel by itself."""
    groups = 1 if kernel == 1 else channels
    weight = like.detach().new_zeros(channels, channels // groups, kernel, kernel)
    middle = kernel // 2
    if kernel == 1:
        weight[:, :, 0, 0] = torch.eye(channels, dtype=like.dtype, device=like.device)
    else:
        weight[:, :, middle, middle] = 1
    made = without_numbers(lambda: nn.Conv2d(channels, channels, kernel, padding=middle, groups=groups, bias=False))
    made.weight = nn.Parameter(weight)
    assert isinstance(made, nn.Conv2d)
    return made


def _like(layer: nn.Conv2d, weight: Tensor, bias: Tensor | None, **changes: Any) -> nn.Conv2d:
    """A convolution like that one but for its numbers and what is named."""
    into, made = changes.get("channels", (layer.in_channels, layer.out_channels))
    new = without_numbers(
        lambda: nn.Conv2d(
            into,
            made,
            changes.get("kernel", layer.kernel_size),
            cast("tuple[int, int]", layer.stride),
            changes.get("padding", layer.padding),
            cast("tuple[int, int]", layer.dilation),
            changes.get("groups", layer.groups),
            bias is not None,
        )
    )
    assert isinstance(new, nn.Conv2d)
    trains = layer.weight.requires_grad
    new.weight = nn.Parameter(weight.detach().clone(), requires_grad=trains)
    if bias is not None:
        new.bias = nn.Parameter(bias.detach().clone(), requires_grad=trains)
    return new.train(layer.training)


def _is_plain(part: nn.Module) -> bool:
    """Whether a module is a convolution of images and nothing else: no subclass, no hook, filled with zeros."""
    if type(part) is not nn.Conv2d or isinstance(part.padding, str) or part.padding_mode != "zeros":
        return False
    return not (part._forward_hooks or part._forward_pre_hooks)


def _convolution(row: Row) -> nn.Conv2d:
    layer = row[0]
    assert isinstance(layer, nn.Conv2d)
    return layer


def _channels(row: Row) -> int:
    first = row[0]
    return first.out_channels if isinstance(first, nn.Conv2d | Branches) else 0


def _weight(row: Row) -> Tensor:
    return next(_parameters(row))


def _parameters(row: Row) -> Iterator[Tensor]:
    for part in row:
        yield from part.parameters()
