"""Numbers as targets: squared error, R squared, ridge regression, Gaussian Fisher information."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from archlock.tasks import Kind, Task
from archlock.training.closed_heads import ridge_weights
from archlock.training.kinds.gaussian import fit_dense
from archlock.training.kinds.learning import Learning, Tally
from archlock.training.kinds.reading import Reading, read_rows
from archlock.training.kinds.rows import shared_directions
from archlock.training.logistic import Head, check_strength


class Regression(Learning):
    """Targets and answers N x D numbers."""

    kind: ClassVar[Kind] = "regression"

    def loss(self, outputs: Float[Tensor, "n ..."], targets: Tensor, *, label_smoothing: float) -> Tensor:
        """Mean squared error."""
        return F.mse_loss(outputs, targets)

    def losses(
        self,
        outputs: Float[Tensor, "models n ..."],
        targets: Tensor,
        *,
        label_smoothing: float,
    ) -> Float[Tensor, " models"]:
        """Mean squared error of each."""
        return F.mse_loss(outputs, targets, reduction="none").flatten(1).mean(1)

    def tally(self) -> Tally:
        """R squared of a split, the mean over the numbers."""
        return _Explained()

    def read(self, fresh: nn.Module, task: Task, *, device: str) -> Reading:
        """Features before the head."""
        return read_rows(fresh, task, self, device)

    def heads(self, features: np.ndarray, targets: np.ndarray, outputs: int, strength: float) -> tuple[Head, ...]:
        """Ridge regression in closed form, ``sklearn.linear_model.Ridge`` with ``alpha = 1 / strength``."""
        check_strength(strength)
        wanted = targets.astype(np.float64)
        mean, center = wanted.mean(0), features.mean(0)
        (weight,) = ridge_weights(features - center, wanted - mean, (1 / (strength * len(features)),))
        return ((weight.T, mean - center @ weight),)

    def wanted(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """The numbers."""
        return targets.astype(np.float64)

    def score(self, answers: np.ndarray, targets: np.ndarray) -> float:
        """R squared."""
        return r_squared(answers, targets)

    def fisher_head(self, rows: np.ndarray, targets: np.ndarray) -> "NumberHead":
        """Ridge regression of the means of the maps."""
        fitted = fit_dense(rows, targets.astype(np.float64))
        return NumberHead(fitted.weight, fitted.variance)


class _Explained(Tally):
    """Keeps answers and targets, which are few numbers."""

    def __init__(self) -> None:
        self.answers: list[Tensor] = []
        self.targets: list[Tensor] = []

    def add(self, answers: Float[Tensor, "models n ..."], targets: Tensor, exact: torch.dtype) -> None:
        """One batch."""
        self.answers.append(answers)
        self.targets.append(targets)

    def scores(self) -> list[float]:
        """NaN for a model whose answers are not finite."""
        wanted = torch.cat(self.targets).numpy()
        return [r_squared(one, wanted) for one in torch.cat(self.answers, 1).cpu().double().numpy()]


def r_squared(answers: Float[np.ndarray, "examples numbers"], targets: Float[np.ndarray, "examples numbers"]) -> float:
    """1 - squared error / variance of every number, the mean over the numbers; in double."""
    wanted = targets.astype(np.float64)
    variance = np.maximum(wanted.var(0), 1e-12)
    return float(np.mean(1 - np.square(answers - wanted).mean(0) / variance))


@dataclass(frozen=True, slots=True, eq=False)
class NumberHead:
    """Gaussian of one variance around a linear map of the spatial mean of the maps."""

    weight: Float[Tensor, "numbers features"]
    variance: float

    def to(self, device: torch.device) -> "NumberHead":
        """The head on another device."""
        return NumberHead(self.weight.to(device), self.variance)

    def cotangents(
        self, maps: Float[Tensor, "examples features h w"], passes: int, rng: np.random.Generator
    ) -> Iterator[Float[Tensor, "examples features h w"]]:
        """Directions of the Gaussian Fisher information J^T J / variance: one for each number.

        Beyond ``passes`` numbers they share directions with random signs, which is right in expectation.
        """
        scale = torch.full((len(maps), len(self.weight)), self.variance**-0.5).to(maps)
        for one in shared_directions(scale, passes, rng):
            shared = one @ self.weight / (maps.shape[2] * maps.shape[3])
            yield shared[:, :, None, None].expand_as(maps)
