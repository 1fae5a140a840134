"""Weights of their own for layers whose weights are computed: masks that keep zeros at zero have no hold on them.

A parametrisation of a weight (a mask, a norm) is left off, and the weight is what it computed. A layer of somebody's
own kind that multiplies its weight by a mask becomes a plain one, if that answers the same.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from archlock.models.channels import Hook, Layer, hooked, layers_of, same
from archlock.models.replacing import put
from archlock.models.taking_apart import Headed


def unmask(model: Headed, few: Tensor) -> None:
    """Give the layers of the body weights that all can change, in place; what the model answers stays."""
    for name in layers_of(model):
        layer = model.get_submodule(name)
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    own = [name for name in layers_of(model) if type(model.get_submodule(name)).forward not in PLAIN]
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def look(name: str) -> Hook:
        def hook(_: nn.Module, given: Tensor, answer: Tensor) -> None:
            seen[name] = given.clone(), answer.clone()

        return hook

    hooked(model, few, {name: look(name) for name in own})
    for name, (given, answer) in seen.items():
        plain = _plain(model.get_submodule(name), given, answer)
        if plain is not None:
            put(model, name, plain)


PLAIN = tuple(kind.forward for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear))
"""What layers do that are no more than that."""


def _plain(layer: nn.Module, given: Tensor, answer: Tensor) -> nn.Module | None:
    """A layer of torch with the masked weight that answers the same; None where no tensor of the layer is a mask."""
    assert isinstance(layer, Layer)
    masks = [value for value in (*layer._parameters.values(), *layer._buffers.values()) if value is not None]
    for mask in masks:
        if mask is layer.weight or mask.ndim > layer.weight.ndim or mask.is_complex():
            continue
        try:
            masked = (layer.weight * mask).detach()
        except RuntimeError:  # (of another shape)
            continue
        if masked.shape != layer.weight.shape:
            continue
        plain = _of_torch(layer, masked)
        if same(plain(given), answer):
            return plain
    return None


def _of_torch(layer: Layer, weight: Tensor) -> nn.Module:
    """The plain layer of that shape, with that weight and the bias of the given one."""
    made: Layer
    with torch.random.fork_rng(devices=[]):
        if isinstance(layer, nn.Linear):
            made = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
        else:
            kind = next(kind for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d) if isinstance(layer, kind))
            made = kind(
                layer.in_channels,
                layer.out_channels,
                layer.kernel_size,  # type: ignore[arg-type]
                layer.stride,  # type: ignore[arg-type]
                layer.padding,  # type: ignore[arg-type]
                layer.dilation,  # type: ignore[arg-type]
                layer.groups,
                layer.bias is not None,
                layer.padding_mode,
            )
    made.weight = nn.Parameter(weight.clone())
    if layer.bias is not None:
        made.bias = nn.Parameter(deepcopy(layer.bias).detach())
    return made.train(layer.training)
