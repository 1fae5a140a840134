"""What a model does on the way to its answer: which layers it uses, how often, and what goes into them.

Nothing is read from the code of a model. Images are sent through, and one sees.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from archlock.models.taking_apart import Headed

Layer = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear
Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One use of a module. The tensors are copies: what comes next may write into them."""

    given: Tensor
    taken: int
    """Which tensor went in, and which came out: their identities while the model works."""
    answered: int


def uses_of(model: nn.Module, images: Tensor, names: list[str]) -> tuple[Tensor, dict[str, list[Use]]]:
    """The model's answer, and every use of the named modules on the way, in order."""
    uses: dict[str, list[Use]] = {}
    alive: list[Any] = []  # (an identity is one only as long as its tensor lives)

    def look(name: str) -> Any:
        def hook(_: nn.Module, given: tuple[Any, ...], answer: Any) -> None:
            alive.extend((given, answer))
            uses.setdefault(name, []).append(Use(given[0].clone(), id(given[0]), id(answer)))

        return hook

    answer = hooked(model, images, {name: look(name) for name in names})
    return answer, uses


def hooked(model: nn.Module, images: Tensor, hooks: dict[str, Any]) -> Tensor:
    """The answer of a model with forward hooks on the named modules, which are taken off again."""
    handles = [model.get_submodule(name).register_forward_hook(hook) for name, hook in hooks.items()]
    try:
        answer: Tensor = model(images)
        return answer
    finally:
        for handle in handles:
            handle.remove()


def given_hooked(model: nn.Module, images: Tensor, shown_to: Mapping[str, Callable[[Tensor], None]]) -> Tensor:
    """The answer of a model; what goes into each of the named modules is shown to its function."""

    def hook(see: Callable[[Tensor], None]) -> Any:
        return lambda _, given, __: see(given[0])

    return hooked(model, images, {name: hook(see) for name, see in shown_to.items()})


def used_once(model: nn.Module, few: Tensor) -> list[str]:
    """Names of the layers that are used once for an answer, head included, in the order of their use."""
    names = [name for name, part in model.named_modules() if isinstance(part, Layer)]
    _, uses = uses_of(model, few, names)
    return [name for name, calls in uses.items() if len(calls) == 1]


def body_layers(model: Headed, few: Tensor) -> list[str]:
    """Names of the layers of the body that are used once for an answer, in the order of their use."""
    heads = {id(part) for part in model.head.modules()}
    return [name for name in used_once(model, few) if id(model.get_submodule(name)) not in heads]


def per_channel(layer: nn.Module, said: Tensor) -> Tensor:
    """What goes into a layer, or comes out of it, as places x channels."""
    return said.flatten(0, -2) if isinstance(layer, nn.Linear) else said.movedim(1, -1).flatten(0, -2)
