"""Single labels: cross entropy, share of right answers, logistic regression, categorical Fisher information."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

from archlock.tasks import Kind, Task
from archlock.training.kinds.learning import Learning, Tally
from archlock.training.kinds.reading import Reading, read_rows
from archlock.training.kinds.rows import PENALTY, moments, single
from archlock.training.logistic import Head, logistic_head


class Classification(Learning):
    """Targets N class indices, answers N x classes logits."""

    kind: ClassVar[Kind] = "classification"

    def loss(self, outputs: Float[Tensor, "n ..."], targets: Tensor, *, label_smoothing: float) -> Tensor:
        """Cross entropy."""
        return F.cross_entropy(outputs, targets, label_smoothing=label_smoothing)

    def losses(
        self, outputs: Float[Tensor, "models n ..."], targets: Tensor, *, label_smoothing: float
    ) -> Float[Tensor, " models"]:
        """Cross entropy of each."""
        each = F.cross_entropy(
            outputs.flatten(0, 1), targets.flatten(), reduction="none", label_smoothing=label_smoothing
        )
        return each.reshape(targets.shape).mean(1)

    def tally(self) -> Tally:
        """The share of right answers; of equal logits the first counts."""
        return _Right()

    def read(self, fresh: nn.Module, task: Task, *, device: str) -> Reading:
        """Features before the head."""
        return read_rows(fresh, task, self, device)

    def heads(self, features: np.ndarray, targets: np.ndarray, outputs: int, strength: float) -> tuple[Head, ...]:
        """Multinomial logistic regression."""
        return (logistic_head(features, targets, outputs, strength),)

    def wanted(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """One for the class, zero for the others."""
        one_hot: np.ndarray = np.eye(outputs)[targets]
        return one_hot

    def score(self, answers: np.ndarray, targets: np.ndarray) -> float:
        """The share of right answers."""
        return float((answers.argmax(1) == targets).mean())

    def fisher_head(self, rows: np.ndarray, targets: np.ndarray) -> "ClassHead":
        """Logistic regression of the means of the maps."""
        return fit_classes(rows, targets)


class _Right(Tally):
    """Counts right answers."""

    def __init__(self) -> None:
        self.right, self.total = torch.zeros(()), 0

    def add(self, answers: Float[Tensor, "models n ..."], targets: Tensor, exact: torch.dtype) -> None:
        self.total += targets.numel()
        self.right = self.right.to(answers.device) + (answers.argmax(2) == targets.to(answers.device)).sum(1)

    def scores(self) -> list[float]:
        return [right / self.total for right in self.right.tolist()]


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


def fit_classes(
    features: Float64[np.ndarray, "examples features"], labels: Int64[np.ndarray, " examples"]
) -> ClassHead:
    """Multinomial logistic regression by L-BFGS on standardised features: mean loss + PENALTY / 2 |weight|^2.

    Classes without an example get no output. With a single class there is nothing to decide, and the Fisher information
    is zero.
    """
    from scipy.optimize import minimize

    mean, std = moments(features)
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
    return ClassHead(single(weight), single(solution[shape[0] * shape[1] :] - weight @ mean))
