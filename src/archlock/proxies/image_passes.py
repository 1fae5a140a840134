"""A forward and backward pass for every single image, and what proxies read off each image's own gradients.

All images are normalised by the statistics of the whole batch, held fixed, so that an image's gradient is that of the
network it belongs to, and networks with a 1 x 1 feature map have one at all. Serves grad_sign (gradients of the loss)
and ntk_condition (gradients of the summed outputs), which share the forward passes.
"""

from collections.abc import Set
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from archlock.proxies.gradients import gradients
from archlock.proxies.layers import BATCH_NORMS, layer_weights
from archlock.training import Batch, loss_of

ImagePart = Literal["signs", "tangents"]
"""Which gradients are wanted: those of the loss for their signs, those of the outputs for the tangent kernel."""

_BLOCK: Final = 2**18  # weights that the tangent kernel takes to float64 at a time


@dataclass(frozen=True, slots=True, eq=False)
class ImagePasses:
    """What the passes found; what was not asked for is zero."""

    parts: frozenset[ImagePart]
    """What was asked for."""
    majority: float
    """Sum over all layer weights of abs(sum over images of sign(g_i)), g_i the gradient of image i's own loss."""
    tangent_kernel: Float64[Tensor, "examples examples"]
    """Inner products of the images' gradients of the sum of all outputs in the layer weights."""
    sees_images: bool
    """Whether any gradient arrives at any image."""


def image_passes(model: nn.Module, batch: Batch, parts: Set[ImagePart]) -> ImagePasses:
    """Run the passes on a private model and a private batch. The tangent kernel holds images x weights numbers."""
    fix_statistics(model, batch.images)
    weights = list(layer_weights(model).values())
    votes = [torch.zeros_like(weight, dtype=torch.float32) for weight in weights]
    rows: list[Tensor] = []
    sees_images = False
    for index in range(len(batch)):
        image = batch.images[index : index + 1].requires_grad_()
        outputs = model(image)
        if "signs" in parts:
            loss = loss_of(outputs, batch.targets[index : index + 1], kind=batch.kind)
            arrived, *slopes = gradients(loss, [image, *weights], retain_graph="tangents" in parts)
            sees_images = sees_images or bool(arrived.any())
            for vote, slope in zip(votes, slopes, strict=True):
                vote.add_(slope.sign() + 0 * slope)  # the sign alone would lose a gradient that is no number
        if "tangents" in parts:
            arrived, *slopes = gradients(outputs.sum(), [image, *weights])
            sees_images = sees_images or bool(arrived.any())
            rows.append(torch.cat([slope.flatten() for slope in slopes]) if slopes else image.new_zeros(0))
    return ImagePasses(
        parts=frozenset(parts),
        majority=sum(float(vote.abs().sum(dtype=torch.float64)) for vote in votes),
        tangent_kernel=inner_products(torch.stack(rows)) if rows else torch.zeros(0, 0, dtype=torch.float64),
        sees_images=sees_images,
    )


def inner_products(rows: Float[Tensor, "examples weights"]) -> Float64[Tensor, "examples examples"]:
    """Inner products of all pairs of rows, in float64, a block of columns at a time."""
    found = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows.device)
    for block in torch.split(rows, _BLOCK, dim=1):
        columns = block.double()
        found += columns @ columns.T
    return found


def fix_statistics(model: nn.Module, images: Tensor) -> None:
    """Put a private model into evaluation mode with the batch norm statistics of these images."""
    met: list[tuple[nn.Module, Tensor, Tensor]] = []

    def note(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        (values,) = arguments
        axes = [axis for axis in range(values.dim()) if axis != 1]
        met.append((module, values.mean(dim=axes), values.var(dim=axes, correction=0)))

    with torch.no_grad(), ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, BATCH_NORMS) and module.track_running_stats:
                hooks.enter_context(module.register_forward_pre_hook(note))
        model(images)
    for module, mean, variance in met:
        module.get_buffer("running_mean").copy_(mean)
        module.get_buffer("running_var").copy_(variance)
    model.eval()
