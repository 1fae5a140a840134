"""How well the weights of each layer are conditioned: dead filters, rank, condition number, and a gap to train by.

A few filters that are nearly dead, a rank that is short and a spectrum that is wide are three things, and a plain
condition number mixes them up; here they are told apart. The gap is the condition-number constraint of TSCNC (Feng,
Lin, Gao, Wei 2025) as far as it could be reconstructed: scale-invariant, from the log of the Frobenius norm, zero
exactly where all singular values are equal. It does not tell two spectra of equal means apart, so the condition number
stands beside it.
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import MeasurementError

FLOOR: Final = 1e-4
"""Added to squared singular values of mean 1 where the gap is a term of a loss, so that a lost rank stays finite."""
NEGLIGIBLE: Final = 1e-6
"""Singular values below this share of the largest are rounding (single precision)."""


@dataclass(frozen=True, slots=True)
class LayerConditioning:
    """Of the weights of one layer; filters that are wholly zero are counted and left out of the rest."""

    name: str
    filters: int
    dead: int
    """Filters whose weights are all zero."""
    rank: int
    """Of the living filters; of several groups the sum."""
    full_rank: int
    """That they could have."""
    condition: float | None
    """Largest / smallest singular value on the surviving rank, the worst of the groups; None where nothing lives."""
    gap: float | None
    """As :func:`condition_gap`, without a floor, mean over groups; None where the rank is short (it is infinite)."""
    note: str = ""
    """Why numbers are missing."""


def condition_gap(weights: Float[Tensor, "rows columns"], *, floor: float = FLOOR) -> Float[Tensor, ""]:
    """c(W) = -1/(2n) logdet((V V^T + floor I) / (1 + floor)), V = W sqrt(n) / ||W||_F, n the smaller side of W.

    Half the log of the arithmetic over the geometric mean of the squared singular values: at least 0, and 0 exactly
    where they are all equal; c(a W) = c(W). With floor 0, log kappa(W) <= log 2 + n c(W) (:func:`condition_bound`).
    Differentiable. Deviation from the reconstruction: divided by 1 + floor, so that the floor moves neither end.

    Rows that are wholly zero are left out. Weights that are all zero raise MeasurementError.
    """
    living = weights[(weights != 0).any(1)]
    if len(living) == 0:
        raise MeasurementError("the weights are all zero, so there is no direction to compare; is the layer emptied?")
    wide = living if living.shape[0] <= living.shape[1] else living.T
    count = wide.shape[0]
    scaled = wide * (math.sqrt(count) / torch.linalg.matrix_norm(wide))
    products = (scaled @ scaled.T + floor * torch.eye(count, dtype=wide.dtype, device=wide.device)) / (1 + floor)
    gap: Tensor = -torch.linalg.slogdet(products).logabsdet / (2 * count)
    return gap


def condition_bound(gap: float, rows: int) -> float:
    """The largest log kappa that a gap (without a floor) allows: log 2 + n c, n the smaller side of the matrix.

    Guggenheimer, Edelman, Johnson, "A simple estimate of the condition number of a linear system", The College
    Mathematics Journal 1995: kappa < 2 / |det| (||A||_F / sqrt(n))^n. It is attained.
    """
    return math.log(2) + rows * gap


def weight_matrices(layer: nn.Module) -> list[Float[Tensor, "rows columns"]]:
    """The weights of a convolution or linear layer as matrices, filters x inputs, one of each group.

    Empty for other modules, and for groups of a single filter (depthwise): one row has no spectrum to speak of.
    """
    if isinstance(layer, nn.Linear):
        return [layer.weight]
    if not isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d) or layer.out_channels == layer.groups:
        return []
    return list(layer.weight.flatten(1).chunk(layer.groups))


def conditioning_of(model: nn.Module) -> tuple[LayerConditioning, ...]:
    """Every convolution and linear layer of a model, in the order in which they are written; the model is not run."""
    return tuple(
        _layer_conditioning(name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d)
    )


@torch.no_grad()
def _layer_conditioning(name: str, layer: nn.Module) -> LayerConditioning:
    weight = layer.get_parameter("weight") if "weight" in layer._parameters else layer.weight
    assert isinstance(weight, Tensor)
    rows = weight.detach().double().flatten(1)
    dead = int((rows == 0).all(1).sum())
    groups = [matrix.detach().double() for matrix in weight_matrices(layer)]
    living = [matrix[(matrix != 0).any(1)] for matrix in groups]
    living = [matrix for matrix in living if len(matrix)]
    if not groups or not living:
        note = "every filter has a group of its own (depthwise)" if not groups else "all of its filters are dead"
        return LayerConditioning(name, len(rows), dead, 0, 0, None, None, f"no condition number: {note}")
    spectra = [torch.linalg.svdvals(matrix) for matrix in living]
    kept = [values[values > NEGLIGIBLE * values[0]] for values in spectra]
    rank, full = sum(map(len, kept)), sum(map(len, spectra))
    gaps = [float(condition_gap(matrix, floor=0.0)) for matrix in living] if rank == full else []
    return LayerConditioning(
        name,
        len(rows),
        dead,
        rank,
        full,
        max(float(values[0] / values[-1]) for values in kept),
        sum(gaps) / len(gaps) if gaps else None,
        "" if gaps else f"the rank is {rank} of {full}, so the gap is infinite",
    )
