"""Units of a network that trains: their numbers and gradients, and what makes them smaller and keeps them at zero."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from archlock.models import Group, Structure, own_places, parts_of
from archlock.training.compaction.saliencies import Rows


class Units:
    """The units of some groups of a network, in whose tensors everything here is done in place."""

    def __init__(self, model: nn.Module, structure: Structure, groups: Iterable[Group]) -> None:
        self.structure, self.groups = structure, tuple(groups)
        self.parameters = dict(model.named_parameters())

    def rows(self, tensors: Mapping[str, Tensor]) -> Rows:
        """Of each group its units' own numbers in tensors by the names of parameters (those that are there)."""
        return {g.name: torch.cat(parts_of(self.structure, g, tensors), 1) for g in self.groups}

    def weights(self) -> Rows:
        """The units' own numbers, as they are now."""
        return self.rows({name: value.detach() for name, value in self.parameters.items()})

    def places(self, chosen: Mapping[str, Sequence[int]]) -> "Places":
        """Where the numbers of chosen units lie."""
        return Places(self, {name: units for name, units in chosen.items() if units})


class Places:
    """Where the own numbers of some units lie, ready to be changed at every step."""

    def __init__(self, units: Units, chosen: Mapping[str, Sequence[int]]) -> None:
        self.at = [
            (units.parameters[name], dimension, torch.tensor(sorted(places), device=units.parameters[name].device))
            for name, dimensions in own_places(units.structure, chosen).items()
            if name in units.parameters
            for dimension, places in dimensions.items()
        ]

    @torch.no_grad()
    def scale(self, factor: float) -> None:
        """Multiply the numbers; 0 makes them exactly zero.

        A number that lies in two axes of one tensor (of a layer that takes and makes the same channels) is made
        smaller twice.
        """
        for value, dimension, places in self.at:
            if factor == 0:
                value.index_fill_(dimension, places, 0.0)
            else:
                value.index_copy_(dimension, places, value.index_select(dimension, places) * factor)

    @torch.no_grad()
    def without_gradient(self) -> None:
        """Set the gradients of the numbers to zero."""
        for value, dimension, places in self.at:
            if value.grad is not None:
                value.grad.index_fill_(dimension, places, 0.0)

    @torch.no_grad()
    def forget(self, optimiser: torch.optim.Optimizer) -> None:
        """Set to zero what an optimiser remembers of the numbers, in tensors of their parameter's shape."""
        for value, dimension, places in self.at:
            for remembered in _remembered(optimiser, value):
                remembered.index_fill_(dimension, places, 0.0)


def _remembered(optimiser: torch.optim.Optimizer, parameter: nn.Parameter) -> Iterator[Tensor]:
    for value in optimiser.state.get(parameter, {}).values():
        if isinstance(value, Tensor) and value.shape == parameter.shape:
            yield value
