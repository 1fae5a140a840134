"""Images as targets: squared error, R squared, ridge regression of the pixels, Gaussian Fisher information."""

from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from archlock.tasks import Kind, Task
from archlock.training.kinds.gaussian import DenseHead, cells_of, fit_dense
from archlock.training.kinds.learning import Learning, Tally
from archlock.training.kinds.reading import Reading, read_moments


class Dense(Learning):
    """Targets and answers N x channels x H x W, in [0, 1]."""

    kind: ClassVar[Kind] = "dense"

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

    def scaled(self, stored: Tensor) -> Tensor:
        """Levels 0 to 255 to [0, 1]."""
        return stored.to(torch.float32).div_(255)

    def tally(self) -> Tally:
        """R squared over all pixels of a split."""
        return Explained()

    def read(self, fresh: nn.Module, task: Task, *, device: str) -> Reading:
        """Moments of the maps."""
        return read_moments(fresh, task, device)

    def fisher_rows(self, maps: Float[Tensor, "n features h w"], targets: Tensor) -> tuple[Tensor, Tensor]:
        """Cells of the maps, and the patch of the target under each."""
        return cells_of(maps, targets)

    def fisher_head(self, rows: np.ndarray, targets: np.ndarray) -> DenseHead:
        """Ridge regression of the patches."""
        return fit_dense(rows, targets.astype(np.float64))


class Explained(Tally):
    """Sums squared errors, and the moments of the targets."""

    def __init__(self) -> None:
        self.error, self.total = torch.zeros(()), 0
        self.moments = torch.zeros(2, dtype=torch.float64)

    def add(self, answers: Float[Tensor, "models n ..."], targets: Tensor, exact: torch.dtype) -> None:
        """Errors where the answers are, moments in double."""
        there, precise = targets.to(answers.device), targets.double()
        self.total += targets.numel()
        found = torch.stack([(one - there).to(exact).square().sum() for one in answers])
        self.moments += torch.stack([precise.sum(), precise.square().sum()])
        self.error = self.error.to(answers.device) + found

    def scores(self) -> list[float]:
        """1 - error / variance."""
        variance = float(self.moments[1] - self.moments[0] ** 2 / self.total)
        return [1 - error / max(variance, 1e-12) for error in self.error.tolist()]
