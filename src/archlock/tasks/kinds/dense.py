"""Dense regression onto an image of the same size: reconstruction."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.kinds.kind import Kind, TaskKind, Words
from archlock.tasks.stored.view import Rows


class Dense(TaskKind):
    """Targets are images; the score is R squared over all pixels, 1 - squared error / variance."""

    name: ClassVar[Kind] = "dense"
    words = Words(
        score="R²",
        symbol="R²",
        short="dense",
        long="dense: every pixel is predicted (score: R²)",
        metric="r_squared",
        pipeline="image-to-image",
        use="predicting an image from an image",
        answer="an image, N x channels x height x width, in the units of the input",
    )
    stored = ("uint8", 4)
    floating = True
    dense = True
    unit, loss_unit = "R2", "squared error"
    least = 0.0

    def check(self, targets: Rows, images: Rows, classes: tuple[str, ...], where: str) -> None:
        """Images of the size of the images."""
        if targets.shape[:3] != images.shape[:3] or targets.dtype != np.uint8:
            raise TaskError(f"{where}: dense targets must be uint8 images of the same size; got {targets.shape}")
        if images.dtype != np.uint8:
            raise TaskError(f"{where}: images of {images.dtype} have no images of uint8 as targets; make them fields")

    def outputs(self, targets: Rows, classes: tuple[str, ...]) -> int:
        """Channels of a target image."""
        return int(targets.shape[3])

    def chance(self, targets: Rows, classes: tuple[str, ...]) -> float:
        """0: the mean has no error but the variance."""
        return 0.0

    def conformed(
        self,
        targets: Rows,
        fit: Callable[[Rows], Rows],
        size: tuple[int, int],
        where: str,
    ) -> Rows:
        """Changed as the images are."""
        return fit(targets)
