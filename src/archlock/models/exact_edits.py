"""Edits that leave the function of a model as it is, each tried before it counts.

A BatchNorm that works with fixed statistics is an affine function of each channel, so the layer before it can do its
work (folding). A layer followed by positively homogeneous activations may give a channel away s times as large if all
that take it take it 1/s times (Nagel et al. 2019, section 4.1).

Which layer takes what from which is not read from the code but tried: a channel is scaled, and one sees whose input
has changed. What does not hold is taken back. So it works on any module, and a layer whose channels cannot be scaled
freely (before a skip, or before an activation that is not positively homogeneous) stays as it is.
"""

from copy import deepcopy
from typing import Final

import torch
from torch import Tensor, nn

from archlock.models.channels import affine
from archlock.models.replacing import put
from archlock.models.taking_apart import Headed
from archlock.models.tracing import Layer, Norm, followed, uses_of

TOLERANCE: Final = 1e-4
"""Of the largest answer: what may be rounding."""
TRIED_ON: Final = 4
"""Images on which it is tried whether the function stays."""


class Folded(nn.Module):
    """Stands where a normalisation was that is in the layer before it now. (An identity would be the model's own.)"""

    def forward(self, given: Tensor) -> Tensor:
        """What it is given."""
        return given


def fold(model: Headed, few: Tensor) -> list[tuple[str, str]]:
    """Fold normalisations into the layers whose answer they take, in place; the names of both."""
    folded = []
    before = model(few)
    for name, norm_name in followed(model, few):
        layer, norm = model.get_submodule(name), model.get_submodule(norm_name)
        assert isinstance(layer, Layer)
        assert isinstance(norm, Norm)
        kept = deepcopy(layer.state_dict()), layer.bias
        scale, shift = affine(norm)
        _scale_rows(layer, scale)
        layer.bias = nn.Parameter(shift if layer.bias is None else layer.bias + shift)
        put(model, norm_name, Folded())
        if same(model(few), before):
            folded.append((name, norm_name))
        else:
            layer.bias = kept[1]
            layer.load_state_dict(kept[0])
            put(model, norm_name, norm)
    return folded


def scale_channels(
    model: Headed, name: str, scale: Tensor, few: Tensor, given: dict[str, Tensor], answer: Tensor
) -> tuple[str, ...]:
    """Scale the channels of a layer in place and take it back in all that take them; these layers by name.

    None of them, and nothing done, where the answer would be another. ``given`` is what goes into every layer that is
    used once, kept up to date here; ``answer`` what the model says.
    """
    changed = {name: deepcopy(model.get_submodule(name).state_dict())}
    _scale_rows(model.get_submodule(name), scale)
    _, uses = uses_of(model, few, list(given))
    for other in [one for one in given if one != name]:
        taker, now = model.get_submodule(other), uses[other][0].given
        if not same(now, given[other]) and _takes(taker, given[other], now, scale):
            changed[other] = deepcopy(taker.state_dict())
            _scale_columns(taker, 1 / scale)
    takers = tuple(other for other in changed if other != name)
    if takers and same(model(few), answer):
        given.update((other, uses[other][0].given) for other in takers)
        return takers
    for other, state in changed.items():
        model.get_submodule(other).load_state_dict(state)
    return ()


def given_to_layers(model: Headed, few: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The answer of a model, and what goes into every layer that is used once on the way, head included."""
    names = [name for name, part in model.named_modules() if isinstance(part, Layer)]
    answer, uses = uses_of(model, few, names)
    return answer, {name: calls[0].given for name, calls in uses.items() if len(calls) == 1}


def same(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding, of what is finite."""
    apart, size = (one - other).abs().max(), other.abs().max().clamp(min=1e-6)
    return bool(torch.isfinite(one).all()) and bool(apart <= TOLERANCE * size)


def _scale_rows(layer: nn.Module, scale: Tensor) -> None:
    """Make each answer of a layer so many times as large."""
    assert isinstance(layer, Layer)
    layer.weight.mul_(scale.reshape(-1, *[1] * (layer.weight.ndim - 1)))
    if layer.bias is not None:
        layer.bias.mul_(scale)


def _scale_columns(layer: nn.Module, scale: Tensor) -> None:
    """Take each channel of the input so many times as large."""
    assert isinstance(layer, Layer)
    if isinstance(layer, nn.Linear):
        layer.weight.mul_(scale.repeat_interleave(layer.in_features // len(scale)))
    elif layer.groups == 1:
        layer.weight.mul_(scale.reshape(1, -1, *[1] * (layer.weight.ndim - 2)))
    else:  # (one input channel a group)
        layer.weight.mul_(
            scale.repeat_interleave(layer.out_channels // len(scale)).reshape(-1, *[1] * (layer.weight.ndim - 1))
        )


def _takes(layer: nn.Module, given: Tensor, changed: Tensor, scale: Tensor) -> bool:
    """Whether a layer's input has become what scaling its channels makes of it."""
    if isinstance(layer, nn.Linear):
        if given.shape[-1] % len(scale):
            return False
        return same(given * scale.repeat_interleave(given.shape[-1] // len(scale)), changed)
    if not isinstance(layer, Layer) or layer.in_channels != len(scale) or layer.groups not in {1, layer.in_channels}:
        return False
    return same(given * scale.reshape(-1, *[1] * (given.ndim - 2)), changed)
