"""What a task is: images and what is to be said about them, in three fixed splits.

A task is a pair (domain, label space). Everything is held as ``uint8`` arrays, so a task is exact, hashable by content,
and independent of any framework. Validation is for every decision; test is for the report alone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from archlock.errors import TaskError, UnsupportedError
from archlock.tasks.kinds import KINDS, Kind, TaskKind, kind_of_targets


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model must know of a task to be built for it: all of a task but its data."""

    kind: Kind
    shape: tuple[int, int, int]
    """Channels, height, width of one image."""
    outputs: int
    """Numbers said about an image (a pixel, for a dense task): classes, or target channels."""
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Images and their targets, row by row, as the kind of task has them (``kinds``): class indices, images..."""

    images: UInt8[np.ndarray, "examples height width channels"]
    targets: (
        Int64[np.ndarray, " examples"]
        | UInt8[np.ndarray, "examples height width outputs"]
        | UInt8[np.ndarray, "examples outputs"]
        | Float32[np.ndarray, "examples outputs"]
        | Float32[np.ndarray, "examples height width outputs"]
    )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def kind(self) -> Kind:
        """The kind of task that such targets are of."""
        return kind_of_targets(self.targets)

    def take(self, rows: Sequence[int] | np.ndarray) -> "Split":
        """The given rows, in the given order."""
        return Split(self.images[rows], self.targets[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A task, born valid: shapes agree, labels are in range, every split has examples (else TaskError).

    Two tasks are the same task exactly when their fingerprints are equal.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...]
    """Names of the classes or labels, index = label; empty for a kind that has none."""
    train: Split
    validation: Split
    test: Split
    origin: str
    """Where the data came from, in words a reader of the report understands."""
    skipped: tuple[str, ...] = ()
    """Files that were left out because they could not be read (only with ``skip_bad``)."""
    stored_side: int | None = None
    """Smaller side of the images as they were stored (the median of files, in pixels); None: stored at this size."""
    remarks: tuple[str, ...] = ()
    """What was noticed about the data and may be a mistake, one sentence each; part of the origin, too."""
    mean: tuple[float, ...] = field(init=False)
    """Mean of the training images in [0, 1], one per channel."""
    std: tuple[float, ...] = field(init=False)
    """Standard deviation of the training images in [0, 1], one per channel; at least 1 / 255."""
    fingerprint: str = field(init=False)
    """First 16 hex digits of the SHA-256 of kind, classes and all splits (not of the name)."""

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            self._check(name, getattr(self, name))
        pixels = self.train.images.reshape(-1, self.shape[0])
        # exact integer moments: no dependence on summation order, no large temporary
        count = [np.bincount(pixels[:, c], minlength=256) for c in range(self.shape[0])]
        levels = np.arange(256) / 255
        mean = [float(n @ levels / n.sum()) for n in count]
        std = [float(np.sqrt(n @ (levels - m) ** 2 / n.sum())) for n, m in zip(count, mean, strict=True)]
        object.__setattr__(self, "mean", tuple(mean))
        object.__setattr__(self, "std", tuple(max(s, 1 / 255) for s in std))
        digest = hashlib.sha256(repr((self.kind, self.classes)).encode())
        for split in (self.train, self.validation, self.test):
            for array in (split.images, split.targets):
                digest.update(repr((array.shape, array.dtype.str)).encode())
                digest.update(np.ascontiguousarray(array).data)
        object.__setattr__(self, "fingerprint", digest.hexdigest()[:16])

    def _check(self, name: str, split: Split) -> None:
        where = f"task {self.name!r}, {name} split"
        if len(split) == 0:
            raise TaskError(f"{where}: no examples; give more images or another split")
        if split.images.dtype != np.uint8 or split.images.ndim != 4:
            raise TaskError(
                f"{where}: images must be uint8, N x H x W x C; got {split.images.dtype} {split.images.shape}"
            )
        if split.images.shape[1:] != self.train.images.shape[1:]:
            raise TaskError(
                f"{where}: images are {split.images.shape[1:]}, those of train {self.train.images.shape[1:]}"
            )
        if len(split.targets) != len(split):
            raise TaskError(f"{where}: {len(split)} images but {len(split.targets)} targets")
        self.traits.check(split.targets, split.images, self.classes, where)

    @property
    def traits(self) -> TaskKind:
        """What holds of all tasks of its kind."""
        return KINDS[self.kind]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of one image."""
        _, height, width, channels = self.train.images.shape
        return channels, height, width

    @property
    def side(self) -> int:
        """Smaller side of the images, in pixels."""
        return min(self.shape[1:])

    @property
    def enlarged_from(self) -> int | None:
        """Smaller side that the images had, where they were scaled up to this size; else None."""
        return None if self.stored_side is None or self.stored_side >= self.side else self.stored_side

    @property
    def outputs(self) -> int:
        """Numbers a model says about an image (a pixel, for a dense task): classes, or target channels."""
        return self.traits.outputs(self.train.targets, self.classes)

    @property
    def signature(self) -> Signature:
        """What a model must know to be built for this task."""
        return Signature(self.kind, self.shape, self.outputs, self.mean, self.std)

    @property
    def class_balance(self) -> tuple[float, ...]:
        """Share of each class among the training examples; empty for a kind without classes."""
        return self.traits.balance(self.train.targets, self.classes)

    @property
    def chance(self) -> float:
        """Score of the best constant answer on validation-like data: of classes, the share of the largest."""
        return self.traits.chance(self.train.targets, self.classes)


def check_classes(task: Task, why: str) -> None:
    """UnsupportedError for a task of another kind than single labels; ``why`` says what needs these."""
    if not task.traits.has_classes:
        raise UnsupportedError(f"{task.name!r} is a {task.kind} task; {why}")


def check_images(task: Task, why: str) -> None:
    """UnsupportedError for a dense task, which says something of every pixel and nothing of a whole image."""
    if task.traits.dense:
        raise UnsupportedError(f"{task.name!r} is a {task.kind} task; {why}")
