"""Whether two tasks are one under two names, and which of their images they share: told by the pixels.

Other splits of one data set share no images and are two tasks; the same images with other labels are two tasks as well.
What was saved again, as JPEG or at another size, is recognised where all of it was, by small copies of the images.
Images of one colour are left out: they are alike in every data set. Does not know mirrored or cropped copies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int64

from archlock.errors import ConfigurationError
from archlock.tasks import Task, conform, digests_of, loaded, ranges_of

MOSTLY: Final = 0.95
"""Share of the images, and of the labels, that must agree for two tasks to be one."""
_SIDE: Final = 8
_SAMPLE: Final = 200
_CLOSE: Final = 3.0
"""Grey levels, on average, between small copies of what was the same image."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a task has in common with another one."""

    shared: int
    """Its images that are images of the other, pixel by pixel."""
    images: int
    """All its images."""
    same: bool
    """Whether the two are one task: the same images with the same labels, whatever these are called."""


def overlap(task: Task, other: Task) -> Overlap:
    """What ``task`` shares with ``other``; both have images of one shape (else ConfigurationError)."""
    if task.shape != other.shape:
        raise ConfigurationError(f"tasks are compared at one size of images; got {task.shape} and {other.shape}")
    ours, theirs = _labels(task), _labels(other)
    common = ours.keys() & theirs.keys()
    shared = sum(count for digest, count in _counts(task).items() if digest in common)
    count = sum(len(split) for split in (task.train, task.validation, task.test))
    if task.fingerprint == other.fingerprint:
        return Overlap(count, count, True)
    if task.kind != other.kind or not task.traits.has_classes or len(task.classes) != len(other.classes):
        return Overlap(shared, count, False)
    if min(len(ours), len(theirs)) == 0 or not MOSTLY <= len(ours) / len(theirs) <= 1 / MOSTLY:
        return Overlap(shared, count, False)
    if len(common) >= MOSTLY * max(len(ours), len(theirs)):
        pairs = [(ours[digest], theirs[digest]) for digest in sorted(common)]
        return Overlap(shared, count, _one_to_one(np.array(pairs)))
    return Overlap(shared, count, _saved_again(task, other))


def refuse_doubles(source: Task, known: Mapping[str, Task]) -> tuple[str, ...]:
    """ConfigurationError for a known target that is the source, or another one, under a second name.

    Otherwise one sentence for every target of which single images are images of the source.
    """
    said, before = [], dict[str, Task]()
    for name, task in known.items():
        found = overlap(task, source)
        if found.same:
            raise ConfigurationError(
                f"the target {name!r} is the same data as the source {source.name!r}: a lock against its own task is "
                "none. Name other data with --target, or leave it out"
            )
        for other, earlier in before.items():
            if overlap(task, earlier).same:
                raise ConfigurationError(
                    f"the targets {other!r} and {name!r} are the same data under two names, which would count twice; "
                    "leave one out"
                )
        if found.shared:
            words = task.words
            said.append(f"{found.shared} of the {found.images} {words} of {name} are {words} of the source, too")
        before[name] = task
    return tuple(said)


def doubles(source: Task | None, targets: Mapping[str, Task]) -> dict[str, tuple[Overlap | None, str]]:
    """For every target: what it shares with the source, and of what it is a double: ``source``, an earlier target's
    name, or nothing."""
    found: dict[str, tuple[Overlap | None, str]] = {}
    for name, task in targets.items():
        with_source = None
        if source is not None and source.shape == task.shape:
            with_source = overlap(task, source)
        earlier = (other for other in found if targets[other].shape == task.shape)
        same = "source" if with_source is not None and with_source.same else ""
        found[name] = with_source, same or next((one for one in earlier if overlap(task, targets[one]).same), "")
    return found


def _digests(task: Task) -> list[tuple[bytes, int]]:
    """A hash of every image that is not of one colour, and its label (0 for a dense task)."""
    found = []
    for split in (task.train, task.validation, task.test):
        low, high = ranges_of(split.images)
        labels = split.targets if task.traits.has_classes else np.zeros(len(split), dtype=np.int64)
        found += [
            (digest, int(label))
            for digest, label, plain in zip(digests_of(split.images), labels, low == high, strict=True)
            if not plain
        ]
    return found


def _labels(task: Task) -> dict[bytes, int]:
    return dict(_digests(task))


def _counts(task: Task) -> dict[bytes, int]:
    counts: dict[bytes, int] = {}
    for digest, _ in _digests(task):
        counts[digest] = counts.get(digest, 0) + 1
    return counts


def _one_to_one(pairs: Int64[np.ndarray, "images 2"]) -> bool:
    """Whether labels of one go with labels of the other, one with one, but for a few."""
    mine, counts = np.unique(pairs, axis=0, return_counts=True)
    best = {
        int(label): max(zip(counts[mine[:, 0] == label], mine[mine[:, 0] == label, 1], strict=True))
        for label in mine[:, 0]
    }
    agreeing = sum(int(count) for count, _ in best.values())
    return agreeing >= MOSTLY * len(pairs) and len({int(label) for _, label in best.values()}) == len(best)


def _saved_again(task: Task, other: Task) -> bool:
    """Whether the images are the same but for how they were stored, with the same labels."""
    if min(task.side, other.side) < _SIDE or task.measured or other.measured:
        return False
    (ours, mine), (theirs, yours) = _small(task), _small(other)
    if len(theirs) < 2:
        return False
    rows = np.linspace(0, len(ours) - 1, min(_SAMPLE, len(ours))).astype(int)
    pairs = []
    for row in np.unique(rows):
        apart = np.abs(theirs - ours[row]).mean(axis=1)
        first, second = np.argpartition(apart, 1)[:2]
        if apart[first] <= _CLOSE and apart[first] <= apart[second] / 2:
            pairs.append((mine[row], yours[first]))
    return len(pairs) >= MOSTLY * len(np.unique(rows)) and _one_to_one(np.array(pairs))


def _small(task: Task) -> tuple[Float32[np.ndarray, "images numbers"], Int64[np.ndarray, " images"]]:
    small = conform(task, (task.shape[0], _SIDE, _SIDE))
    splits = (small.train, small.validation, small.test)
    images = np.concatenate([loaded(split.images).reshape(len(split), -1) for split in splits]).astype(np.float32)
    return images, np.concatenate([split.targets for split in splits])
