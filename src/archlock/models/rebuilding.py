"""Networks that are built anew without memory for their numbers, and get them from a file afterwards, name by name."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules import module as registration
from torch.overrides import TorchFunctionMode

from archlock.errors import RunError
from archlock.models.state_dicts import complaints

MOST_ELEMENTS: Final = 1 << 36
"""Of all tensors of a network that is built from a file: a quarter of a terabyte in single precision."""
MOST_MODULES: Final = 20_000
_DRAWING: Final = frozenset(("normal_", "uniform_", "bernoulli_", "random_", "exponential_", "erfinv_"))


def without_numbers(make: Callable[[], nn.Module]) -> nn.Module:
    """What ``make`` makes, with tensors that have a shape and no numbers (on torch's meta device).

    More elements or modules than any network has that could be opened here raise RunError, before there is room made
    for them.
    """
    elements = modules = 0

    def count_elements(_: nn.Module, __: str, value: Tensor | None) -> None:
        nonlocal elements
        elements += 0 if value is None else value.numel()
        if elements > MOST_ELEMENTS:
            raise RunError(f"it asks for a network of more than {MOST_ELEMENTS:.2g} numbers; nothing was allocated")

    def count_modules(_: nn.Module, __: str, ___: nn.Module | None) -> None:
        nonlocal modules
        modules += 1
        if modules > MOST_MODULES:
            raise RunError(f"it asks for a network of more than {MOST_MODULES} modules; nothing was allocated")

    handles: list[Any] = [
        registration.register_module_parameter_registration_hook(count_elements),
        registration.register_module_buffer_registration_hook(count_elements),
        registration.register_module_module_registration_hook(count_modules),
    ]
    try:
        with torch.device("meta"), _Undrawn():
            return make()
    finally:
        for handle in handles:
            handle.remove()


class _Undrawn(TorchFunctionMode):
    """First weights are not sampled where there are no numbers (torch loads a compiler for it)."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The operation, but for drawing in place."""
        sampled = args[0] if args and getattr(func, "__name__", "") in _DRAWING else None
        if isinstance(sampled, Tensor) and sampled.is_meta:
            return sampled
        return func(*args, **(kwargs or {}))


def all_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer by name, also those that state dicts leave out; shared ones under their first name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def given_numbers(module: nn.Module, state: Mapping[str, Tensor], ties: Mapping[str, str], *, name: str) -> nn.Module:
    """The module with the numbers of a file in place of its own, in evaluation mode and float32.

    Every parameter and buffer must be there in its shape and nothing else may be, but for buffers that no state dict
    holds and that have numbers already. ``ties`` are parameters that are others, by name. Else RunError; ``name`` is
    what it calls the file.
    """
    own = all_tensors(module)
    known = module.state_dict()
    optional = {key for key, value in own.items() if key not in known and not value.is_meta}
    tied = {key: value for key, value in ties.items() if key in own}
    places = dict(module.named_parameters(remove_duplicate=False))
    unknown = sorted(f"{key} = {value}" for key, value in ties.items() if value not in state or key not in places)
    if unknown:
        raise RunError(f"the record ties parameters to others that are not there: {', '.join(unknown[:3])}")
    wrong = complaints({key: value for key, value in own.items() if key not in tied}, state, optional)
    if wrong:
        raise RunError(f"the weights in {name} do not belong to this {type(module).__name__}; {'; '.join(wrong)}")
    made: dict[str, Tensor] = {}
    for key, value in state.items():
        number = value.float() if value.is_floating_point() else value
        old = own[key]
        made[key] = nn.Parameter(number, requires_grad=old.requires_grad) if isinstance(old, nn.Parameter) else number
    of = {id(own[key]): value for key, value in made.items()}
    of |= {id(own[second]): made[first] for second, first in tied.items()}
    for part in module.modules():
        for table in (part._parameters, part._buffers):
            for key, held in table.items():
                if held is not None and id(held) in of:
                    table[key] = of[id(held)]  # type: ignore[assignment]
    for second, first in ties.items():
        owner, _, attribute = second.rpartition(".")
        setattr(module.get_submodule(owner), attribute, made[first])
    left = list(_without(module))
    if left:
        raise RunError(f"{name} gives no numbers to {', '.join(left[:3])} of this {type(module).__name__}")
    return module.eval()


def _without(module: nn.Module) -> Iterator[str]:
    """What has no numbers, attributes that are no buffers too."""
    for place, part in module.named_modules():
        for key, value in {**part._parameters, **part._buffers, **vars(part)}.items():
            if isinstance(value, Tensor) and value.is_meta:
                yield f"{place}.{key}".removeprefix(".")
