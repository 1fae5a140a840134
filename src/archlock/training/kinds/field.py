"""Fields of numbers as targets: relative L2, ridge regression of the pixels, Gaussian Fisher information."""

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.tasks import Kind, Task
from archlock.training.kinds.gaussian import DenseHead, cells_of, fit_dense
from archlock.training.kinds.learning import Learning, Tally
from archlock.training.kinds.reading import Reading, read_moments


class Field(Learning):
    """Targets and answers N x D x H x W."""

    kind: ClassVar[Kind] = "field"

    def loss(self, outputs: Float[Tensor, "n ..."], targets: Tensor, *, label_smoothing: float) -> Tensor:
        """Mean over the examples of |a - y| / |y|, norms over all of a field (Li et al. 2021, the loss of FNO)."""
        return _relative(outputs, targets).mean()

    def losses(
        self,
        outputs: Float[Tensor, "models n ..."],
        targets: Tensor,
        *,
        label_smoothing: float,
    ) -> Float[Tensor, " models"]:
        """The same of each."""
        return _relative(outputs.flatten(0, 1), targets.flatten(0, 1)).reshape(outputs.shape[:2]).mean(1)

    def tally(self) -> Tally:
        """1 - relative L2, the mean over the examples of a split."""
        return _Relative()

    def read(self, fresh: nn.Module, task: Task, *, device: str) -> Reading:
        """Moments of the maps; the ridge regression minimises squared and not relative errors."""
        return read_moments(fresh, task, device)

    def fisher_rows(self, maps: Float[Tensor, "n features h w"], targets: Tensor) -> tuple[Tensor, Tensor]:
        """Cells of the maps, and the patch of the target under each."""
        return cells_of(maps, targets)

    def fisher_head(self, rows: np.ndarray, targets: np.ndarray) -> DenseHead:
        """Ridge regression of the patches."""
        return fit_dense(rows, targets.astype(np.float64))


class _Relative(Tally):
    """Sums relative errors."""

    def __init__(self) -> None:
        self.error, self.total = torch.zeros(()), 0

    def add(self, answers: Float[Tensor, "models n ..."], targets: Tensor, exact: torch.dtype) -> None:
        """Of every example."""
        there = targets.to(answers.device, exact)
        self.total += len(targets)
        self.error = self.error.to(answers.device) + torch.stack(
            [_relative(one.to(exact), there).sum() for one in answers]
        )

    def scores(self) -> list[float]:
        """1 - the mean."""
        return [1 - error / self.total for error in self.error.tolist()]


def _relative(answers: Float[Tensor, "n ..."], targets: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    missed = torch.linalg.vector_norm((answers - targets).flatten(1), dim=1)
    found: Tensor = missed / torch.linalg.vector_norm(targets.flatten(1), dim=1)
    return found
