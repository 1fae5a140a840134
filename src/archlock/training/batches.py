"""From a task's arrays to tensors: batches, and the loss and score that belong to the kind of target.

Images become float32 in [0, 1], channels-last in memory (twice the speed of the default layout on CPU, same values).
The type of a target says its kind: integer targets are classes, float targets are images (a dense task).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from archlock.seeding import rng_for
from archlock.tasks import Split


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Images in [0, 1] (N x C x H x W) and their targets: N class indices, or N x C x H x W target images in [0, 1]."""

    images: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: str | torch.device) -> "Batch":
        """The batch on another device."""
        return Batch(self.images.to(device), self.targets.to(device))


def batch_of(split: Split) -> Batch:
    """All of a split as one batch; it shares no memory with the split, which may be read-only."""
    targets = split.targets
    dense = targets.ndim == 4
    return Batch(_images(split.images), _images(targets) if dense else torch.tensor(np.ascontiguousarray(targets)))


def batches(split: Split, size: int, *, seed: int | None = None) -> Iterator[Batch]:
    """Batches that cover the split once: in order, or shuffled by ``seed``; the last one may be smaller."""
    order = np.arange(len(split)) if seed is None else rng_for(seed, "batches").permutation(len(split))
    for start in range(0, len(split), size):
        yield batch_of(split.take(order[start : start + size]))


def loss_of(outputs: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Mean loss, a scalar: cross entropy for class targets, mean squared error for image targets."""
    if targets.is_floating_point():
        return F.mse_loss(outputs, targets)
    return F.cross_entropy(outputs, targets, label_smoothing=label_smoothing)


def losses_of(
    outputs: Float[Tensor, "k n *outputs"], targets: Tensor, *, label_smoothing: float = 0.0
) -> Float[Tensor, " k"]:
    """What :func:`loss_of` says of each network's answers to its own examples (targets K x N, or K x N x C x H x W)."""
    if targets.is_floating_point():
        return F.mse_loss(outputs, targets, reduction="none").flatten(1).mean(1)
    each = F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none", label_smoothing=label_smoothing)
    return each.reshape(targets.shape).mean(1)


def _images(array: np.ndarray) -> Tensor:
    channels_last = torch.tensor(np.ascontiguousarray(array)).permute(0, 3, 1, 2)
    return channels_last.to(torch.float32).div_(255)
