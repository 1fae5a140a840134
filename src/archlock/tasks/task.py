"""What a task is: images (or signals) and what is to be said about them, in three fixed splits.

A task is a pair (domain, label space). Everything is held as the arrays that were given, or where there are too many
images as a view of them on disk, so a task is exact, hashable by content, and independent of any framework: levels as
``uint8``, which models see in [0, 1], and measured values as ``int16`` or ``float32``, which they see in their own
units. Validation is for every decision; test is for the report alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int16, Int64, UInt8

from archlock.errors import TaskError, UnsupportedError
from archlock.records import LATER
from archlock.tasks.forms import EVERY_FORM, FORM_WORDS, Form, FormWords
from archlock.tasks.kinds import KINDS, Kind, TaskKind, kind_of_targets
from archlock.tasks.moments import moments_of, rows_not_finite
from archlock.tasks.rows import StoredImages, content_of, is_stored, loaded, taken
from archlock.tasks.scores import Scoring, check_groups
from archlock.tasks.wording import several

if TYPE_CHECKING:
    Images = np.ndarray  # (a view is indexed like one; what more is asked of it is in ``rows``)
else:
    Images = (
        UInt8[np.ndarray, "examples height width channels"]
        | Int16[np.ndarray, "examples height width channels"]
        | Float32[np.ndarray, "examples height width channels"]
        | StoredImages
    )

HELD = (np.uint8, np.int16, np.float32)
"""Types of the values of examples."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model must know of a task to be built for it: all of a task but its data."""

    kind: Kind
    shape: tuple[int, int, int]
    """Channels, height, width of one image; of a signal channels, 1, length."""
    outputs: int
    """Numbers said about an image (a pixel, for a dense task): classes, or target channels."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    form: Form = field(default="image", metadata=LATER)
    measured: bool = field(default=False, metadata=LATER)
    """Whether values are in units of their own, and not levels in [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Images and their targets, row by row, as the kind of task has them (``kinds``): class indices, images..."""

    images: Images
    """Levels (``uint8``) or measured values; signals are N x 1 x length x channels. Many images are a view of what is
    on disk (:class:`~archlock.tasks.stored.view.StoredImages`); ``rows`` asks either, and ``take`` reads nothing."""
    targets: (
        Int64[np.ndarray, " examples"]
        | UInt8[np.ndarray, "examples height width outputs"]
        | UInt8[np.ndarray, "examples outputs"]
        | Float32[np.ndarray, "examples outputs"]
        | Float32[np.ndarray, "examples height width outputs"]
    )
    groups: Int64[np.ndarray, " examples"] | None = None
    """Numbers of the groups (recordings, patients) that the examples belong to, where that is known."""
    scoring: Scoring | None = None
    """How answers are scored; None: as the kind of task has it."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def kind(self) -> Kind:
        """The kind of task that such targets are of."""
        return kind_of_targets(self.targets)

    @property
    def measured(self) -> bool:
        """Whether the values are measured, in units of their own, and not levels of 0 to 255."""
        return self.images.dtype != np.uint8

    def take(self, rows: Sequence[int] | np.ndarray) -> "Split":
        """The given rows, in the given order."""
        groups = None if self.groups is None else self.groups[rows]
        return Split(taken(self.images, rows), taken(self.targets, rows), groups, self.scoring)

    @property
    def stored(self) -> bool:
        """Whether its images are on disk, and read when they are looked at."""
        return is_stored(self.images)

    def loaded(self) -> "Split":
        """The same in memory: for a few examples."""
        return replace(self, images=loaded(self.images), targets=loaded(self.targets)) if self.stored else self


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
    form: Form = "image"
    """What an example is."""
    mean: tuple[float, ...] = field(init=False)
    """Mean of the training images, one per channel: of levels in [0, 1], of measured values in their units."""
    std: tuple[float, ...] = field(init=False)
    """Their standard deviation, one per channel: of levels in [0, 1] and at least 1 / 255; of measured values in their
    units, and 1 for a channel that is constant."""
    fingerprint: str = field(init=False)
    """First 16 hex digits of the SHA-256 of kind, classes and all splits (not of the name); of images on disk of their
    hashes, so the same images in memory have another one."""

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            self._check(name, getattr(self, name))
        mean, std = moments_of(self.train.images)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "std", std)
        self._check_groups()
        beside = (*((self.form,) if self.form != "image" else ()), *((self.scoring,) if self.scoring else ()))
        digest = hashlib.sha256(repr((self.kind, self.classes, *beside)).encode())
        for split in (self.train, self.validation, self.test):
            for array in (split.images, split.targets, *(() if split.groups is None else (split.groups,))):
                digest.update(repr((array.shape, array.dtype.str)).encode())
                for part in content_of(array):
                    digest.update(part)
        object.__setattr__(self, "fingerprint", digest.hexdigest()[:16])

    def _check(self, name: str, split: Split) -> None:
        where = f"task {self.name!r}, {name} split"
        if self.form not in EVERY_FORM:
            raise TaskError(f"{where}: examples are {' or '.join(EVERY_FORM)}; got {self.form!r}")
        examples = self.words.many
        if len(split) == 0:
            raise TaskError(f"{where}: no examples; give more {examples} or another split")
        if split.images.dtype not in HELD or split.images.ndim != 4:
            raise TaskError(
                f"{where}: {examples} must be int16, float32 or uint8, N x H x W x C; got {split.images.dtype} "
                f"{split.images.shape}"
            )
        mine, those = ((one.images.shape[1:], one.images.dtype) for one in (split, self.train))
        for own, other in zip(mine, those, strict=True):
            if own != other:
                raise TaskError(f"{where}: {examples} are {own}, those of train {other}")
        if self.form == "signal" and (split.images.shape[1] != 1 or not split.measured):
            raise TaskError(
                f"{where}: signals must be int16 or float32, N x 1 x length x channels; got {split.images.dtype} "
                f"{split.images.shape}"
            )
        bad = rows_not_finite(split.images)
        if len(bad):
            raise TaskError(
                f"{where}: {len(bad)} of {len(split)} {examples} hold NaN or an infinity, the first is row {bad[0]}; "
                "leave them out, or give them numbers"
            )
        if len(split.targets) != len(split):
            raise TaskError(f"{where}: {len(split)} {examples} but {len(split.targets)} targets")
        self.traits.check(split.targets, split.images, self.classes, where)

    def _check_groups(self) -> None:
        """No group in two splits, one way of scoring for all, and one that they can have."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        where = f"task {self.name!r}"
        if len({split.scoring for split in splits.values()}) > 1:
            raise TaskError(f"{where}: its splits are scored in different ways; give them one")
        if self.scoring is not None:
            check_classes(self, f"the score {self.scoring.words} is of classes")
            for name, split in splits.items():
                if self.scoring.by_group:
                    check_groups(split.targets, split.groups, f"{where}, {name} split")
        for name, split in splits.items():
            if split.groups is not None and len(split.groups) != len(split):
                raise TaskError(f"{where}, {name} split: {len(split)} examples but {len(split.groups)} groups")
        refuse_shared_groups({name: split.groups for name, split in splits.items()}, where)

    @property
    def scoring(self) -> Scoring | None:
        """How answers are scored; None: as the kind of task has it."""
        return self.train.scoring

    @property
    def unit(self) -> str:
        """Of its scores, in the evidence store."""
        return self.traits.unit if self.scoring is None else self.scoring.name

    @property
    def traits(self) -> TaskKind:
        """What holds of all tasks of its kind."""
        return KINDS[self.kind]

    @property
    def words(self) -> FormWords:
        """How its examples are spoken of."""
        return FORM_WORDS[self.form]

    @property
    def measured(self) -> bool:
        """Whether its values are in units of their own, and not levels of 0 to 255."""
        return self.train.measured

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of one image."""
        _, height, width, channels = self.train.images.shape
        return channels, height, width

    @property
    def side(self) -> int:
        """Smaller side of the images, in pixels; of signals their length."""
        return self.shape[2] if self.form == "signal" else min(self.shape[1:])

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
        return Signature(self.kind, self.shape, self.outputs, self.mean, self.std, self.form, self.measured)

    @property
    def class_balance(self) -> tuple[float, ...]:
        """Share of each class among the training examples; empty for a kind without classes."""
        return self.traits.balance(self.train.targets, self.classes)

    @property
    def chance(self) -> float:
        """Score of the best constant answer on validation-like data: of classes, the share of the largest."""
        if self.scoring is not None:
            return self.scoring.chance(self.train.targets, self.train.groups)
        return self.traits.chance(self.train.targets, self.classes)


def refuse_shared_groups(
    groups: Mapping[Any, Int64[np.ndarray, " examples"] | None], where: str, names: Sequence[str] = ()
) -> None:
    """TaskError for a group in two splits, or for groups that only some splits know; ``names`` are of the groups."""
    known = {name: numbers for name, numbers in groups.items() if numbers is not None}
    missing = [name for name in groups if name not in known]
    if known and missing:
        raise TaskError(
            f"{where}: the groups of {', '.join(known)} are named, those of {', '.join(missing)} are not; name them "
            "for all splits"
        )
    for (first, one), (second, other) in combinations(known.items(), 2):
        shared = np.intersect1d(one, other)
        if len(shared):
            said = ", ".join(repr(names[group]) if len(names) else str(group) for group in shared[:5])
            more = f" and {len(shared) - 5} more" if len(shared) > 5 else ""
            raise TaskError(
                f"{where}: {several(len(shared), 'group is', 'groups are')} in {first} and in {second} "
                f"({said}{more}), so what is decided or reported would be known from training; keep every group in one "
                "split, or leave a split out to have it made of train"
            )


def scored(task: Task, scoring: Scoring | None) -> Task:
    """The task with another score; UnsupportedError where it has no classes, or no groups to score by."""
    if scoring is None or scoring == Scoring():
        scoring = None
    if task.scoring == scoring:
        return task
    train, validation, test = (replace(split, scoring=scoring) for split in (task.train, task.validation, task.test))
    return replace(task, train=train, validation=validation, test=test)


def scored_alike(task: Task, scoring: Scoring) -> Task:
    """The task with another one's score, as far as it can be: without classes none, without groups by example."""
    if not task.traits.has_classes:
        return task
    return scored(task, scoring if task.train.groups is not None else replace(scoring, by_group=False))


def check_classes(task: Task, why: str) -> None:
    """UnsupportedError for a task of another kind than single labels; ``why`` says what needs these."""
    if not task.traits.has_classes:
        raise UnsupportedError(f"{task.name!r} is a {task.kind} task; {why}")


def check_images(task: Task, why: str) -> None:
    """UnsupportedError for a dense task, which says something of every pixel and nothing of a whole image."""
    if task.traits.dense:
        raise UnsupportedError(f"{task.name!r} is a {task.kind} task; {why}")
