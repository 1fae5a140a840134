"""What a kind of task is to those who train: loss, score, linear probe, Fisher information. One file a kind.

The half of a kind that knows torch; the other half, and what all kinds say of themselves, is in ``archlock.tasks``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.tasks import Kind, Task
from archlock.training.kinds.reading import Reading


class Tally(ABC):
    """The score of several models on one split, batch by batch. Nothing is read from the device before the end."""

    @abstractmethod
    def add(self, answers: Float[Tensor, "models n ..."], targets: Tensor, exact: torch.dtype) -> None:
        """The next batch; targets are on the CPU, answers anywhere. Sums are taken there in the precision ``exact``."""

    @abstractmethod
    def scores(self) -> list[float]:
        """Of every model, as :func:`~archlock.training.evaluate` says."""


@runtime_checkable
class FisherHead(Protocol):
    """A head of a probe network that knows its part of the Fisher information.

    It turns feature maps into *cotangents*: directions c_1 ... c_R in the space of the maps with
    E_y[grad grad^T] = sum_r (J^T c_r)(J^T c_r)^T, exactly or in expectation. What lies below the maps (see
    ``embeddings.fisher``) needs to know nothing else about classes, noise or the kind of task.
    """

    def to(self, device: torch.device) -> "FisherHead":
        """The head on another device."""
        ...

    def cotangents(
        self, maps: Float[Tensor, "examples features h w"], passes: int, rng: np.random.Generator
    ) -> Iterator[Float[Tensor, "examples features h w"]]:
        """The directions, at most ``passes`` of them."""
        ...


class Learning(ABC):
    """How a kind of task is learned. Members are stateless; one instance serves everybody."""

    kind: ClassVar[Kind]

    @abstractmethod
    def losses(
        self, outputs: Float[Tensor, "models n ..."], targets: Tensor, *, label_smoothing: float
    ) -> Float[Tensor, " models"]:
        """Mean loss of each of several models on its own examples; targets models x N x ..."""

    @abstractmethod
    def loss(self, outputs: Float[Tensor, "n ..."], targets: Tensor, *, label_smoothing: float) -> Tensor:
        """Mean loss of one model, a scalar; what is no class is not smoothed."""

    def scaled(self, stored: Tensor) -> Tensor:
        """Targets as they are in a batch, of those that a split holds."""
        return stored

    @abstractmethod
    def tally(self) -> Tally:
        """A fresh one."""

    @abstractmethod
    def read(self, fresh: nn.Module, task: Task, *, device: str) -> Reading:
        """What the frozen body of a model, which has a head for the task, says of its images: a linear probe's data."""

    def fisher_rows(self, maps: Float[Tensor, "n features h w"], targets: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and targets of the head of a probe network: the mean of the maps, or their cells."""
        return maps.mean((2, 3)), targets

    @abstractmethod
    def fisher_head(self, rows: np.ndarray, targets: np.ndarray) -> FisherHead:
        """The head of a probe network, fitted to its rows."""
