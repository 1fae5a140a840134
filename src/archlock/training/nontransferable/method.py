"""The contract of a nontransferable training, and what its members share: features, statistics and batches."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from archlock.models import linear_head
from archlock.training.batches import Batch


@dataclass(frozen=True, slots=True, eq=False)
class Restricted:
    """A target that the network is to be useless for, in one round of a training."""

    batches: Iterator[Batch]
    """Batches of its training split, without end."""
    head: nn.Linear
    """A head for it, fitted on what the body said when the round began."""


class NontransferableTraining(ABC):
    """A way to train on so that a network keeps its source and is a bad start for targets. Members are stateless."""

    name: str
    """Name in the catalog ``archlock.training.NONTRANSFERABLE``."""
    paper: str
    summary: str
    """What it does, for the documentation and the report: half a sentence that begins with a verb."""

    @property
    @abstractmethod
    def batches_per_step(self) -> int:
        """Batches, of the source and of targets, that pass forward and backward in one step: what a step costs."""

    @abstractmethod
    def optimisers(self, parameters: Iterable[nn.Parameter]) -> tuple[torch.optim.Optimizer, ...]:
        """Of a network, in an order of the member's own."""

    @abstractmethod
    def step(
        self,
        model: nn.Module,
        optimisers: Sequence[torch.optim.Optimizer],
        source: Iterator[Batch],
        target: Restricted,
    ) -> float:
        """One step against one target, in place; returns a mean loss of it, by which divergence is seen.

        ``model`` is in training mode and its head an ``nn.Linear``.
        """


def features_and_answers(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """What goes into the head (N x features) and what comes out of it, with gradients."""
    seen: list[Tensor] = []
    handle = linear_head(model).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        answers = model(images)
    finally:
        handle.remove()
    return seen[-1], answers


@contextmanager
def kept_statistics(model: nn.Module) -> Iterator[None]:
    """Inside, running statistics (all buffers) change as in any training; afterwards they are what they were.

    The buffers themselves are set aside, not written back into, so that a gradient may be taken afterwards.
    """
    aside = [(part, name, buffer) for part in model.modules() for name, buffer in part.named_buffers(recurse=False)]
    for part, name, buffer in aside:
        setattr(part, name, buffer.clone())
    try:
        yield
    finally:
        for part, name, buffer in aside:
            setattr(part, name, buffer)
