"""Where the channels of a layer go: which layers take them, and as which of their columns.

Tried, not read from the code. All layers but one are made to answer what they answered before, so whatever else changes
comes straight from the one; its channels are disturbed in many copies of one image, each in another selection of the
copies, and a column that changes in just the copies of one channel takes that channel and no other. So skips, poolings,
concatenations, paddings, flattening and channels that are scaled by others are followed as they come.
"""

from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from archlock.models.tracing import Hook, Layer, hooked, per_channel

NOT: Final = -1
"""A column that takes none of the channels in question."""
CHANGED: Final = 1e-6
"""Of the largest number that goes in: what is more than rounding."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A layer and the normalisation that takes its answer; what they say together goes on."""

    layer: str
    norm: str | None = None

    @property
    def last(self) -> str:
        """Name of the module whose answer goes on."""
        return self.layer if self.norm is None else self.norm


@dataclass(frozen=True, slots=True, eq=False)
class _Copies:
    """The copies of the image, and which channels are disturbed in each of them."""

    selections: Bool[Tensor, "rounds channels"]
    """For each bit of a channel's number: those that have it, and (in the second half) those that have not."""

    @classmethod
    def for_channels(cls, count: int) -> "_Copies":
        bits = torch.arange(count.bit_length())
        with_bit = (torch.arange(1, count + 1)[None] >> bits[:, None] & 1).bool()
        return cls(torch.cat([with_bit, ~with_bit]))

    def __len__(self) -> int:
        return 2 * len(self.selections)  # (once upwards, once downwards)

    def disturbed(self, answer: Tensor, axis: int, channels: list[int], generator: torch.Generator) -> Tensor:
        """What a unit says, with noise larger than all of it in the channels that are selected in each copy."""
        moved = answer.movedim(axis, -1).clone()
        rows = moved.reshape(len(self), -1, moved.shape[-1])
        noise = 0.5 + torch.rand(*rows.shape[:2], len(channels), generator=generator)
        noise[len(self) // 2 :] *= -1
        chosen = self.selections.repeat(2, 1)[:, None].to(rows.device)
        size = 1 + answer.abs().max()
        rows[:, :, channels] = torch.where(chosen, noise.to(rows) * size, rows[:, :, channels])
        return rows.reshape(moved.shape).movedim(-1, axis)

    def taken(self, before: Tensor, after: Tensor, channels: list[int]) -> Int[Tensor, " columns"] | None:
        """The channel that each column (of places x columns) takes, or NOT; None where one takes several."""
        apart = (before - after).abs().reshape(2, len(self) // 2, -1, before.shape[1])
        changed = (apart > CHANGED * (1 + before.abs().max())).any(2).any(0)
        touched, (with_bit, without) = changed.any(0), changed.chunk(2)
        bits = torch.arange(len(with_bit), device=changed.device)
        codes = (with_bit.long() << bits[:, None]).sum(0)
        if bool((touched & (with_bit == without).any(0)).any()) or bool((codes > len(channels)).any()):
            return None
        return torch.where(touched, torch.tensor([NOT, *channels], device=codes.device)[codes], NOT)


def takers_of(
    model: nn.Module, unit: Unit, channels: list[int], image: Float[Tensor, "1 c h w"], *, generator: torch.Generator
) -> dict[str, Int[Tensor, "uses columns"]] | None:
    """Of each layer that takes one of these channels: which one each of its columns takes in each use, or :data:`NOT`.

    The model must be in evaluation mode. None where a column takes several of them at once (behind a normalisation over
    channels, an attention), or where what a layer takes is not told apart by images.
    """
    copies = _Copies.for_channels(len(channels))
    images = image.repeat(len(copies), 1, 1, 1)
    names = [name for name, part in model.named_modules() if isinstance(part, Layer)]
    said: dict[str, list[Tensor]] = {}
    before: dict[str, list[Tensor]] = {}
    after: dict[str, list[Tensor]] = {}

    def keep(name: str) -> Hook:
        def hook(_: nn.Module, given: Tensor, answer: Tensor) -> None:
            before.setdefault(name, []).append(given.clone())
            said.setdefault(name, []).append(answer.clone())

        return hook

    def repeat(name: str) -> Hook:
        def hook(_: nn.Module, given: Tensor, __: Tensor) -> Tensor:
            seen = after.setdefault(name, [])
            seen.append(given.clone())
            return disturb(said[name][len(seen) - 1]) if name == unit.last else said[name][len(seen) - 1].clone()

        return hook

    axis = -1 if unit.norm is None and isinstance(model.get_submodule(unit.layer), nn.Linear) else 1

    def disturb(answer: Tensor) -> Tensor:
        return copies.disturbed(answer, axis, channels, generator)

    hooked(model, images, {name: keep(name) for name in names})
    if any(len(one) % len(copies) for uses in (*before.values(), *said.values()) for one in uses):
        return None
    hooks = {name: repeat(name) for name in names}
    if unit.norm is not None:
        hooks[unit.norm] = lambda _, __, answer: disturb(answer)
    hooked(model, images, hooks)
    found: dict[str, Tensor] = {}
    for name, uses in after.items():
        layer, rows = model.get_submodule(name), []
        for one, other in zip(before[name], uses, strict=True):
            taken = copies.taken(per_channel(layer, one), per_channel(layer, other), channels)
            if taken is None:
                return None
            rows.append(taken)
        if bool((torch.stack(rows) != NOT).any()):
            found[name] = torch.stack(rows)
    return found
