"""Differentiating with respect to weights and images at once, so that a constant predictor is found out."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from archlock.errors import MeasurementError

BLIND: Final = "its output does not depend on the images (a constant predictor, as of a disconnected cell)"
"""Why a constant predictor has no value."""


def gradients(
    scalar: Tensor, inputs: Sequence[Tensor], *, create_graph: bool = False, retain_graph: bool = False
) -> tuple[Tensor, ...]:
    """Gradient of a scalar with respect to every input; zeros where none arrives."""
    return torch.autograd.grad(
        scalar,
        inputs,
        create_graph=create_graph,
        retain_graph=create_graph or retain_graph,
        allow_unused=True,
        materialize_grads=True,
    )


def weight_gradients(
    scalar: Tensor, images: Tensor, weights: Sequence[Tensor], *, create_graph: bool = False
) -> tuple[Tensor, ...]:
    """Gradients with respect to the weights; MeasurementError if nothing at all arrives at the images."""
    arrived, *found = gradients(scalar, [images, *weights], create_graph=create_graph)
    if not bool(arrived.any()):
        raise MeasurementError(BLIND)
    return tuple(found)
