"""What of any network can go: groups of channels and heads that can be removed, and blocks that can be left out.

A *unit* is the least that can go: one channel with every row, column and number of all tensors that belong to it, or
one head of an attention. Units that sit in the same tensors in the same way are a *group*. A *block* is a module past
whose layers its input reaches its output (a residual block), so that a network without it is still one.

How channels are followed is in ``following``. Whether a group or a block is *exact* (what is zero can be removed, and
the answers stay) is not concluded but tried (``exactness``); shrinking is ``narrowing``.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal, TypeVar

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn

from archlock.errors import UnsupportedError
from archlock.models.following import follow
from archlock.models.following_labels import Trace
from archlock.models.tracing import Layer

Kind = Literal["channels", "heads"]
Member = TypeVar("Member", "Group", "Block")
ALONE: Final = "all its channels belong together and cannot go one by one"


@dataclass(frozen=True, slots=True)
class Axis:
    """Where units sit in one axis of a tensor."""

    tensor: str
    """Name of a parameter or buffer."""
    dimension: int
    made: bool
    """Whether these are the rows of a layer that makes the channels."""
    taken: bool
    """Whether these are the columns of a layer that takes them."""
    indices: tuple[tuple[int, ...], ...]
    """Of each unit, ascending."""


@dataclass(frozen=True, slots=True)
class Group:
    """Units that sit in the same tensors in the same way."""

    name: str
    """Of the first layer that makes them."""
    kind: Kind
    axes: tuple[Axis, ...]
    parameters: int
    """That go with one unit of the whole network."""
    macs: int
    frozen: bool
    """Whether a parameter of it requires no gradient."""
    exact: bool | None = None
    """Whether units that are zero can be removed and the answers stay; None: not tried."""
    why: str = ""
    """Why it is not exact."""

    @property
    def units(self) -> int:
        """How many there are."""
        return len(self.axes[0].indices)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that make its channels, in the order of use."""
        return tuple(axis.tensor.removesuffix(".weight") for axis in self.axes if axis.made)


@dataclass(frozen=True, slots=True)
class Block:
    """A module that can be left out: its input goes on in place of its answer."""

    name: str
    members: int
    """Of the tuple that it answers, the first of them what it makes of its input; 0: it answers a tensor."""
    parameters: int
    macs: int
    exact: bool | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Channels of a layer that cannot be removed, and why; of a block that cannot be left out the numbers are 0."""

    layer: str
    channels: int
    of: int
    why: str


@dataclass(frozen=True, slots=True)
class Cost:
    """Multiply-adds and parameters."""

    macs: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Structure:
    """What of a network can go, and what cannot."""

    groups: tuple[Group, ...]
    blocks: tuple[Block, ...]
    fixed: tuple[Fixed, ...]
    parameters: int
    macs: int
    costs: Mapping[str, Cost]
    """Of every parameter by name."""
    lengths: Mapping[tuple[str, int], int]
    """Of every axis, by tensor and dimension, in which units sit."""

    def group(self, name: str) -> Group:
        """The group of that name; UnsupportedError where there is none."""
        return _named(self.groups, name, "group")

    def block(self, name: str) -> Block:
        """The block of that name; UnsupportedError where there is none."""
        return _named(self.blocks, name, "block")


def structure_of(model: nn.Module, image: Tensor) -> Structure:
    """What can go, untested; the model must be in evaluation mode, the image is 1 x C x H x W.

    UnsupportedError for a forward pass that decides by numbers.
    """
    trace = follow(model, image)
    units, sites = _units(trace)
    sizes = {name: value.numel() for name, value in model.named_parameters()}
    frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
    order = {name: place for place, name in enumerate(trace.uses)}
    kinds: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
    for unit, places in units.members.items():
        kinds[tuple((site, len(indices)) for site, indices in places)].append(unit)
    costs = {name: Cost(0, size) for name, size in sizes.items()}
    costs |= {name: Cost(use.macs, sizes.get(name, 0)) for name, use in trace.uses.items()}
    groups, alone = [], dict[int, str]()
    for signature, members in kinds.items():
        held = [sites[site] for site, _ in signature]
        made = sorted((site for site in held if site.made), key=lambda site: order[site.tensor])
        if any(count == len(site.units) for site, (_, count) in zip(held, signature, strict=True)):
            alone.update(dict.fromkeys(members, ALONE))
            continue
        axes = tuple(
            Axis(
                site.tensor,
                site.dimension,
                site.made,
                site.taken,
                tuple(units.members[unit][at][1] for unit in members),
            )
            for at, site in enumerate(held)
        )
        axes = (*(_axis(axes, site) for site in made), *(axis for axis in axes if not axis.made))
        going = share_of(axes, sites, costs)
        groups.append(
            Group(
                made[0].tensor.removesuffix(".weight"),
                "heads" if units.heads & set(members) else "channels",
                axes,
                going.parameters,
                going.macs,
                any(axis.tensor in frozen for axis in axes),
                why=next((units.notes[unit] for unit in members if unit in units.notes), ""),
            )
        )
    groups.sort(key=lambda group: (order[group.axes[0].tensor], group.axes[0].indices))
    macs = sum(use.macs for use in trace.uses.values())
    return Structure(
        tuple(_numbered(groups)),
        _blocks(model, trace),
        tuple(_fixed(model, trace, sites, units.why | alone)),
        sum(sizes.values()),
        macs,
        costs,
        {(site.tensor, site.dimension): len(site.units) for site in sites},
    )


def cost_without(structure: Structure, gone: Mapping[str, int]) -> Cost:
    """What is left of a network without so many units of each group (any of them: they cost alike)."""
    shorter: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for name, count in gone.items():
        for axis in structure.group(name).axes:
            shorter[axis.tensor][axis.dimension] += count * len(axis.indices[0])
    macs, parameters = structure.macs, structure.parameters
    for tensor, dimensions in shorter.items():
        if tensor in structure.costs:
            whole, share = structure.costs[tensor], Fraction(1)
            for dimension, count in dimensions.items():
                share *= 1 - Fraction(count, structure.lengths[tensor, dimension])
            macs -= whole.macs - round(whole.macs * share)
            parameters -= whole.parameters - round(whole.parameters * share)
    return Cost(macs, parameters)


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """One axis of a tensor, and the unit of each of its places."""

    tensor: str
    dimension: int
    made: bool
    taken: bool
    units: "np.ndarray[tuple[int], np.dtype[np.int64]]"


@dataclass(frozen=True, slots=True, eq=False)
class _Units:
    members: dict[int, list[tuple[int, tuple[int, ...]]]]
    """Of every unit that can go: the sites where it is, with the places there."""
    why: dict[int, str]
    """Of those that cannot."""
    notes: dict[int, str]
    heads: set[int]


def _units(trace: Trace) -> tuple[_Units, list[_Site]]:
    of = _components(trace)
    why: dict[int, str] = {}
    for atoms, reason in trace.fixed:
        for unit in np.unique(of[atoms.numpy()]).tolist():
            why.setdefault(unit, reason)
    sites = [
        _Site(
            name, dimension, trace.uses[name].made == dimension, trace.uses[name].taken == dimension, of[atoms.numpy()]
        )
        for (name, dimension), atoms in trace.axes.items()
        if name in trace.uses
    ]
    for name, elements in trace.elements.items():
        sites.extend(_element_sites(name, of[elements.numpy()], why))
    made = {unit for site in sites if site.made for unit in site.units.tolist()}
    members: dict[int, list[tuple[int, tuple[int, ...]]]] = {unit: [] for unit in sorted(made - why.keys())}
    for number, site in enumerate(sites):
        places: dict[int, list[int]] = defaultdict(list)
        for place, unit in enumerate(site.units.tolist()):
            places[unit].append(place)
        for unit, found in places.items():
            if unit in members:
                members[unit].append((number, tuple(found)))
    notes = {unit: text for atoms, text in trace.notes for unit in np.unique(of[atoms.numpy()]).tolist()}
    heads = {unit for atoms in trace.heads for unit in np.unique(of[atoms.numpy()]).tolist()}
    return _Units(members, why, notes, heads), sites


def _components(trace: Trace) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The unit of every atom."""
    pairs = [(one, other) for one, other in trace.ties if one.numel()]
    rows = torch.cat([one for one, _ in pairs]).numpy() if pairs else np.zeros(0, int)
    columns = torch.cat([other for _, other in pairs]).numpy() if pairs else np.zeros(0, int)
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(trace.atoms, trace.atoms))
    _, of = connected_components(graph, directed=False)
    return of.astype(np.int64)


def _element_sites(
    name: str, units: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", why: dict[int, str]
) -> Iterable[_Site]:
    """The axis of a bare parameter along which its elements belong to different units; several are one too many."""
    varying = [
        place for place in range(units.ndim) if units.shape[place] > 1 and (units != np.take(units, [0], place)).any()
    ]
    if len(varying) == 1 or units.size == units.shape[0]:
        place = varying[0] if varying else 0
        yield _Site(name, place, False, False, np.moveaxis(units, place, 0).reshape(units.shape[place], -1)[:, 0])
    elif varying:
        for unit in np.unique(units).tolist():
            why.setdefault(unit, f"{name} has its channels in several axes")


def _axis(axes: tuple[Axis, ...], site: _Site) -> Axis:
    return next(axis for axis in axes if (axis.tensor, axis.dimension) == (site.tensor, site.dimension))


def share_of(axes: Iterable[Axis], sites: Iterable[_Site], costs: Mapping[str, Cost]) -> Cost:
    """What goes with the first unit that sits in these axes."""
    lengths = {(site.tensor, site.dimension): len(site.units) for site in sites}
    left: dict[str, float] = defaultdict(lambda: 1.0)
    for axis in axes:
        left[axis.tensor] *= 1 - len(axis.indices[0]) / lengths[axis.tensor, axis.dimension]
    gone = {name: 1 - share for name, share in left.items() if name in costs}
    return Cost(
        round(sum(costs[name].macs * share for name, share in gone.items())),
        round(sum(costs[name].parameters * share for name, share in gone.items())),
    )


def _blocks(model: nn.Module, trace: Trace) -> tuple[Block, ...]:
    """The innermost modules that can be left out and hold layers that were used."""
    found = []
    names = {one.name for one in trace.bypasses}
    for one in trace.bypasses:
        inside = [use for name, use in trace.uses.items() if name.startswith(f"{one.name}.")]
        if inside and not any(other.startswith(f"{one.name}.") for other in names):
            parameters = sum(value.numel() for value in model.get_submodule(one.name).parameters())
            found.append(Block(one.name, one.members, parameters, sum(use.macs for use in inside)))
    return tuple(found)


def _fixed(model: nn.Module, trace: Trace, sites: list[_Site], why: Mapping[int, str]) -> Iterable[Fixed]:
    made = {site.tensor: site.units.tolist() for site in sites if site.made}
    for name in trace.uses:
        reasons = [why[unit] for unit in made[name] if unit in why]
        if reasons:
            yield Fixed(name.removesuffix(".weight"), len(reasons), len(made[name]), max(reasons, key=reasons.count))
    known = {id(value) for name, value in model.named_parameters() if name in trace.uses}
    for name, part in model.named_modules():
        if isinstance(part, Layer) and id(part._parameters.get("weight")) not in known:
            of = part.out_features if isinstance(part, nn.Linear) else part.out_channels
            yield Fixed(name, of, of, "it is not used for an answer, or its weight is computed")


def _numbered(groups: list[Group]) -> Iterable[Group]:
    """Groups with names of their own."""
    seen: dict[str, int] = defaultdict(int)
    for group in groups:
        seen[group.name] += 1
        yield group if seen[group.name] == 1 else replace(group, name=f"{group.name}#{seen[group.name]}")


def _named(members: tuple[Member, ...], name: str, kind: str) -> Member:
    found = next((one for one in members if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in members[:5]) or "none"
        more = f" and {len(members) - 5} more" if len(members) > 5 else ""
        raise UnsupportedError(f"this network has no {kind} {name!r} that can go; it has {known}{more}")
    return found
