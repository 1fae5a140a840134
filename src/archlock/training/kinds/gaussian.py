"""The Gaussian head of a probe network that says a patch of the target for every cell of its maps."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64
from torch import Tensor

from archlock.training.kinds.rows import PENALTY, moments, single


@dataclass(frozen=True, slots=True, eq=False)
class DenseHead:
    """Gaussian of one variance around a linear map of every cell of the maps: a patch of the target image a cell."""

    weight: Float[Tensor, "outputs features"]
    bias: Float[Tensor, " outputs"]
    variance: float

    def to(self, device: torch.device) -> "DenseHead":
        """The head on another device."""
        return DenseHead(self.weight.to(device), self.bias.to(device), self.variance)

    def cotangents(
        self, maps: Float[Tensor, "examples features h w"], passes: int, rng: np.random.Generator
    ) -> Iterator[Float[Tensor, "examples features h w"]]:
        """Directions of the Gaussian Fisher information J^T J / variance.

        The mean of ``passes`` combinations of all outputs with random signs: right in expectation, off-diagonal terms
        cancel. The targets themselves enter by the fit of the head and by the variance only.
        """
        scale = (passes * self.variance) ** -0.5
        cells = (len(maps), len(self.weight), *maps.shape[2:])
        for _ in range(passes):
            signs = torch.from_numpy(rng.choice([-scale, scale], cells)).to(maps)
            yield torch.einsum("nphw,pf->nfhw", signs, self.weight)


def fit_dense(cells: Float64[np.ndarray, "cells features"], targets: Float64[np.ndarray, "cells outputs"]) -> DenseHead:
    """Ridge regression in closed form on standardised features, :data:`PENALTY` as for classes.

    The variance is the mean squared residual, at least (1 / 255)^2: finer differences are not in the data.
    """
    mean, std = moments(cells)
    inputs, centre = (cells - mean) / std, targets.mean(0)
    gram = inputs.T @ inputs / len(cells) + PENALTY * np.eye(cells.shape[1])
    solution = np.linalg.solve(gram, inputs.T @ (targets - centre) / len(cells)).T
    residual = targets - centre - inputs @ solution.T
    weight = solution / std
    return DenseHead(single(weight), single(centre - weight @ mean), max(float(np.mean(residual**2)), 255.0**-2))


def patches_of(targets: Float[Tensor, "examples channels height width"], h: int, w: int) -> Tensor:
    """Target images as what a head says about an h x w map: N x outputs x h x w.

    The images are scaled so that every cell holds a square patch of at most 8 x 8 pixels.
    """
    patch = max(1, min(8, targets.shape[2] // h, targets.shape[3] // w))
    if targets.shape[2:] != (h * patch, w * patch):
        targets = F.interpolate(targets, (h * patch, w * patch), mode="bilinear", antialias=True)
    return F.pixel_unshuffle(targets, patch)


def cells_of(maps: Float[Tensor, "n features h w"], targets: Float[Tensor, "n c y x"]) -> tuple[Tensor, Tensor]:
    """Rows for :func:`fit_dense`: cells x features, and the patch under each, cells x outputs."""
    patches = patches_of(targets, maps.shape[2], maps.shape[3])
    inputs, wanted = (one.permute(0, 2, 3, 1).flatten(0, 2) for one in (maps, patches))
    return inputs, wanted
