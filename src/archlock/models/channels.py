"""What the layers of any model take and say, channel by channel, seen while it works; nothing is read from its code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from archlock.models.taking_apart import Headed

BATCH: Final = 50
"""Images that are looked at together."""
TOLERANCE: Final = 1e-4
"""Of the largest answer: what may be rounding."""

Layer = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear
Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
Hook = Callable[[nn.Module, Tensor, Tensor], Tensor | None]
"""Of a module, what went in and what came out; what it gives stands for what came out."""


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One use of a module. The tensor is a copy: what comes next may write into it."""

    given: Tensor
    taken: int
    """Which tensor went in, and which came out: their identities while the model works."""
    answered: int


def hooked(model: nn.Module, images: Tensor, hooks: Mapping[str, Hook]) -> Tensor:
    """The model's answer, with hooks on the named modules on the way; those that take no tensor are passed by."""

    def looking(hook: Hook) -> Any:
        def look(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], answer: Any) -> Tensor | None:
            first = next(iter((*given, *named.values())), None)
            known = isinstance(first, Tensor) and isinstance(answer, Tensor)
            return hook(module, first, answer) if known else None  # type: ignore[arg-type]

        return look

    handles = [
        model.get_submodule(name).register_forward_hook(looking(hook), with_kwargs=True) for name, hook in hooks.items()
    ]
    try:
        answer: Tensor = model(images)
        return answer
    finally:
        for handle in handles:
            handle.remove()


def uses_of(model: nn.Module, images: Tensor, names: list[str]) -> tuple[Tensor, dict[str, list[Use]]]:
    """The model's answer, and every use of the named modules on the way, in order."""
    uses: dict[str, list[Use]] = {}
    alive: list[Tensor] = []  # (an identity is one only as long as its tensor lives)

    def look(name: str) -> Hook:
        def hook(_: nn.Module, given: Tensor, answer: Tensor) -> None:
            alive.extend((given, answer))
            uses.setdefault(name, []).append(Use(given.clone(), id(given), id(answer)))

        return hook

    return hooked(model, images, {name: look(name) for name in names}), uses


def layers_of(model: Headed) -> list[str]:
    """Names of the layers of the body, in the order in which they are written."""
    heads = {id(part) for part in model.head.modules()}
    return [name for name, part in model.named_modules() if isinstance(part, Layer) and id(part) not in heads]


def followed(model: Headed, few: Tensor) -> list[tuple[str, str]]:
    """Layers and the normalisation that takes their answer as it is, by channel; both are used once."""
    names = [name for name, part in model.named_modules() if isinstance(part, Layer | Norm)]
    _, uses = uses_of(model, few, names)
    once = {name: calls[0] for name, calls in uses.items() if len(calls) == 1}
    makers = {use.answered: name for name, use in once.items() if isinstance(model.get_submodule(name), Layer)}
    found = []
    for name, use in once.items():
        norm = model.get_submodule(name)
        if isinstance(norm, Norm) and norm.running_var is not None and use.taken in makers:
            layer = model.get_submodule(makers[use.taken])
            by_channel = not isinstance(layer, nn.Linear) or use.given.ndim == 2  # (of tokens it is by place)
            if by_channel:
                found.append((makers[use.taken], name))
    return found


def said_by_channel(layer: nn.Module, answer: Tensor) -> Tensor:
    """What a layer takes or says as places x channels."""
    return answer.flatten(0, -2) if isinstance(layer, nn.Linear) else answer.movedim(1, -1).flatten(0, -2)


def affine(norm: Norm) -> tuple[Tensor, Tensor]:
    """What a normalisation does in evaluation mode: scale and shift of each channel."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.running_var + norm.eps).rsqrt() * (1.0 if norm.weight is None else norm.weight)
    return scale, (0.0 if norm.bias is None else norm.bias) - norm.running_mean * scale


def same(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding, of what is finite."""
    apart, size = (one - other).abs().max(), other.abs().max().clamp(min=1e-6)
    return bool(torch.isfinite(one).all()) and bool(apart <= TOLERANCE * size)


def readers(layer: Layer, column: int) -> tuple[int, int, int]:
    """Which rows of the weight take a column of the input: the first, their number, and their place for it."""
    if isinstance(layer, nn.Linear):
        return 0, layer.out_features, column
    width, rows = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    return column // width * rows, rows, column % width


def inputs(layer: Layer, row: int) -> list[int]:
    """The columns that a channel is made of."""
    if isinstance(layer, nn.Linear):
        return list(range(layer.in_features))
    width, rows = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    return list(range(row // rows * width, (row // rows + 1) * width))


def column_sizes(layer: Layer) -> Tensor:
    """The largest size of the weights of each column of the input."""
    if isinstance(layer, nn.Linear):
        return layer.weight.abs().amax(0)
    grouped = layer.weight.abs().flatten(2).amax(2).reshape(layer.groups, -1, layer.in_channels // layer.groups)
    return grouped.amax(1).flatten()
