"""Regression: some numbers for every image."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.kinds.kind import Kind, TaskKind, Words
from archlock.tasks.stored.view import Rows


class Regression(TaskKind):
    """Targets are N x D numbers; the score is R squared, the mean over the D numbers.

    They are learned as they are given: sources standardise them first.
    """

    name: ClassVar[Kind] = "regression"
    words = Words(
        score="R²",
        symbol="R²",
        short="numbers",
        long="regression: numbers are predicted for every image (score: R²)",
        metric="r_squared",
        pipeline="image-feature-extraction",
        use="predicting numbers from an image",
        answer="numbers, N x D, standardised as the origin of the data says",
    )
    stored = ("float32", 2)
    floating = True
    unit, loss_unit = "R2", "squared error"
    least = 0.0

    def check(self, targets: Rows, images: Rows, classes: tuple[str, ...], where: str) -> None:
        """Finite numbers, one row for every image."""
        if targets.ndim != 2 or targets.dtype != np.float32:
            raise TaskError(f"{where}: targets must be float32, N x D; got {targets.dtype} {targets.shape}")
        check_finite(targets, where)

    def outputs(self, targets: Rows, classes: tuple[str, ...]) -> int:
        """Numbers of an image."""
        return int(targets.shape[1])

    def chance(self, targets: Rows, classes: tuple[str, ...]) -> float:
        """0: the mean has no error but the variance."""
        return 0.0

    def taken(self, given: np.ndarray, where: str) -> np.ndarray:
        """N numbers, or N x D."""
        if given.ndim not in (1, 2) or given.dtype.kind not in "buif":
            raise TaskError(f"{where}: targets are N numbers or N x D; got {given.dtype} {given.shape}")
        return as_single(given if given.ndim == 2 else given[:, None])

    def prepared(
        self,
        targets: Mapping[str, np.ndarray],
        classes: tuple[str, ...],
        where: str,
    ) -> tuple[Mapping[str, np.ndarray], tuple[str, ...]]:
        """Standardised by the training split. TaskError for a target that is the same for all images of a split."""
        for split, given in targets.items():
            same = np.flatnonzero(np.ptp(given, axis=0) == 0)
            if len(same):
                raise TaskError(
                    f"{where}: number {same[0]} of the targets is {given[0, same[0]]:g} for all {len(given)} {split} "
                    "images: there is nothing to predict; leave it out, or give more images"
                )
        train = targets["train"].astype(np.float64)
        mean, std = train.mean(0), train.std(0)
        made = {split: ((given - mean) / std).astype(np.float32) for split, given in targets.items()}
        words = ", ".join(f"{m:.4g} +- {s:.4g}" for m, s in zip(mean[:5].tolist(), std[:5].tolist(), strict=True))
        more = f" and {len(mean) - 5} more" if len(mean) > 5 else ""
        return made, (f"targets are standardised by mean and deviation of the training split ({words}{more})",)


def as_single(given: np.ndarray) -> np.ndarray:
    """In single precision; what is too large for it becomes an infinity."""
    with np.errstate(over="ignore"):
        return given.astype(np.float32)


def check_finite(targets: Rows, where: str) -> None:
    """TaskError for targets that are not finite, with the first of them."""
    bad = np.flatnonzero(~np.isfinite(targets.reshape(len(targets), -1)).all(1))
    if len(bad):
        raise TaskError(
            f"{where}: {len(bad)} of {len(targets)} targets hold NaN or an infinity, the first is row {bad[0]}; leave "
            "these images out, or give them a number"
        )
