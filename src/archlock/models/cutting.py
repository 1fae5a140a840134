"""Cut a model in the middle: what a layer inside says, as features.

The last layer of a network is made for its own task; layers before it often serve another one better (Evci et al. 2022,
Head2Toe). Where a model can be cut is not read from its code: one image is sent through, and every
module that hands on maps or tokens once is a place.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from archlock.models.replacing import put
from archlock.models.taking_apart import Headed

PLACES: Final = 12
"""Most places that are looked at; of more, these many at even distances, the last one among them."""
POOLINGS: Final = (1, 2)
"""Places along each side of a map that are averaged over: its mean, and the means of its quarters."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model can be cut: behind the module of that name."""

    name: str
    channels: int


class _ReachedError(Exception):
    """The rest of a model is not computed."""


class _Stop(nn.Module):
    """A module behind which nothing is computed."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.said: Tensor | None = None

    def forward(self, *given: object, **named: object) -> Tensor:
        """Never answers: what the module says is kept, and the model is left."""
        self.said = self.module(*given, **named)
        raise _ReachedError


class Cut(nn.Module):
    """The front of a model as a body: maps of a place, averaged over ``pooling`` x ``pooling`` parts, as features.

    What is never used is dropped. Of tokens (N x T x C) the mean is taken, whatever ``pooling`` says.
    """

    def __init__(self, model: nn.Module, place: Place, pooling: int) -> None:
        """``model`` becomes part of it and is changed; give a copy."""
        super().__init__()
        self.name, self.pooling = place.name, pooling
        self.model = put(model, place.name, _Stop(model.get_submodule(place.name)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n features"]:
        """Features; nothing behind the place is computed."""
        stop = self.model.get_submodule(self.name)
        assert isinstance(stop, _Stop)
        with suppress(_ReachedError):
            self.model(images)
        said, stop.said = stop.said, None
        assert said is not None
        return pooled(said, self.pooling)


def places(model: Headed, images: Float[Tensor, "n c h w"]) -> tuple[Place, ...]:
    """Where the body can be cut, in the order of use; blocks of several layers where there are enough, else layers."""
    maps: dict[str, Tensor] = {}
    uses: dict[str, int] = {}

    def look(name: str) -> Any:
        def hook(_: nn.Module, __: object, answer: object) -> None:
            uses[name] = uses.get(name, 0) + 1
            if isinstance(answer, Tensor) and answer.ndim in {3, 4} and len(answer) == len(images):
                maps[name] = answer

        return hook

    heads = {id(part) for part in model.head.modules()}
    parts = {n: part for n, part in model.named_modules() if n and id(part) not in heads}
    handles = [part.register_forward_hook(look(name)) for name, part in parts.items()]
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training
    found: dict[int, str] = {}
    for name, answer in maps.items():
        if uses[name] == 1:
            found[id(answer)] = name  # (of modules that say the same tensor the outermost is the last)
    names = list(found.values())
    blocks = [name for name in names if any(True for _ in parts[name].children())]
    chosen = blocks if len(blocks) >= PLACES // 3 else names
    kept = torch.linspace(0, len(chosen) - 1, min(PLACES, len(chosen))).round().int().tolist() if chosen else []
    return tuple(Place(chosen[row], _channels(maps[chosen[row]])) for row in kept)


def pooled(said: Tensor, pooling: int) -> Float[Tensor, "n features"]:
    """Maps (N x C x H x W) averaged over parts, or tokens (N x T x C) averaged, one row an image."""
    if said.ndim == 3:
        return said.mean(1)
    return F.adaptive_avg_pool2d(said, min(pooling, *said.shape[2:])).flatten(1)


def _channels(said: Tensor) -> int:
    return said.shape[1] if said.ndim == 4 else said.shape[2]
