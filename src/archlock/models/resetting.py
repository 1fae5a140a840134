"""Draw a module of anybody's anew, and know for certain what was not.

Before anything is reset, every learned number is overwritten with NaN. What is NaN afterwards was not begun anew. So
nothing of a trained network can be left over unseen, whatever its modules do.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm

from archlock.errors import UnsupportedError

RESETS: Final = ("reset_parameters", "_reset_parameters")
"""Methods that draw what a module holds: torch's own, and the one of ``nn.MultiheadAttention`` and ``nn.Transformer``.

``init_weights`` is none of them: in some libraries it reads trained weights from a file.
"""
STATISTICS: Final = ("running_", "moving_", "ema_")
FROZEN: Final = ("weight", "bias")
"""Buffers that were learned, by the beginning of their name or by all of it (the weights of a frozen normalisation)."""


def reset(module: nn.Module) -> tuple[str, ...]:
    """Begin the weights and statistics of a module anew, in place; names of what could not be.

    Every submodule with one of RESETS is reset with it, children before parents, so that a parent has the last word on
    what it holds. A parametrised weight is begun anew as if it were none, and handed to its parametrisations; the
    vectors of spectral norm are begun with it. What could not be begun anew keeps its value: bare parameters of modules
    without such a method, learned buffers of such modules, parameters of whole numbers, and weights that old-fashioned
    hooks (``torch.nn.utils.weight_norm``) compute. Other buffers are constants and stay.
    The random numbers come from torch's default generator.
    """
    before = {name: value.detach().clone() for name, value in _learned(module)}
    drawable = [name for name, value in _learned(module) if _may_be_nan(value)]
    with torch.no_grad():
        for _, value in _learned(module):
            if _may_be_nan(value):
                value.fill_(torch.nan)
        for child in _children_first(module):
            _reset_alone(child)
        after = dict(_learned(module))
        left = [name for name in before if name not in drawable or name not in after or after[name].isnan().any()]
        for name in left:
            if name in after:
                after[name].copy_(before[name])
    return tuple(left)


def _learned(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and learned buffers with their names; one that is shared comes once."""
    yield from module.named_parameters()
    spectral = {id(one) for one in module.modules() if isinstance(one, _SpectralNorm)}
    for name, buffer in module.named_buffers():
        parent, _, last = name.rpartition(".")
        learned = last.startswith(STATISTICS) or last in FROZEN or id(module.get_submodule(parent)) in spectral
        if learned and _may_be_nan(buffer):
            yield name, buffer


def _may_be_nan(value: Tensor) -> bool:
    return value.is_floating_point() or value.is_complex()


def _children_first(module: nn.Module, seen: set[int] | None = None) -> Iterator[nn.Module]:
    """Every submodule once, each after what it holds."""
    seen = set() if seen is None else seen
    if id(module) in seen:
        return
    seen.add(id(module))
    for child in module.children():
        yield from _children_first(child, seen)
    yield module


def _reset_alone(module: nn.Module) -> None:
    """What the module can reset by itself. A method that needs arguments is not called, one that fails is refused."""
    for name in RESETS:
        method = getattr(module, name, None)
        if not callable(method) or not _needs_nothing(method):
            continue
        try:
            if parametrize.is_parametrized(module):
                _reset_parametrised(module, method)
            else:
                method()
        except Exception as error:  # methods of strangers raise anything
            raise UnsupportedError(
                f"the weights of {type(module).__name__} cannot be begun anew: {name}() fails "
                f"({(str(error).strip() or type(error).__name__).splitlines()[0]})"
            ) from error


def _needs_nothing(method: Callable[..., object]) -> bool:
    try:
        inspect.signature(method).bind()
    except (TypeError, ValueError):
        return False
    return True


def _reset_parametrised(module: nn.Module, method: Callable[[], object]) -> None:
    """The method writes into computed weights, which would be lost: they are handed to the parametrisations."""
    lists = module.parametrizations
    assert isinstance(lists, nn.ModuleDict)  # (for mypy: torch says so of every parametrised module)
    with parametrize.cached():
        method()
        begun = {name: getattr(module, name).detach().clone() for name in lists}
    for name, value in begun.items():
        setattr(module, name, value)
        chain = lists[name]
        assert isinstance(chain, parametrize.ParametrizationList)
        for place, one in enumerate(chain):
            if isinstance(one, _SpectralNorm):
                fresh = _SpectralNorm(value, one.n_power_iterations, one.dim, one.eps)
                chain[place] = fresh.to(value.device, value.dtype).train(one.training)
