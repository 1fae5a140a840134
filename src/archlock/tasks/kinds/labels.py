"""Several labels: which of the labels does an image have? Any number of them, none included."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from jaxtyping import UInt8

from archlock.errors import TaskError
from archlock.tasks.kinds.kind import Kind, TaskKind, Words
from archlock.tasks.stored.view import Rows


class Labels(TaskKind):
    """Targets are N x K of 0 and 1; the score is the macro mean of the average precision.

    Labels that no image of a split has cannot be found there and are left out of its score
    (:func:`without_positives` names them).
    """

    name: ClassVar[Kind] = "labels"
    words = Words(
        score="mean average precision",
        symbol="mAP",
        counted=("label", "labels"),
        short="labels",
        long="",
        metric="mean_average_precision",
        pipeline="image-classification",
        use="saying which of {classes} labels an image has",
        answer="logits, N x {classes}, a sigmoid for each, labels in the order below",
    )
    stored = ("uint8", 2)
    floating = False
    protected = True
    unit, loss_unit = "mAP", "nats"

    def check(self, targets: Rows, images: Rows, classes: tuple[str, ...], where: str) -> None:
        """Zeros and ones, a column for every label, and two labels at least."""
        if targets.ndim != 2 or targets.dtype != np.uint8:
            raise TaskError(f"{where}: labels must be uint8, N x K; got {targets.dtype} {targets.shape}")
        if targets.shape[1] != len(classes):
            raise TaskError(f"{where}: {targets.shape[1]} columns of labels, but {len(classes)} names of labels")
        if len(classes) < 2:
            raise TaskError(
                f"{where}: several labels are at least two, got {len(classes)}; one label that is there or not is a "
                "task of two classes: give y as one axis of 0 and 1"
            )
        if targets.max() > 1:
            raise TaskError(f"{where}: labels are 0 or 1 for every image; found {targets.max()}")

    def outputs(self, targets: Rows, classes: tuple[str, ...]) -> int:
        """As many as there are labels."""
        return len(classes)

    def chance(self, targets: Rows, classes: tuple[str, ...]) -> float:
        """What one answer for all images scores: the mean share of images that have a label, of labels that occur."""
        shares = targets.mean(0)
        return float(shares[shares > 0].mean()) if shares.any() else 0.0

    def taken(self, given: np.ndarray, where: str) -> np.ndarray:
        """N x K of 0 and 1, of any type."""
        if given.ndim != 2 or given.dtype.kind not in "buif":
            raise TaskError(f"{where}: several labels are N x K of 0 and 1; got {given.dtype} {given.shape}")
        wrong = np.flatnonzero(~np.isin(given, (0, 1)).all(axis=1))
        if len(wrong):
            raise TaskError(
                f"{where}: several labels are 0 or 1 for every image; {len(wrong)} of {len(given)} rows hold something "
                f"else, the first is row {wrong[0]}"
            )
        return given.astype(np.uint8)

    def prepared(
        self, targets: Mapping[str, np.ndarray], classes: tuple[str, ...], where: str
    ) -> tuple[Mapping[str, np.ndarray], tuple[str, ...]]:
        """TaskError for labels that all training images have, or none. Labels that a split has nowhere are named."""
        train = targets["train"]
        for words, all_of_it in (("no", 0), ("every", len(train))):
            names = [classes[label] for label in np.flatnonzero(train.sum(axis=0) == all_of_it)]
            if names:
                raise TaskError(
                    f"{where}: {words} training image has the label {_few(names)}: there is nothing to tell apart; "
                    "leave the label out, or give other training images"
                )
        found = ((split, without_positives(given, classes)) for split, given in targets.items())
        said = (
            f"no {split} image has the label {_few(names)}, which is left out of its score"
            for split, names in found
            if names
        )
        return targets, tuple(said)


def _few(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def without_positives(targets: UInt8[np.ndarray, "examples labels"], classes: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the labels that no image has, which are left out of the score."""
    return tuple(classes[label] for label in np.flatnonzero(targets.sum(axis=0) == 0))
