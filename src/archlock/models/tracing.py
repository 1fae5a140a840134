"""What a model does on the way to its answer: which layers it uses, how often, and what they take and say.

Nothing is read from the code of a model. Images are sent through, and one sees.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from archlock.models.taking_apart import Headed

BATCH: Final = 50
"""Images that are looked at together."""

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


def given_hooked(model: nn.Module, images: Tensor, shown_to: Mapping[str, Callable[[Tensor], None]]) -> Tensor:
    """The answer of a model; what goes into each of the named modules is shown to its function."""

    def hook(see: Callable[[Tensor], None]) -> Hook:
        return lambda _, given, __: see(given)

    return hooked(model, images, {name: hook(see) for name, see in shown_to.items()})


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


def used_once(model: nn.Module, few: Tensor) -> list[str]:
    """Names of the layers that are used once for an answer, head included, in the order of their use."""
    names = [name for name, part in model.named_modules() if isinstance(part, Layer)]
    _, uses = uses_of(model, few, names)
    return [name for name, calls in uses.items() if len(calls) == 1]


def body_layers(model: Headed, few: Tensor) -> list[str]:
    """Names of the layers of the body that are used once for an answer, in the order of their use."""
    body = set(layers_of(model))
    return [name for name in used_once(model, few) if name in body]


def followed(model: nn.Module, few: Tensor) -> list[tuple[str, str]]:
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


def per_channel(layer: nn.Module, said: Tensor) -> Tensor:
    """What goes into a layer, or comes out of it, as places x channels."""
    return said.flatten(0, -2) if isinstance(layer, nn.Linear) else said.movedim(1, -1).flatten(0, -2)
