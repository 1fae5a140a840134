"""The head of a probe: a linear reader of its features, refitted on the task, and its part of the Fisher information.

A head turns feature maps into *cotangents*: directions c_1 ... c_R in the space of the maps with
E_y[grad grad^T] = sum_r (J^T c_r)(J^T c_r)^T, exactly or in expectation. What lies below the maps (see ``fisher``)
needs to know nothing else about classes, noise or the kind of task.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int64
from torch import Tensor

PENALTY = 0.1
"""Ridge penalty on a head that reads standardised features, relative to the mean loss of an example.

Measured with the embedded probe on four image sets, 500 examples: 0.01 to 0.03 predicts best, 0.1 about as well (43
classes excepted), and brings two disjoint samples of one task a third nearer to each other (distance 0.06 -> 0.04),
different tasks no nearer (0.18 -> 0.17).
"""


@dataclass(frozen=True, slots=True, eq=False)
class ClassHead:
    """Softmax over a linear map of the spatial mean of the maps. Classes without an example are left out."""

    weight: Float[Tensor, "classes features"]
    bias: Float[Tensor, " classes"]

    def to(self, device: torch.device) -> "ClassHead":
        """The head on another device."""
        return ClassHead(self.weight.to(device), self.bias.to(device))

    def probabilities(self, features: Float[Tensor, "examples features"]) -> Float[Tensor, "examples classes"]:
        """What the model believes of each class."""
        return torch.softmax(features @ self.weight.T + self.bias, 1)

    def cotangents(
        self, maps: Float[Tensor, "examples features h w"], passes: int, rng: np.random.Generator
    ) -> Iterator[Float[Tensor, "examples features h w"]]:
        """Directions that make up the Fisher information of the model's own label distribution.

        With d_k = sqrt(p_k) (e_k - p) the covariance of the score in the logits is sum_k d_k d_k^T. Up to ``passes``
        classes each d_k is one direction: the exact expectation. With more classes, those of an example are dealt out
        to ``passes`` directions, likeliest first, and share a direction as sum_k s_k d_k with random signs s_k, which
        is right in expectation. Drawing as many labels from the model (Achille et al. 2019, section 3) is too, but is
        noisier: a label that comes nearly always says nothing, a label that hardly ever comes says all (measured on 43
        classes: by a fifth with a soft head, four times with a confident one).
        """
        probability = self.probabilities(maps.detach().mean((2, 3)))
        classes = probability.shape[1]
        place = probability.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        signs = torch.ones_like(probability)
        if classes > passes:
            signs = torch.from_numpy(rng.choice([-1.0, 1.0], signs.shape)).to(maps)
        for column in range(min(classes, passes)):
            weighted = signs * probability.sqrt() * (place % passes == column)
            direction = weighted - weighted.sum(1, keepdim=True) * probability
            shared = direction @ self.weight / (maps.shape[2] * maps.shape[3])
            yield shared[:, :, None, None].expand_as(maps)


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


def fit_classes(
    features: Float64[np.ndarray, "examples features"], labels: Int64[np.ndarray, " examples"]
) -> ClassHead:
    """Multinomial logistic regression by L-BFGS on standardised features: mean loss + PENALTY / 2 |weight|^2.

    Classes without an example get no output. With a single class there is nothing to decide, and the Fisher information
    is zero.
    """
    from scipy.optimize import minimize

    mean, std = _moments(features)
    inputs = (features - mean) / std
    present, rows = np.unique(labels, return_inverse=True)
    wanted = np.eye(len(present))[rows]
    shape = (len(present), features.shape[1])

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = flat[: shape[0] * shape[1]].reshape(shape), flat[shape[0] * shape[1] :]
        logits = inputs @ weight.T + bias
        logits -= logits.max(1, keepdims=True)
        log_belief = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        error = (np.exp(log_belief) - wanted) / len(rows)
        loss = -np.sum(log_belief * wanted) / len(rows) + PENALTY / 2 * np.sum(weight**2)
        return float(loss), np.concatenate([(error.T @ inputs + PENALTY * weight).ravel(), error.sum(0)])

    start = np.zeros(shape[0] * (shape[1] + 1))
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-7, "ftol": 1e-13}
    )
    solution = np.asarray(found.x)
    weight = solution[: shape[0] * shape[1]].reshape(shape) / std
    return ClassHead(_tensor(weight), _tensor(solution[shape[0] * shape[1] :] - weight @ mean))


def fit_dense(cells: Float64[np.ndarray, "cells features"], targets: Float64[np.ndarray, "cells outputs"]) -> DenseHead:
    """Ridge regression in closed form on standardised features, :data:`PENALTY` as for classes.

    The variance is the mean squared residual, at least (1 / 255)^2: finer differences are not in the data.
    """
    mean, std = _moments(cells)
    inputs, centre = (cells - mean) / std, targets.mean(0)
    gram = inputs.T @ inputs / len(cells) + PENALTY * np.eye(cells.shape[1])
    solution = np.linalg.solve(gram, inputs.T @ (targets - centre) / len(cells)).T
    residual = targets - centre - inputs @ solution.T
    weight = solution / std
    return DenseHead(_tensor(weight), _tensor(centre - weight @ mean), max(float(np.mean(residual**2)), 255.0**-2))


def patches_of(targets: Float[Tensor, "examples channels height width"], h: int, w: int) -> Tensor:
    """Target images as what a head says about an h x w map: N x outputs x h x w.

    The images are scaled so that every cell holds a square patch of at most 8 x 8 pixels.
    """
    patch = max(1, min(8, targets.shape[2] // h, targets.shape[3] // w))
    if targets.shape[2:] != (h * patch, w * patch):
        targets = F.interpolate(targets, (h * patch, w * patch), mode="bilinear", antialias=True)
    return F.pixel_unshuffle(targets, patch)


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    std = features.std(0)
    return features.mean(0), np.where(std > 1e-6 * max(float(std.max()), 1e-300), std, np.inf)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
