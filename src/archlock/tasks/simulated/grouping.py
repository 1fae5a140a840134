"""Other label spaces on the same images: classes merged into groups, by likeness or at random, or half of them kept.

Coarse labels are what hierarchical data sets have by nature (CIFAR-100: 20 superclasses of 100 classes).
"""

import numpy as np

from archlock.seeding import rng_for
from archlock.tasks.rows import parts_of, taken
from archlock.tasks.simulated.simulator import Simulator, check_supported, derived, needs_classes
from archlock.tasks.task import Split, Task


class Coarse(Simulator):
    """Classes that look alike are merged: about the square root of their number remains, of about equal size."""

    name = "coarse"
    description = "to which group of similar classes the image belongs"

    def obstacle(self, source: Task, /) -> str:
        """Fewer than three classes."""
        return needs_classes(source, 3)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Groups grow around random classes: each takes the classes whose mean image is nearest to its own."""
        check_supported(self, source)
        rng = rng_for(seed, "simulated", self.name)
        means = _class_means(source)
        groups = np.zeros(len(means), dtype=np.int64)
        left = rng.permutation(len(means))
        count = max(2, round(len(means) ** 0.5))
        for group in range(count):
            size = -(-len(left) // (count - group))
            distances = ((means[left] - means[left[0]]) ** 2).sum(axis=1)
            distances[0] = -1
            nearest = np.argsort(distances, kind="stable")
            groups[left[nearest[:size]]] = group
            left = left[np.sort(nearest[size:])]
        return _grouped(self, source, groups, seed)


class RandomGrouping(Simulator):
    """Classes are merged at random into two to five groups of about equal size."""

    name = "random_grouping"
    description = "to which of a few random groups of classes the image belongs"

    def obstacle(self, source: Task, /) -> str:
        """Fewer than three classes."""
        return needs_classes(source, 3)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """The number of groups is random as well; it is smaller than the number of classes."""
        check_supported(self, source)
        rng = rng_for(seed, "simulated", self.name)
        classes = len(source.classes)
        count = int(rng.integers(2, min(5, classes - 1), endpoint=True))
        return _grouped(self, source, rng.permutation(classes) % count, seed)


class ClassSubset(Simulator):
    """Half of the classes, chosen at random, and only their images."""

    name = "class_subset"
    description = "the class, among a random half of the classes"

    def obstacle(self, source: Task, /) -> str:
        """Fewer than four classes."""
        return needs_classes(source, 4)

    def simulate(self, source: Task, *, seed: int) -> Task:
        """Of an odd number of classes the smaller half; a split without any image of them raises TaskError."""
        check_supported(self, source)
        rng = rng_for(seed, "simulated", self.name)
        kept = np.sort(rng.permutation(len(source.classes))[: len(source.classes) // 2])
        label_of = np.full(len(source.classes), -1, dtype=np.int64)
        label_of[kept] = np.arange(len(kept))

        def chosen(split: Split, _: np.random.Generator) -> Split:
            rows = np.flatnonzero(label_of[split.targets] >= 0)
            return Split(taken(split.images, rows), label_of[split.targets[rows]])

        classes = tuple(source.classes[label] for label in kept)
        detail = f"{source.words.said(self.description)} ({', '.join(classes)})"
        return derived(self, source, chosen, detail=detail, classes=classes, relabels=True, seed=seed)


def _grouped(simulator: Simulator, source: Task, groups: np.ndarray, seed: int) -> Task:
    names = tuple(
        " + ".join(source.classes[label] for label in np.flatnonzero(groups == group))
        for group in range(groups.max() + 1)
    )

    def relabelled(split: Split, _: np.random.Generator) -> Split:
        return Split(split.images, groups[split.targets])

    detail = f"{source.words.said(simulator.description)} ({len(names)} groups)"
    return derived(simulator, source, relabelled, detail=detail, classes=names, relabels=True, seed=seed)


def _class_means(source: Task) -> np.ndarray:
    """Mean training image of each class, flat; levels are summed in whole numbers, so exact in any order.

    Measured values are taken in deviations of their channel.
    """
    labels, done = source.train.targets, 0
    kept = np.float64 if source.measured else np.int64
    sums = np.zeros((len(source.classes), int(np.prod(source.shape))), dtype=kept)
    for part in parts_of(source.train.images):
        images = (part - np.array(source.mean)) / np.array(source.std) if source.measured else part
        mine = labels[done : done + len(part)]
        for label in np.unique(mine):
            sums[label] += images[mine == label].sum(axis=0, dtype=kept).ravel()
        done += len(part)
    counts = np.maximum(np.bincount(labels, minlength=len(source.classes)), 1)
    found: np.ndarray = sums / counts[:, None]
    return found
