"""From a task's arrays to tensors: batches.

Levels become float32 in [0, 1], measured values float32 in their own units; channels-last in memory (twice the speed
of the default layout on CPU, same values).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from archlock.seeding import rng_for
from archlock.tasks import Kind, Split, kind_of_form
from archlock.training.fetching import ahead, fetched

MOST_PIXELS, FEWER_PIXELS = 500 * 64**2, 2**18
"""Pixels of a batch that nobody learns from, at most, and those of a batch where there would be more, so that feature
maps of large images fit in memory beside those of another worker."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Images (N x C x H x W; levels in [0, 1]) and their targets: N class indices, or N x C x H x W target images."""

    images: Tensor
    targets: Tensor
    of_kind: Kind | None = None
    """Kind of the task, where it is known."""

    @property
    def kind(self) -> Kind:
        """Kind of the task; where it was not said, what such targets look like (:func:`kind_of_tensor`)."""
        return kind_of_tensor(self.targets) if self.of_kind is None else self.of_kind

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: str | torch.device) -> "Batch":
        """The batch on another device."""
        return Batch(self.images.to(device), self.targets.to(device), self.of_kind)


def batch_of(split: Split) -> Batch:
    """All of a split as one batch; it shares no memory with the split, which may be read-only."""
    split = split.loaded()
    dense = split.targets.ndim == 4
    targets = _maps(split.targets) if dense else torch.tensor(np.ascontiguousarray(split.targets))
    return Batch(_maps(split.images), targets, split.kind)


def batches(split: Split, size: int, *, seed: int | None = None) -> Iterator[Batch]:
    """Batches that cover the split once: in order, or shuffled by ``seed``; the last one may be smaller."""
    order = np.arange(len(split)) if seed is None else rng_for(seed, "batches").permutation(len(split))
    orders = [order[start : start + size] for start in range(0, len(split), size)]
    made = (batch_of(part) for part in fetched(split, orders))
    yield from ahead(made) if split.stored else made


def looked_at(size: int, split: Split) -> int:
    """How many images to look at at once: ``size``, or fewer where they are large."""
    pixels = int(split.images.shape[1] * split.images.shape[2])
    return size if size * pixels <= MOST_PIXELS else max(1, min(size, FEWER_PIXELS // pixels))


def kind_of_tensor(targets: Tensor) -> Kind:
    """What bare targets of a batch are taken for: whole numbers, one each, are classes; float images are dense."""
    return kind_of_form(floating=targets.is_floating_point(), axes=targets.ndim)


def _maps(array: np.ndarray) -> Tensor:
    """N x C x H x W in float32, levels of ``uint8`` in [0, 1]."""
    channels_last = torch.tensor(np.ascontiguousarray(array)).permute(0, 3, 1, 2)
    maps = channels_last.to(torch.float32)
    return maps.div_(255) if array.dtype == np.uint8 else maps
