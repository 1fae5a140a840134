"""Synaptic flow: the summed strength of all paths from input to output. Needs no data and no labels.

Paper: Tanaka, Kunin, Yamins, Ganguli, "Pruning neural networks without any data by iteratively conserving synaptic
flow", NeurIPS 2020, eq. 1-2; as a proxy in Abdelfattah et al., ICLR 2021.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from archlock.models import Network
from archlock.proxies.gradients import weight_gradients
from archlock.proxies.layers import NORMALISATIONS, WEIGHT_LAYERS
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Synflow(Proxy):
    """Natural logarithm of the sum over all layer weights of theta * dR / dtheta.

    R is the sum of the outputs for one image of ones, with every parameter replaced by its absolute value, without
    normalisation layers (they are passed by) and in evaluation mode (no dropout), computed in float64. A layer of the
    model that standardises images by constants stays: it turns the ones into another constant positive image. (Of
    measured values it need not be positive; there the image is one deviation above the mean, which becomes ones.)

    Deviation: the papers report the sum itself, which reaches 1e60; the logarithm has the same rank.
    """

    name = "synflow"
    paper = (
        "Tanaka et al., Pruning neural networks without any data by iteratively conserving synaptic flow, NeurIPS 2020"
    )
    unit = "log of the sum of weight x gradient"
    cost = "backward"

    def score(self, bench: Workbench) -> float:
        """One forward and backward pass of one image.

        The sum over a layer's weights of theta * dR / dtheta is that over its outputs, without bias, of z * dR / dz:
        R is differentiated in activations only.
        """
        model = bench.model(torch.float64).eval().requires_grad_(requires_grad=False)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.abs_()
        ones = torch.ones_like(bench.batch().images[:1], dtype=torch.float64)
        if isinstance(model, Network) and model.signature.measured:
            ones = ones * model.normalise.std + model.normalise.mean
        ones = ones.requires_grad_()
        flows: list[Tensor] = []
        with _linearised(model), ExitStack() as hooks:
            for module in model.modules():
                if isinstance(module, WEIGHT_LAYERS):
                    hooks.enter_context(module.register_forward_hook(partial(_note, flows)))
            total = model(ones).sum()
        weight_gradients(total, ones, [])
        flow = float(torch.stack(flows).sum()) if flows else 0.0
        return math.log(flow) if flow > 0 else math.nan


@contextmanager
def _linearised(model: nn.Module) -> Iterator[None]:
    """Inside, normalisation layers of a private model are passed by."""
    passed = [module for module in model.modules() if isinstance(module, NORMALISATIONS)]
    for module in passed:
        module.forward = _itself  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        for module in passed:
            del module.forward


def _itself(images: Tensor) -> Tensor:
    return images


def _note(flows: list[Tensor], layer: nn.Module, _: Any, output: Tensor) -> Tensor:
    strength = output.detach()
    bias = layer.bias
    if isinstance(bias, Tensor):
        channels_last = isinstance(layer, nn.Linear)
        strength = strength - (bias if channels_last else bias.reshape(-1, *[1] * (output.dim() - 2)))

    def backward(gradient: Tensor) -> None:
        flows.append((strength * gradient).sum())

    output.register_hook(backward)  # type: ignore[no-untyped-call]
    return output.clone()  # what follows may work in place; the output itself stays as it was
