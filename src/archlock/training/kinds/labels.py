"""Several labels: binary cross entropy, mean average precision, ridge regression, Bernoulli Fisher information."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Integer
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.tasks import Kind, Task
from archlock.training.closed_heads import ridge_weights
from archlock.training.kinds.learning import Learning, Tally
from archlock.training.kinds.reading import Reading, read_rows
from archlock.training.kinds.rows import PENALTY, moments, shared_directions, single
from archlock.training.logistic import Head, check_strength


class Labels(Learning):
    """Targets N x K of 0 and 1, answers N x K logits."""

    kind: ClassVar[Kind] = "labels"

    def loss(self, outputs: Float[Tensor, "n ..."], targets: Tensor, *, label_smoothing: float) -> Tensor:
        """Binary cross entropy, the mean over examples and labels."""
        return F.binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype))

    def losses(
        self,
        outputs: Float[Tensor, "models n ..."],
        targets: Tensor,
        *,
        label_smoothing: float,
    ) -> Float[Tensor, " models"]:
        """Binary cross entropy of each."""
        each = F.binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype), reduction="none")
        return each.flatten(1).mean(1)

    def tally(self) -> Tally:
        """Macro mean of the average precision of a split."""
        return _Ranked()

    def read(self, fresh: nn.Module, task: Task, *, device: str) -> Reading:
        """Features before the head."""
        return read_rows(fresh, task, self, device)

    def heads(self, features: np.ndarray, targets: np.ndarray, outputs: int, strength: float) -> tuple[Head, ...]:
        """Ridge regressions onto the labels, with ``alpha = 1 / strength``, brought to the scale of logits.

        To first order about the share p of a label, a logit is log(p / (1 - p)) + (y - p) / (p (1 - p)). That changes
        no order of images, so no average precision, and a training that goes on from there begins at a fair loss.
        """
        check_strength(strength)
        share, center = targets.mean(0), features.mean(0)
        (weight,) = ridge_weights(features - center, targets - share, (1 / (strength * len(features)),))
        least = 0.5 / len(features)
        held = np.clip(share, least, 1 - least)
        steepness = 1 / (held * (1 - held))
        scaled = weight.T * steepness[:, None]
        return ((scaled, np.log(held / (1 - held)) - scaled @ center),)

    def wanted(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """The labels."""
        return targets.astype(np.float64)

    def score(self, answers: np.ndarray, targets: np.ndarray) -> float:
        """Macro mean of the average precision."""
        return mean_average_precision(answers, targets)

    def fisher_head(self, rows: np.ndarray, targets: np.ndarray) -> "LabelHead":
        """A logistic regression for each label."""
        return fit_labels(rows, targets)


class _Ranked(Tally):
    """Keeps answers and targets: an order of all images is needed."""

    def __init__(self) -> None:
        self.answers: list[Tensor] = []
        self.targets: list[Tensor] = []

    def add(self, answers: Float[Tensor, "models n ..."], targets: Tensor, exact: torch.dtype) -> None:
        """One batch."""
        self.answers.append(answers)
        self.targets.append(targets)

    def scores(self) -> list[float]:
        """0 for a model whose answers are not finite; who asks knows."""
        wanted = torch.cat(self.targets).numpy()
        every = torch.cat(self.answers, 1).cpu().double().numpy()
        return [mean_average_precision(one, wanted) if np.isfinite(one).all() else 0.0 for one in every]


def mean_average_precision(
    answers: Float[np.ndarray, "examples labels"], targets: Integer[np.ndarray, "examples labels"]
) -> float:
    """Mean over the labels of sum over thresholds of (recall - recall before) x precision.

    That is scikit-learn's ``average_precision_score(average="macro")``: images with the same answer share a threshold,
    so one answer for all of them scores the share of images that have the label. Labels that no image has are left
    out; MeasurementError where none has any.
    """
    found = [_average_precision(said, there) for said, there in zip(answers.T, targets.T, strict=True) if there.any()]
    if not found:
        raise MeasurementError(f"none of the {len(targets)} images has a label, so none can be found; give others")
    return float(np.mean(found))


def _average_precision(said: np.ndarray, there: np.ndarray) -> float:
    order = np.argsort(-said, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(said[order])), len(said) - 1)
    hits = np.cumsum(there[order], dtype=np.int64)[ends]
    gained = np.diff(hits, prepend=0) / hits[-1]
    return float(np.sum(gained * hits / (ends + 1)))


@dataclass(frozen=True, slots=True, eq=False)
class LabelHead:
    """A sigmoid for each label over a linear map of the spatial mean of the maps."""

    weight: Float[Tensor, "labels features"]
    bias: Float[Tensor, " labels"]

    def to(self, device: torch.device) -> "LabelHead":
        """The head on another device."""
        return LabelHead(self.weight.to(device), self.bias.to(device))

    def cotangents(
        self, maps: Float[Tensor, "examples features h w"], passes: int, rng: np.random.Generator
    ) -> Iterator[Float[Tensor, "examples features h w"]]:
        """Directions that make up the Fisher information of the model's own label distribution.

        Given the image labels are independent, so the covariance of the score in the logits is diag(p (1 - p)): one
        direction sqrt(p_k (1 - p_k)) e_k for each label, and exactly the expectation over all 2^K outcomes. Beyond
        ``passes`` labels they share directions with random signs, which is right in expectation.
        """
        belief = torch.sigmoid(maps.detach().mean((2, 3)) @ self.weight.T + self.bias)
        spread = (belief * (1 - belief)).sqrt()
        for one in shared_directions(spread, passes, rng):
            shared = one @ self.weight / (maps.shape[2] * maps.shape[3])
            yield shared[:, :, None, None].expand_as(maps)


def fit_labels(
    features: Float64[np.ndarray, "examples features"], targets: Integer[np.ndarray, "examples labels"]
) -> LabelHead:
    """Logistic regressions by L-BFGS on standardised features: mean loss + PENALTY / 2 |weight|^2 for each label.

    Labels that all examples have, or none, get no output: there is nothing to decide.
    """
    from scipy.optimize import minimize

    varied = targets.any(0) & ~targets.all(0)
    wanted = targets[:, varied].astype(np.float64)
    mean, std = moments(features)
    inputs = (features - mean) / std
    shape = (wanted.shape[1], features.shape[1])

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = flat[: shape[0] * shape[1]].reshape(shape), flat[shape[0] * shape[1] :]
        logits = inputs @ weight.T + bias
        loss = np.sum(np.logaddexp(0, logits) - wanted * logits) / len(inputs) + PENALTY / 2 * np.sum(weight**2)
        error = (0.5 * (1 + np.tanh(logits / 2)) - wanted) / len(inputs)
        return float(loss), np.concatenate([(error.T @ inputs + PENALTY * weight).ravel(), error.sum(0)])

    start = np.zeros(shape[0] * (shape[1] + 1))
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-7, "ftol": 1e-13}
    )
    solution = np.asarray(found.x)
    weight = solution[: shape[0] * shape[1]].reshape(shape) / std
    return LabelHead(single(weight), single(solution[shape[0] * shape[1] :] - weight @ mean))
