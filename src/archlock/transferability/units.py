"""Units of a layer that say nothing, or nothing of their own: counted over images, a batch at a time.

A unit is a channel of maps, of tokens, or of a row. Not here: what a trained model's units are for.
"""

from typing import Final

import torch
from torch import Tensor

STILL: Final = 1e-5
"""A unit is dead if what it says varies by no more than this share of itself: rounding."""
ALIKE: Final = 0.99
"""A unit is a copy if its correlation with another one is at least this, or at most minus this."""
MOST: Final = 2048
"""Of wider layers copies are not counted: the table of correlations grows with the square."""
PLACES: Final = 64
"""Places of a map that are compared for copies, at even distances."""


def is_dead(lowest: Tensor, highest: Tensor) -> Tensor:
    """Which units say the same for every image and place, from the least and most that each said."""
    return highest - lowest <= STILL * torch.maximum(lowest.abs(), highest.abs())


def copies(covariance: Tensor, dead: Tensor) -> int:
    """Living units that are a copy of a living one before them, up to scale, sign and shift; of a pair one counts."""
    deviation = covariance.diagonal().clamp(min=0).sqrt()
    alike = covariance.abs() >= ALIKE * deviation[:, None] * deviation[None]
    living = ~dead & (deviation > 0)
    pairs = alike & living[:, None] & living[None]
    return int(pairs.tril(-1).any(1).sum())


class Counted:
    """What is needed to count the dead units and the copies of one layer, batch after batch."""

    def __init__(self) -> None:
        self.lowest = self.highest = self.middle = self.sums = self.products = torch.zeros(0)
        self.count = 0

    def add(self, values: Tensor) -> None:
        """Images x places x units of one batch."""
        low, high = values.amin((0, 1)), values.amax((0, 1))
        few = values[:, :: max(1, values.shape[1] // PLACES)].flatten(0, 1)
        if self.count == 0:
            self.lowest, self.highest = low, high
            self.middle = few.mean(0)  # (near the mean, so that squares do not cancel)
            self.sums = torch.zeros(values.shape[2], dtype=torch.float64)
            self.products = torch.zeros(0 if self.wide else values.shape[2], values.shape[2], dtype=torch.float64)
        self.lowest, self.highest = torch.minimum(self.lowest, low), torch.maximum(self.highest, high)
        self.count += len(few)
        if not self.wide:
            apart = few - self.middle
            self.sums += apart.sum(0).double().cpu()
            self.products += (apart.T @ apart).double().cpu()

    @property
    def wide(self) -> bool:
        """Whether there are too many units for a table of all pairs."""
        return len(self.lowest) > MOST

    @property
    def dead(self) -> Tensor:
        """Which units are dead."""
        return is_dead(self.lowest, self.highest).cpu()

    def copies(self) -> int | None:
        """Units that are copies; None where they are too many to compare."""
        if self.wide:
            return None
        mean = self.sums / self.count
        return copies(self.products / self.count - mean[:, None] * mean[None], self.dead)
