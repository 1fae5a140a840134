"""Which weights of a network stay when it is made sparse: by magnitude over all layers, with a floor in each.

Zhu and Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression", ICLR 2018 workshop,
equation 1, for how sparsity grows. One threshold over all layers alone empties small ones; so a share of every layer
stays whatever the threshold says, and the largest weight of every filter that is not dead yet.
"""

import math
from collections.abc import Mapping
from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from archlock.errors import ConfigurationError

FLOOR: Final = 0.02
"""Share of a layer's weights that stay in any case."""


def prunable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Weights of the convolutions and linear layers by name; one that several layers share is there once."""
    found: dict[str, nn.Parameter] = {}
    for name, layer in model.named_modules():
        weighted = isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d) and "weight" in layer._parameters
        if weighted and all(layer.weight is not other for other in found.values()):
            found[f"{name}.weight" if name else "weight"] = layer.get_parameter("weight")
    return found


def sparsity_at(done: float, final: float, pruned_by: float) -> float:
    """Sparsity when ``done`` of a training (0 to 1) is over: final (1 - (1 - done / pruned_by)^3), then final."""
    return final * (1 - (1 - min(1.0, done / pruned_by)) ** 3)


def weights_left(weights: Mapping[str, Tensor], sparsity: float) -> int:
    """How many weights of all stay."""
    return round((1 - sparsity) * sum(weight.numel() for weight in weights.values()))


def protected(weights: Mapping[str, Tensor], *, floor: float = FLOOR) -> dict[str, Bool[Tensor, " n"]]:
    """What stays in any case, flat: of every living filter its largest weight, of every layer its largest ``floor``."""
    found = {}
    for name, weight in weights.items():
        rows = weight.detach().abs().flatten(1)
        kept = torch.zeros_like(rows, dtype=torch.bool)
        living = torch.nonzero(rows.amax(1) > 0)[:, 0]
        kept[living, rows[living].argmax(1)] = True
        flat = rows.flatten()
        largest = torch.topk(flat, min(int((flat > 0).sum()), math.ceil(floor * flat.numel()))).indices
        found[name] = kept.flatten().index_fill(0, largest, True)
    return found


def check_possible(weights: Mapping[str, Tensor], sparsity: float, *, floor: float = FLOOR) -> None:
    """ConfigurationError where so few weights cannot give every layer and every filter its own."""
    every = sum(weight.numel() for weight in weights.values())
    if every == 0:
        raise ConfigurationError("the model has no convolution and no linear layer, so there is nothing to make sparse")
    least, left = (
        sum(int(mask.sum()) for mask in protected(weights, floor=floor).values()),
        weights_left(weights, sparsity),
    )
    if left < least:
        most = math.floor(1000 * (1 - least / every)) / 1000
        raise ConfigurationError(
            f"a sparsity of {sparsity:g} leaves {left:,} of {every:,} weights, but {floor:.0%} of every layer and one "
            f"weight of every filter are {least:,}: a layer would be emptied; the most for this model is {most:g}"
        )


def masks_at(
    weights: Mapping[str, Float[Tensor, "..."]], sparsity: float, *, floor: float = FLOOR
) -> dict[str, Bool[Tensor, "..."]]:
    """Which weights stay: exactly :func:`weights_left` of all, what is protected and then the largest of the others.

    Where more is protected than may stay, that and nothing else. What was zero goes first.
    """
    kept = protected(weights, floor=floor)
    names = list(weights)
    sizes = [weights[name].numel() for name in names]
    flat = torch.cat([kept[name] for name in names])
    magnitudes = torch.cat([weights[name].detach().abs().flatten() for name in names]).masked_fill(flat, -1.0)
    more = weights_left(weights, sparsity) - int(flat.sum())
    if more > 0:
        flat = flat.index_fill(0, magnitudes.argsort(descending=True, stable=True)[:more], True)
    parts = torch.split(flat, sizes)
    return {name: part.reshape(weights[name].shape) for name, part in zip(names, parts, strict=True)}


def typical(weight: Tensor) -> float:
    """Median magnitude of the weights that are not zero; 1 where all are."""
    living = weight.detach().abs().flatten()
    living = living[living > 0]
    return float(living.median()) if len(living) else 1.0


def sparse_shape(weight: Float[Tensor, "..."], scale: float) -> Float[Tensor, ""]:
    """t(W) = mean log(1 + (w / s)^2): smooth near zero, ever flatter far out, so that small weights are drawn to zero.

    The transformed sparse constraint of TSCNC (Feng, Lin, Gao, Wei 2025) as far as it could be reconstructed: the paper
    names it, and its formula was not to be had.
    """
    term: Tensor = torch.log1p((weight / scale) ** 2).mean()
    return term
