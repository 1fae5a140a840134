"""Weights of their own for layers whose weights are computed: masks that keep zeros at zero have no hold on them.

A layer whose weight is a parametrisation (a mask, a norm), or that multiplies its weight by a mask in a way of its own,
becomes a plain one with what was computed, if that answers the same.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from archlock.models.exact_edits import same
from archlock.models.replacing import put
from archlock.models.taking_apart import Headed
from archlock.models.tracing import Hook, Layer, hooked, layers_of

PLAIN = tuple(kind.forward for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear))
"""What layers do that are no more than that."""


def unmask(model: Headed, few: Tensor) -> None:
    """Give the layers of the body weights that all can change, in place; what the model answers stays."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def look(name: str) -> Hook:
        def hook(_: nn.Module, given: Tensor, answer: Tensor) -> None:
            seen[name] = given.clone(), answer.clone()

        return hook

    computed = [name for name in layers_of(model) if _computes(model.get_submodule(name))]
    hooked(model, few, {name: look(name) for name in computed})
    for name, (given, answer) in seen.items():
        layer = model.get_submodule(name)
        assert isinstance(layer, Layer)
        plain = next((one for one in _candidates(layer) if same(one(given), answer)), None)
        if plain is not None:
            put(model, name, plain)


def _computes(layer: nn.Module) -> bool:
    """Whether a layer may answer with another weight than its own."""
    return parametrize.is_parametrized(layer) or type(layer).forward not in PLAIN


def _candidates(layer: Layer) -> Iterator[nn.Module]:
    """Plain layers that may answer the same: with the weight as it is, or times one of the layer's other tensors."""
    weight = layer.weight.detach()
    yield _plain(layer, weight)
    for mask in (*layer._parameters.values(), *layer._buffers.values()):
        if mask is None or mask is layer.weight or mask.ndim != weight.ndim:
            continue
        if all(side in {1, whole} for side, whole in zip(mask.shape, weight.shape, strict=True)):
            yield _plain(layer, (weight * mask.detach()).to(weight))


def _plain(layer: Layer, weight: Tensor) -> nn.Module:
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
        made.bias = nn.Parameter(layer.bias.detach().clone())
    return made.train(layer.training)
