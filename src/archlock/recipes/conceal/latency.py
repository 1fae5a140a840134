"""How many times as slow one model is as another: calls of both in turn, so that a busy machine touches both alike.

As elsewhere the latency is the median CPU time of the calling thread, with one numerical thread.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

from archlock.execution import one_thread

Shape = tuple[int, int, int]
WARM_UP: Final = 2
QUICK: Final = 15
"""Calls of each in the search."""
SURE: Final = 60
"""Calls of each in a fresh process, before anything is written."""


@dataclass(frozen=True, slots=True)
class Paired:
    """Milliseconds of a call, of one image."""

    original_ms: float
    hidden_ms: float

    @property
    def ratio(self) -> float:
        """How many times as slow the hidden model is."""
        return self.hidden_ms / self.original_ms


def paired_latency(
    original: nn.Module,
    hidden: nn.Module,
    shape: Shape,
    *,
    calls: int,
    clock: Callable[[], float] = time.thread_time,
) -> Paired:
    """Medians over so many calls of each, in turn and in changing order; both are in evaluation mode. The clock is in
    seconds."""
    images = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    taken = np.empty((calls, 2))
    with one_thread(), torch.inference_mode():
        for number in range(-WARM_UP, calls):
            for place in (0, 1) if number % 2 else (1, 0):
                began = clock()
                (original, hidden)[place](images)
                if number >= 0:
                    taken[number, place] = clock() - began
    first, second = np.median(taken, axis=0) * 1e3
    return Paired(float(max(first, 1e-9)), float(second))
