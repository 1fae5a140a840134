"""Weight norm and spectral norm of the old kind (``torch.nn.utils``), turned into parametrisations.

The old ones compute a weight in a hook and keep it as a plain tensor with a graph. Such a module cannot be copied, and
its ``weight`` is no parameter. A parametrisation computes the same from the same parameters.
"""

from copy import deepcopy

import torch
from torch import nn
from torch.nn.utils import parametrizations, remove_spectral_norm, remove_weight_norm
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import ParametrizationList
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm


def copy_without_old_hooks(model: nn.Module) -> nn.Module:
    """A copy that computes and learns the same, with parametrisations for hooks of weight norm and spectral norm."""
    computed = [(module, hook.name, getattr(module, hook.name)) for module, hook in _hooks(model)]
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
        else:
            _spectral_norm(module, hook)
    return copy


def _hooks(model: nn.Module) -> list[tuple[nn.Module, WeightNorm | SpectralNorm]]:
    return [
        (module, hook)
        for module in model.modules()
        for hook in module._forward_pre_hooks.values()
        if isinstance(hook, WeightNorm | SpectralNorm)
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
def _spectral_norm(module: nn.Module, hook: SpectralNorm) -> None:
    learned, *vectors = (getattr(module, f"{hook.name}_{part}").detach().clone() for part in ("orig", "u", "v"))
    remove_spectral_norm(module, hook.name)
    parametrizations.spectral_norm(module, hook.name, hook.n_power_iterations, hook.eps, hook.dim)
    chain = module.parametrizations[hook.name]  # type: ignore[index]
    assert isinstance(chain, ParametrizationList)
    chain.original.copy_(learned)
    begun = chain[0]
    assert isinstance(begun, _SpectralNorm)
    for name, value in zip(("_u", "_v"), vectors, strict=True):
        getattr(begun, name).copy_(value)
