"""Dense regression onto fields of numbers: pressure, depth, anything that has a value at every pixel."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

from archlock.errors import TaskError, UnsupportedError
from archlock.tasks.kinds.kind import Kind, TaskKind, Words
from archlock.tasks.kinds.regression import as_single, check_finite
from archlock.tasks.resizing import resized
from archlock.tasks.stored.view import Rows


class Field(TaskKind):
    """Targets are N x H x W x D numbers; the score is 1 - relative L2, the mean over the images of |a - y| / |y|.

    Images are not moved or mirrored in training: what belongs to the border of a field would move with them.
    """

    name: ClassVar[Kind] = "field"
    words = Words(
        score="1 − relative L2",  # noqa: RUF001
        symbol="1 − rel. L2",  # noqa: RUF001
        short="field",
        long="field: a number is predicted for every pixel (score: 1 − relative L2)",  # noqa: RUF001
        metric="one_minus_relative_l2",
        pipeline="image-to-image",
        use="predicting a field from an image",
        answer="a field, N x D x height x width, scaled as the origin of the data says",
    )
    stored = ("float32", 4)
    floating = True
    dense = True
    protected = True
    moves = False
    unit, loss_unit = "1 - relative L2", "relative L2"
    least = 0.0

    def check(self, targets: Rows, images: Rows, classes: tuple[str, ...], where: str) -> None:
        """Finite fields of the size of the images, none of them zero everywhere."""
        if targets.dtype != np.float32 or targets.shape[:3] != images.shape[:3] or targets.ndim != 4:
            raise TaskError(
                f"{where}: target fields must be float32, N x H x W x D, of the size of the images "
                f"{images.shape[:3]}; got {targets.dtype} {targets.shape}"
            )
        check_finite(targets, where)
        empty = np.flatnonzero(~targets.reshape(len(targets), -1).any(1))
        if len(empty):
            raise TaskError(
                f"{where}: {len(empty)} of {len(targets)} target fields are zero everywhere, the first is row "
                f"{empty[0]}; an error relative to nothing has no meaning: leave them out"
            )

    def outputs(self, targets: Rows, classes: tuple[str, ...]) -> int:
        """Numbers of a pixel."""
        return int(targets.shape[3])

    def chance(self, targets: Rows, classes: tuple[str, ...]) -> float:
        """What the mean field scores."""
        rows = targets.reshape(len(targets), -1).astype(np.float64)
        return float(1 - (np.linalg.norm(rows - rows.mean(0), axis=1) / np.linalg.norm(rows, axis=1)).mean())

    def taken(self, given: np.ndarray, where: str) -> np.ndarray:
        """N x H x W numbers, or N x H x W x D."""
        if given.ndim not in (3, 4) or given.dtype.kind not in "buif":
            raise TaskError(f"{where}: fields are N x H x W or N x H x W x D; got {given.dtype} {given.shape}")
        return as_single(given if given.ndim == 4 else given[..., None])

    def prepared(
        self, targets: Mapping[str, np.ndarray], classes: tuple[str, ...], where: str
    ) -> tuple[Mapping[str, np.ndarray], tuple[str, ...]]:
        """Divided by the root mean square of the training split. TaskError where all training fields are the same."""
        train = targets["train"].astype(np.float64)
        if len(train) > 1 and not np.ptp(train, axis=0).any():
            raise TaskError(f"{where}: all {len(train)} training fields are the same: there is nothing to predict")
        size = float(np.sqrt(np.square(train).mean()))
        made = {split: (given / size).astype(np.float32) for split, given in targets.items()}
        return made, (f"fields are divided by the root mean square of the training split ({size:.4g})",)

    def conformed(
        self,
        targets: Rows,
        fit: Callable[[Rows], Rows],
        size: tuple[int, int],
        where: str,
    ) -> Rows:
        """The same fields, for images of the same size with other channels; UnsupportedError for another size.

        Fields along one row are scaled to another length.
        """
        if targets.shape[1] == size[0] == 1:
            return resized(targets, *size)
        if targets.shape[1:3] != size:
            raise UnsupportedError(
                f"{where}: its targets are fields of {targets.shape[1]} x {targets.shape[2]} numbers, and images of "
                f"{size[0]} x {size[1]} are needed; fields are not scaled here: make the data at that size"
            )
        return targets
