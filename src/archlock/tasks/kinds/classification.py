"""Single-label classification: which of the classes is it?"""

from typing import ClassVar

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.kinds.kind import Kind, TaskKind, Words
from archlock.tasks.stored.view import Rows


class Classification(TaskKind):
    """Targets are class indices, one for every image; the score is the share of right answers."""

    name: ClassVar[Kind] = "classification"
    words = Words(
        score="accuracy",
        counted=("class", "classes"),
        short="classes",
        long="",
        metric="accuracy",
        pipeline="image-classification",
        use="sorting images into {classes} classes",
        answer="logits, N x {classes}, classes in the order below",
    )
    stored = ("int64", 1)
    floating = False
    has_classes = True
    protected = True
    unit, loss_unit = "accuracy", "nats"

    def check(self, targets: Rows, images: Rows, classes: tuple[str, ...], where: str) -> None:
        """At least two classes, and labels in their range."""
        if len(classes) < 2:
            raise TaskError(f"{where}: a classification task needs at least two classes; got {list(classes)}")
        low, high = int(targets.min()), int(targets.max())
        if low < 0 or high >= len(classes):
            raise TaskError(
                f"{where}: labels run from {low} to {high}, but there are {len(classes)} classes (0 to "
                f"{len(classes) - 1}); fix the labels or name all the classes"
            )

    def outputs(self, targets: Rows, classes: tuple[str, ...]) -> int:
        """As many as there are classes."""
        return len(classes)

    def chance(self, targets: Rows, classes: tuple[str, ...]) -> float:
        """Share of the largest class."""
        return max(self.balance(targets, classes))

    def balance(self, targets: Rows, classes: tuple[str, ...]) -> tuple[float, ...]:
        """Share of each class."""
        counts = np.bincount(targets, minlength=len(classes))
        return tuple(float(n) for n in counts / counts.sum())

    def strata(self, targets: Rows) -> np.ndarray:
        """The classes."""
        return targets
