"""Numbers of channels beside tensors (see ``following``): labels, what one forward pass shows, how labels meet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:
    from archlock.models.following import Follower

POINTWISE: Final = frozenset(
    (
        *("masked_fill", "where", "clamp", "lerp", "addcmul", "addcdiv", "copy"),
        *("gelu", "hardswish", "hardsigmoid", "log_sigmoid_forward", "rrelu_with_noise", "_prelu_kernel"),
    )
)
"""Operations on single elements, beside those that torch tags as such."""
Kind = Literal["firm", "loose", "opaque"]


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """Which channel the elements of a tensor belong to."""

    atoms: Tensor
    """As many dimensions as the tensor; of size 1 where elements differ in nothing."""
    kind: Kind
    """``loose`` are the elements of a bare parameter, of which only the axes count that meet channels; ``opaque``: one
    fixed atom, which fixes all that it meets."""

    def vary(self) -> set[int]:
        """The dimensions along which it is not the same."""
        return {place for place, size in enumerate(self.atoms.shape) if size > 1}


@dataclass(frozen=True, slots=True)
class Use:
    """A layer that was used: the axes of its weight, and its multiply-adds for one image (all uses together)."""

    made: int
    taken: int
    macs: int


@dataclass(frozen=True, slots=True)
class Bypass:
    """A module past whose layers its input reaches its output: without it the network is still one."""

    name: str
    members: int
    """Of the tuple that it answers, whose first member this is of; 0: it answers a tensor."""


@dataclass(slots=True, eq=False)
class Trace:
    """What one forward pass showed."""

    atoms: int = 0
    ties: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    fixed: list[tuple[Tensor, str]] = field(default_factory=list)
    """Atoms that must stay, and why."""
    notes: list[tuple[Tensor, str]] = field(default_factory=list)
    """Atoms of which something is to be said."""
    heads: list[Tensor] = field(default_factory=list)
    """Atoms that are part of an attention, of which only whole heads can go."""
    axes: dict[tuple[str, int], Tensor] = field(default_factory=dict)
    """Of the weights of layers, by name and dimension."""
    elements: dict[str, Tensor] = field(default_factory=dict)
    """Of all other parameters and buffers that were met, in their shape."""
    uses: dict[str, Use] = field(default_factory=dict)
    """Of the layers, by the names of their weights, in the order of their use."""
    bypasses: list[Bypass] = field(default_factory=list)

    def fresh(self, *shape: int) -> Tensor:
        """New atoms."""
        count = int(torch.Size(shape).numel())
        self.atoms += count
        return torch.arange(self.atoms - count, self.atoms).reshape(shape)

    def tie(self, one: Tensor, other: Tensor) -> None:
        """Make atoms one that stand at the same place, of arrays that can be broadcast."""
        one, other = torch.broadcast_tensors(one, other)  # type: ignore[no-untyped-call]
        self.ties.append((one.reshape(-1), other.reshape(-1)))

    def fix(self, atoms: Tensor, why: str) -> None:
        """Let atoms stay, and say why."""
        self.fixed.append((atoms.reshape(-1), why))


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One operation with its arguments by name, the tensors among them, and those that it made."""

    name: str
    func: Any
    given: dict[str, Any]
    tensors: list[Tensor]
    outs: list[Tensor]

    @property
    def pointwise(self) -> bool:
        """Whether it makes each element of those that stand at its place."""
        return self.name in POINTWISE or torch.Tag.pointwise in self.func.tags


Labels = list[Label | None]


def unknown(call: Call, on: "Follower", why: str) -> Labels:
    """Fix all that goes in."""
    found: Labels = []
    for out in call.outs:
        found.append(on.opaque(out.ndim, why) if out.ndim else None)
    for tensor in call.tensors:
        if (label := on.label(tensor)) is not None:
            on.trace.fix(label.atoms, why)
    return found


def compressed(atoms: Tensor, kind: Any) -> Label:
    """A label without the dimensions along which it is the same."""
    for place, size in enumerate(atoms.shape):
        if size > 1:
            first = atoms.narrow(place, 0, 1)
            if atoms.stride(place) == 0 or bool((atoms == first).all()):
                atoms = first
    return Label(atoms, kind)


def whole(label: Label, shape: Iterable[int]) -> Tensor:
    """The atoms in the shape of the tensor, without copying them."""
    return label.atoms.expand(*shape)


def collapsed(label: Label, dimensions: Iterable[int], on: "Follower") -> Label:
    """The label after all along these dimensions is tied."""
    atoms = label.atoms
    for place in dimensions:
        if atoms.shape[place] > 1:
            first = atoms.narrow(place, 0, 1)
            on.trace.tie(atoms, first)
            atoms = first
    return Label(atoms, label.kind)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A tensor that meets another one: its label and its real sizes, in as many dimensions."""

    label: Label
    sizes: tuple[int, ...]


def side_of(label: Label, sizes: Iterable[int], dimensions: int) -> Side:
    """A tensor of those sizes beside one of so many dimensions."""
    before = [1] * (dimensions - label.atoms.ndim)
    return Side(Label(label.atoms.reshape(*before, *label.atoms.shape), label.kind), (*before, *sizes))


def merged(one: Side, other: Side, on: "Follower") -> Side:
    """Tie two tensors that meet element by element; the label of what comes out."""
    sizes = tuple(map(max, one.sizes, other.sizes))
    varies = one.label.vary(), other.label.vary()
    covers = (any(one.sizes[place] > 1 for place in varies[1]), any(other.sizes[place] > 1 for place in varies[0]))
    for (this, that), covered in zip(((one, other), (other, one)), covers, strict=True):
        if this.label.kind == "opaque":
            if covered or (that.label.kind == "opaque" and this.sizes == that.sizes):
                on.trace.tie(that.label.atoms, this.label.atoms)
            return Side(that.label if that.label.vary() else this.label, sizes)
    if not varies[0] or not varies[1]:
        return Side(one.label if varies[0] else other.label, sizes)
    kinds = one.label.kind, other.label.kind
    if not varies[0] & varies[1]:
        if "loose" not in kinds:
            why = f"two axes of it are combined in {on.place}"
            on.trace.fix(one.label.atoms, why)
            on.trace.fix(other.label.atoms, why)
        return Side(other.label if kinds[0] == "loose" else one.label, sizes)
    on.trace.tie(one.label.atoms, other.label.atoms)
    kept = min((one, other), key=lambda side: side.label.atoms.numel()).label
    return Side(Label(kept.atoms, "firm" if "firm" in kinds else "loose"), sizes)
