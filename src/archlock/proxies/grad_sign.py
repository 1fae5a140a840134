"""How far the images agree on which way every weight should go.

Paper: Zhang and Jia, "GradSign: Model Performance Inference with Theoretical Insights", ICLR 2022, eq. 7.
"""

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.proxies.gradients import BLIND, gradients
from archlock.proxies.layers import BATCH_NORMS, layer_weights
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench
from archlock.training import loss_of


class GradSign(Proxy):
    """Sum over all layer weights of abs(sum over images of sign(g_i)), g_i the gradient of image i's own loss.

    Deviation: the released code normalises every image by its own statistics (training mode, one image a batch); here
    all images are normalised by the statistics of the whole batch, held fixed, so that an image's gradient is that of
    the network it belongs to, and networks with a 1 x 1 feature map have one at all.
    """

    name = "grad_sign"
    paper = "Zhang, Jia, GradSign: Model Performance Inference with Theoretical Insights, ICLR 2022"
    unit = "sum over weights of the majority among gradient signs"
    cost = "backward"

    def score(self, bench: Workbench) -> float:
        """One forward and backward pass an image."""
        batch = bench.batch()
        model = bench.model()
        fix_statistics(model, batch.images)
        weights = list(layer_weights(model).values())
        votes = [torch.zeros_like(weight, dtype=torch.float32) for weight in weights]
        sees_images = False
        for index in range(len(batch)):
            image = batch.images[index : index + 1].requires_grad_()
            loss = loss_of(model(image), batch.targets[index : index + 1])
            arrived, *slopes = gradients(loss, [image, *weights])
            sees_images = sees_images or bool(arrived.any())
            for vote, slope in zip(votes, slopes, strict=True):
                vote.add_(slope.sign() + 0 * slope)  # the sign alone would lose a gradient that is no number
        if not sees_images:
            raise MeasurementError(BLIND)
        return sum(float(vote.abs().sum(dtype=torch.float64)) for vote in votes)


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
