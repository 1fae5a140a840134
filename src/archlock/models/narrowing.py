"""Take units and blocks out of a network: smaller tensors, and layers that know their new sizes.

Everything here works on a copy. What can be taken out is found by ``groups``. A network that was built anew gets the
sizes of one that was narrowed by :func:`resized`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import RunError, UnsupportedError
from archlock.models.cell import Cell
from archlock.models.groups import Group, Structure
from archlock.models.network import DenseDecoder, Network
from archlock.models.replacing import put
from archlock.models.tracing import Norm

Cuts = Mapping[str, Mapping[int, set[int]]]
"""Of tensors by name: which places of which dimensions."""
Chosen = Mapping[str, Sequence[int]]
"""Of groups by name: the numbers of units."""
MOST_SHOWN: Final = 4
InstanceNorm = nn.InstanceNorm1d | nn.InstanceNorm2d | nn.InstanceNorm3d
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class Dropped(nn.Module):
    """Stands where a block was that was left out: what it is given goes on."""

    def __init__(self, members: int) -> None:
        """``members`` of the tuple that the block answered, the others are None now; 0: a tensor."""
        super().__init__()
        self.members = members

    def forward(self, given: Tensor, *_: object, **__: object) -> Tensor | tuple[Tensor | None, ...]:
        """What it is given."""
        return (given, *[None] * (self.members - 1)) if self.members else given


def narrowed(model: nn.Module, structure: Structure, chosen: Chosen) -> nn.Module:
    """A copy without the chosen units of groups; weights that modules share stay shared.

    A unit that is not there, and a choice that leaves nothing of an axis of a layer, raise UnsupportedError.
    """
    cuts = cuts_of(structure, chosen)
    copy = deepcopy(model)
    sizes = {name: value.shape for name, value in _tensors(copy)}
    for name, dimensions in cuts.items():
        for place, gone in dimensions.items():
            if len(gone) >= sizes[name][place]:
                raise UnsupportedError(
                    f"this would leave {name.removesuffix('.weight')} empty: all {sizes[name][place]} places of its "
                    f"dimension {place} would go; keep at least one of {_words(structure, chosen, name)}"
                )
    _reshape(copy, {name: _shorter(dimensions) for name, dimensions in cuts.items()})
    return recounted(copy)


def zeroed(model: nn.Module, structure: Structure, chosen: Chosen) -> nn.Module:
    """A copy in which all parameters of the chosen units are zero, but for the columns of layers that take them."""
    copy = deepcopy(model)
    parameters = dict(copy.named_parameters())
    with torch.no_grad():
        for name, dimensions in own_places(structure, chosen).items():
            for place, gone in dimensions.items():
                if name in parameters:
                    parameters[name].index_fill_(place, torch.tensor(sorted(gone)), 0.0)
    return copy


def own_places(structure: Structure, chosen: Chosen) -> Cuts:
    """Which places of which tensors are the chosen units' own: their cuts, but for columns of layers that take them."""
    taking = _taking(structure)
    return {
        name: own
        for name, dimensions in cuts_of(structure, chosen).items()
        if (own := {place: gone for place, gone in dimensions.items() if (name, place) not in taking})
    }


def dropped(model: nn.Module, structure: Structure, blocks: Iterable[str]) -> nn.Module:
    """A copy without these blocks."""
    copy = deepcopy(model)
    for name in blocks:
        put(copy, name, Dropped(structure.block(name).members))
    return copy


def idle(model: nn.Module, blocks: Iterable[str]) -> nn.Module:
    """A copy in which all parameters of these blocks are zero."""
    copy = deepcopy(model)
    with torch.no_grad():
        for name in blocks:
            for value in copy.get_submodule(name).parameters():
                value.zero_()
    return copy


def cuts_of(structure: Structure, chosen: Chosen) -> dict[str, dict[int, set[int]]]:
    """Which places of which tensors belong to the chosen units; a unit that is not there raises UnsupportedError."""
    cuts: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for name, numbers in chosen.items():
        group = structure.group(name)
        wrong = sorted(one for one in set(numbers) if not 0 <= one < group.units)
        if wrong:
            raise UnsupportedError(
                f"group {name!r} has the units 0 to {group.units - 1}; got {', '.join(map(str, wrong[:MOST_SHOWN]))}"
            )
        for axis in group.axes:
            cuts[axis.tensor][axis.dimension].update(place for one in numbers for place in axis.indices[one])
    return cuts


def parts_of(structure: Structure, group: Group, tensors: Mapping[str, Tensor]) -> list[Float[Tensor, "units numbers"]]:
    """Of tensors by the names of parameters, what of them belongs to each unit of a group: what would be zero.

    Columns of layers that take the channels are no part of it, nor are parameters that are not given.
    """
    taking = _taking(structure)
    return [
        tensors[axis.tensor].movedim(axis.dimension, 0)[torch.tensor(axis.indices).flatten()].reshape(group.units, -1)
        for axis in group.axes
        if (axis.tensor, axis.dimension) not in taking and axis.tensor in tensors
    ]


def norms_of(model: nn.Module, structure: Structure, group: Group) -> Float[Tensor, " units"]:
    """Of each unit of a group the 2-norm of all parameters that would be zero."""
    parameters = {name: value.detach().float() for name, value in model.named_parameters()}
    return torch.stack([rows.square().sum(1) for rows in parts_of(structure, group, parameters)]).sum(0).sqrt()


def _taking(structure: Structure) -> set[tuple[str, int]]:
    """Axes of weights whose places are columns that take channels."""
    return {(axis.tensor, axis.dimension) for group in structure.groups for axis in group.axes if axis.taken}


def resized(
    model: nn.Module, shapes: Mapping[str, Sequence[int]], groups: Mapping[str, int] | None = None
) -> nn.Module:
    """The model with tensors of these shapes, in place; its numbers mean nothing until they are filled in.

    ``groups`` are those of layers, as :func:`groups_of` has them; where nobody says, they follow from the shapes
    (each channel is a group, or there are as many as before). Only for a smaller network of the same tensors: a tensor
    that is not known, or that would grow, and groups that do not fit raise RunError.
    """
    known = dict(_tensors(model))
    changes = {}
    for name, shape in shapes.items():
        if name not in known:
            raise RunError(f"the record lists a tensor {name!r}, which this {type(model).__name__} does not have")
        own = tuple(known[name].shape)
        if own == tuple(shape):
            continue
        if len(own) != len(shape) or not all(1 <= size <= before for size, before in zip(shape, own, strict=True)):
            raise RunError(
                f"the record lists {name!r} with the shape {tuple(shape)}; expected at most that of the network it was "
                f"made of, {own}"
            )
        changes[name] = _first_places(tuple(shape))
    before = groups_of(model)
    _reshape(model, changes)
    if groups is not None:
        _regroup(model, before, groups)
    return model


def groups_of(model: nn.Module) -> dict[str, int]:
    """Groups of every convolution and group normalisation that has several; transposed convolutions keep theirs."""
    return {name: count for name, one in model.named_modules() if (count := _groups(one)) > 1}


def _groups(module: nn.Module) -> int:
    if isinstance(module, nn.GroupNorm):
        return module.num_groups
    return module.groups if isinstance(module, _CONVOLUTIONS) else 1


def _regroup(model: nn.Module, before: Mapping[str, int], groups: Mapping[str, int]) -> None:
    """Layers with so many groups, and one where none are named; RunError for what does not fit."""
    for name in before.keys() | groups:
        if name not in before:
            raise RunError(f"the record lists groups of {name!r}, which has none in the network that it was made of")
        layer: Any = model.get_submodule(name)
        count, norm = groups.get(name, 1), isinstance(layer, nn.GroupNorm)
        channels = layer.num_channels if norm else len(layer.weight)
        if not 1 <= count <= before[name] or channels % count:
            raise RunError(
                f"the record lists {name!r} with {count} groups; expected 1 to {before[name]}, a divisor of its "
                f"{channels} channels"
            )
        if norm:
            layer.num_groups = count
        else:
            layer.groups, layer.in_channels = count, layer.weight.shape[1] * count


def recounted(model: nn.Module) -> nn.Module:
    """The model, whose numbers are in, with the numbers of channels that a network of ours keeps beside its layers."""
    if not isinstance(model, Network):
        return model
    head = model.head
    model.features = head.linear.in_channels if isinstance(head, DenseDecoder) else head.in_features

    def count(cell: nn.Module, given: tuple[Tensor, ...], maps: Tensor) -> None:
        assert isinstance(cell, Cell)
        cell.channels_in, cell.channels_out = given[0].shape[1], maps.shape[1]

    handles = [part.register_forward_hook(count) for part in model.modules() if isinstance(part, Cell)]
    modes = {part: part.training for part in model.modules()}
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, *model.signature.shape).to(next(model.parameters())))
    finally:
        for handle in handles:
            handle.remove()
        for part, training in modes.items():
            part.training = training
    return model


def ties_of(model: nn.Module) -> dict[str, str]:
    """Parameters that are other ones under a second name: the second name, and the first."""
    first: dict[int, str] = {}
    found = {}
    for name, value in model.named_parameters(remove_duplicate=False):
        if first.setdefault(id(value), name) != name:
            found[name] = first[id(value)]
    return found


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _shorter(dimensions: Mapping[int, set[int]]) -> Any:
    def change(value: Tensor) -> Tensor:
        for place, gone in dimensions.items():
            kept = [one for one in range(value.shape[place]) if one not in gone]
            value = value.index_select(place, torch.tensor(kept, device=value.device))
        return value.contiguous()

    return change


def _first_places(shape: tuple[int, ...]) -> Any:
    return lambda value: value[tuple(slice(size) for size in shape)].contiguous()


def _reshape(model: nn.Module, changes: Mapping[str, Any]) -> None:
    """Change tensors under all of their names, then the sizes that modules keep as numbers."""
    first = dict(_tensors(model))
    new: dict[int, Tensor] = {}
    for name, change in changes.items():
        old = first[name]
        value = change(old.detach())
        is_parameter = isinstance(old, nn.Parameter)
        new[id(old)] = nn.Parameter(value, requires_grad=old.requires_grad) if is_parameter else value
    before = {name: _sizes_of(module) for name, module in model.named_modules()}
    for module in model.modules():
        for table in (module._parameters, module._buffers):
            for key, value in table.items():
                if value is not None and id(value) in new:
                    table[key] = new[id(value)]  # type: ignore[assignment]
    for name, module in model.named_modules():
        if before[name] != _sizes_of(module):
            _count_anew(module)


def _sizes_of(module: nn.Module) -> list[torch.Size]:
    return [
        value.shape for table in (module._parameters, module._buffers) for value in table.values() if value is not None
    ]


def _count_anew(module: nn.Module) -> None:
    """Set the sizes that a layer keeps as numbers by its tensors."""
    weight = module._parameters.get("weight")
    if isinstance(module, nn.Linear) and weight is not None:
        module.out_features, module.in_features = weight.shape
    elif isinstance(module, _TRANSPOSED) and weight is not None:
        module.in_channels, module.out_channels = weight.shape[0], weight.shape[1] * module.groups
    elif isinstance(module, _CONVOLUTIONS) and weight is not None:
        if module.groups == module.in_channels and module.groups > 1:  # (one channel each: they went with it)
            module.groups = len(weight) * module.groups // module.out_channels
        module.out_channels, module.in_channels = len(weight), weight.shape[1] * module.groups
    elif isinstance(module, Norm | InstanceNorm):
        numbers = weight if weight is not None else module.running_mean
        module.num_features = module.num_features if numbers is None else len(numbers)
    elif isinstance(module, nn.PReLU) and weight is not None:
        module.num_parameters = len(weight)
    elif isinstance(module, nn.LayerNorm) and weight is not None:
        module.normalized_shape = tuple(weight.shape)
    elif isinstance(module, nn.GroupNorm) and weight is not None:
        if module.num_groups == module.num_channels:
            module.num_groups = len(weight)
        module.num_channels = len(weight)


def _words(structure: Structure, chosen: Chosen, tensor: str) -> str:
    """The groups of a choice that sit in a tensor."""
    found: list[Group] = [structure.group(name) for name in chosen]
    return ", ".join(group.name for group in found if any(axis.tensor == tensor for axis in group.axes))
