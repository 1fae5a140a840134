"""How far the channels of every layer are from saying the same: one image, one forward pass.

Paper: Jiang, Wang, Bie, "MeCo: Zero-Shot NAS with One Data and Single Forward Pass via Minimum Eigenvalue of
Correlation", NeurIPS 2023, eq. 9.
"""

from contextlib import ExitStack
from typing import Any

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.proxies.gradients import BLIND
from archlock.proxies.layers import WEIGHT_LAYERS
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench
from archlock.seeding import derive_seed


class Meco(Proxy):
    """Sum over convolutions of the smallest eigenvalue of the Pearson correlation of their channels' feature maps.

    The feature maps are those of one image of Gaussian noise, of the shape of the task's images; a channel without
    variance correlates with nothing, itself included, as in the released code. Every layer that runs counts. A layer
    with as many channels as pixels, or more, has eigenvalue zero. Deviations: the released code reads the output of
    every module, containers, normalisations and rectifiers included, so that one map counts several times, and takes
    64 x 64 noise whatever the task; a second noise image runs along, for the batch statistics and to find constant
    predictors. The variant with sampled channels (MeCo_opt) is not offered.
    """

    name = "meco"
    paper = "Jiang et al., MeCo: Zero-Shot NAS with One Data and Single Forward Pass, NeurIPS 2023"
    unit = "sum over layers of smallest correlation eigenvalues"
    cost = "forward"

    def score(self, bench: Workbench) -> float:
        """The sum, in float64."""
        model, like = bench.model(), bench.batch().images
        chance = torch.Generator().manual_seed(derive_seed(bench.seed, "meco"))
        noise = torch.randn((2, *like.shape[1:]), generator=chance).to(like)
        found: list[float] = []

        def note(_module: nn.Module, _arguments: Any, output: Tensor) -> None:
            if output.dim() > 2:
                found.append(smallest_eigenvalue(output[0].flatten(1)))

        with torch.no_grad(), ExitStack() as hooks:
            for module in model.modules():
                if isinstance(module, WEIGHT_LAYERS) and not isinstance(module, nn.Linear):
                    hooks.enter_context(module.register_forward_hook(note))
            first, second = model(noise)
        if bool((first == second).all()):
            raise MeasurementError(BLIND)
        if not found:
            raise MeasurementError("it has no convolution module")
        return sum(found)


def smallest_eigenvalue(maps: Float[Tensor, "channels pixels"]) -> float:
    """Smallest eigenvalue of the channels' correlation matrix, not below zero; NaN for maps that are not finite."""
    return (
        float(torch.linalg.eigvalsh(correlations(maps.double()))[0].clamp(min=0))
        if maps.isfinite().all()
        else torch.nan
    )


def correlations(maps: Float64[Tensor, "channels pixels"]) -> Float64[Tensor, "channels channels"]:
    """Pearson correlation of every pair of rows; zero, also on the diagonal, for rows without variance."""
    centred = maps - maps.mean(dim=1, keepdim=True)
    norms = centred.norm(dim=1, keepdim=True)
    rows = torch.where(norms > 0, centred / norms, 0.0)
    return rows @ rows.T
