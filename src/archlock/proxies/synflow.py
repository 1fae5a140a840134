"""Synaptic flow: the summed strength of all paths from input to output. Needs no data and no labels.

Paper: Tanaka, Kunin, Yamins, Ganguli, "Pruning neural networks without any data by iteratively conserving synaptic
flow", NeurIPS 2020, eq. 1-2; as a proxy in Abdelfattah et al., ICLR 2021.
"""

import math
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from archlock.proxies.gradients import weight_gradients
from archlock.proxies.layers import NORMALISATIONS, layer_weights
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Synflow(Proxy):
    """Natural logarithm of the sum over all layer weights of theta * dR / dtheta.

    R is the sum of the outputs for one image of ones, with every parameter replaced by its absolute value, without
    normalisation layers (they are passed by) and in evaluation mode (no dropout), computed in float64. A layer of the
    model that standardises images by constants stays: it turns the ones into another constant positive image.

    Deviation: the papers report the sum itself, which reaches 1e60; the logarithm has the same rank.
    """

    name = "synflow"
    paper = (
        "Tanaka et al., Pruning neural networks without any data by iteratively conserving synaptic flow, NeurIPS 2020"
    )
    unit = "log of the sum of weight x gradient"
    cost = "backward"

    def score(self, bench: Workbench) -> float:
        """One forward and backward pass of one image."""
        model = bench.model().eval().double()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.abs_()
        weights = list(layer_weights(model).values())
        ones = torch.ones_like(bench.batch().images[:1], dtype=torch.float64).requires_grad_()
        with ExitStack() as hooks:
            for module in model.modules():
                if isinstance(module, NORMALISATIONS):
                    hooks.enter_context(module.register_forward_hook(_pass_by))
            total = model(ones).sum()
        slopes = weight_gradients(total, ones, weights)
        flow = sum(float((w.detach() * g).sum()) for w, g in zip(weights, slopes, strict=True))
        return math.log(flow) if flow > 0 else math.nan


def _pass_by(_module: nn.Module, arguments: tuple[Any, ...], _output: Tensor) -> Any:
    return arguments[0]
