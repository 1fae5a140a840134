"""Weight norm, spectral norm and pruning of the old kind (``torch.nn.utils``), turned into parametrisations.

The old ones compute a weight in a hook and keep it as a plain tensor with a graph. Such a module cannot be copied, and
its ``weight`` is no parameter. A parametrisation computes the same from the same parameters.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, remove_spectral_norm, remove_weight_norm
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import ParametrizationList, register_parametrization
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm, SpectralNormLoadStateDictPreHook
from torch.nn.utils.weight_norm import WeightNorm

Hook = WeightNorm | SpectralNorm | BasePruningMethod


class Kept(nn.Module):
    """A parametrisation: what a mask keeps of a weight."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight, with zeros where the mask has them."""
        return weight * self.get_buffer("mask")

    def right_inverse(self, weight: Tensor) -> Tensor:
        """A weight that is kept as it is, where it has those zeros."""
        return weight


def has_old_hooks(model: nn.Module) -> bool:
    """Whether a weight of the model is computed by such a hook; then it cannot be copied as it is."""
    return bool(_hooks(model))


def copy_without_old_hooks(model: nn.Module) -> nn.Module:
    """A copy that computes and learns the same, with parametrisations for the hooks of norms and of pruning."""
    computed = [(module, _name(hook), getattr(module, _name(hook))) for module, hook in _hooks(model)]
    for module, name, value in computed:
        setattr(module, name, value.detach())
    try:
        copy = deepcopy(model)
    finally:
        for module, name, value in computed:
            setattr(module, name, value)
    for module, hook in _hooks(copy):
        if isinstance(hook, WeightNorm):
            _weight_norm(module, hook)
        elif isinstance(hook, BasePruningMethod):
            _pruning(module, hook)
        else:
            _spectral_norm(module, hook)
    return copy


def _name(hook: Hook) -> str:
    """Of the weight that the hook computes."""
    return hook._tensor_name if isinstance(hook, BasePruningMethod) else hook.name


def _hooks(model: nn.Module) -> list[tuple[nn.Module, Hook]]:
    return [
        (module, hook)
        for module in model.modules()
        for hook in module._forward_pre_hooks.values()
        if isinstance(hook, Hook)
    ]


@torch.no_grad()
def _weight_norm(module: nn.Module, hook: WeightNorm) -> None:
    learned = [getattr(module, f"{hook.name}_{part}").detach().clone() for part in "gv"]
    remove_weight_norm(module, hook.name)
    parametrizations.weight_norm(module, hook.name, hook.dim)
    chain = module.parametrizations[hook.name]  # type: ignore[index]
    for place, value in enumerate(learned):
        getattr(chain, f"original{place}").copy_(value)


@torch.no_grad()
def _pruning(module: nn.Module, hook: BasePruningMethod) -> None:
    name = _name(hook)
    learned, mask = (getattr(module, f"{name}_{part}").detach().clone() for part in ("orig", "mask"))
    del module._parameters[f"{name}_orig"], module._buffers[f"{name}_mask"]
    for key in [key for key, one in module._forward_pre_hooks.items() if one is hook]:
        del module._forward_pre_hooks[key]
    delattr(module, name)
    module.register_parameter(name, nn.Parameter(learned))
    register_parametrization(module, name, Kept(mask))


@torch.no_grad()
def _spectral_norm(module: nn.Module, hook: SpectralNorm) -> None:
    learned, *vectors = (getattr(module, f"{hook.name}_{part}").detach().clone() for part in ("orig", "u", "v"))
    remove_spectral_norm(module, hook.name)
    _forget_loading(module, hook)
    parametrizations.spectral_norm(module, hook.name, hook.n_power_iterations, hook.eps, hook.dim)
    chain = module.parametrizations[hook.name]  # type: ignore[index]
    assert isinstance(chain, ParametrizationList)
    chain.original.copy_(learned)
    begun = chain[0]
    assert isinstance(begun, _SpectralNorm)
    for name, value in zip(("_u", "_v"), vectors, strict=True):
        getattr(begun, name).copy_(value)


def _forget_loading(module: nn.Module, hook: SpectralNorm) -> None:
    """Take away what looks for the names of the old kind whenever weights are loaded (torch wraps it and misses it)."""
    for key, wrapped in list(module._load_state_dict_pre_hooks.items()):
        one = getattr(wrapped, "hook", wrapped)
        if isinstance(one, SpectralNormLoadStateDictPreHook) and one.fn is hook:
            del module._load_state_dict_pre_hooks[key]
