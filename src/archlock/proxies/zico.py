"""How steady the gradient is from batch to batch, relative to its size.

Paper: Li, Yang, Bhardwaj, Marculescu, "ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients",
ICLR 2023, eq. 20.
"""

import torch
from jaxtyping import Float64
from torch import Tensor

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Zico(Proxy):
    """Sum over weight layers of log of the sum over weights of E[abs(g)] / std(abs(g)), over two batches.

    g is the gradient of the mean loss on a batch, std the population deviation. Weights whose deviation is zero, and
    layers with no other, are left out, as in the released code.
    """

    name = "zico"
    paper = "Li et al., ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients, ICLR 2023"
    unit = "sum over layers of log signal-to-noise of gradients"
    cost = "backward"
    batches = 2
    needs = frozenset({"gradients"})

    def score(self, bench: Workbench) -> float:
        """The paper's reading: the deviation of the absolute gradients."""
        return sum(log_steadiness(layer, layer.abs()) for layer in gradients_by_layer(bench))


class ZicoReleased(Proxy):
    """As :class:`Zico`, but with the deviation of the *signed* gradients, as the released code computes it."""

    name = "zico_released"
    paper = Zico.paper
    unit = Zico.unit
    cost = "backward"
    batches = 2
    needs = frozenset({"gradients"})

    def score(self, bench: Workbench) -> float:
        """The released reading."""
        return sum(log_steadiness(layer, layer) for layer in gradients_by_layer(bench))


def gradients_by_layer(bench: Workbench) -> list[Float64[Tensor, "batches _"]]:
    """Gradients of every weight layer on the two batches, one row a batch."""
    passes = [bench.loss_pass(index, {"gradients"}).gradients for index in range(2)]
    return [torch.stack([seen[name].flatten() for seen in passes]).double() for name in passes[0]]


def log_steadiness(gradients: Float64[Tensor, "batches weights"], varying: Float64[Tensor, "batches weights"]) -> float:
    """Log of the summed ratios of one layer: mean size of the gradients by the deviation of ``varying``; 0 if none."""
    deviation = (varying - varying.mean(dim=0)).square().mean(dim=0).sqrt()
    moving = deviation != 0  # so that a gradient that is no number is not lost
    ratios = gradients.abs().mean(dim=0)[moving] / deviation[moving]
    return float(ratios.sum().log()) if bool(moving.any()) else 0.0
