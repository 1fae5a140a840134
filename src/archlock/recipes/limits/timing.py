"""How long a call takes, on a machine that may be busy: blocks of calls, the median CPU time of each, and their spread.

The latency of a model is the median of three blocks' median CPU time of the calling thread, with one numerical thread:
what other programs do touches it little, and one block that was disturbed not at all. (The least CPU time of a block
was worse: on an idle machine it moved by 7 % from run to run where the median moved by 2 %, and a user who measures
sees the median.) Wall-clock time is beside it, since it is what a user waits for.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

BLOCKS: Final = 3
FEWEST, MOST = 10, 1000
"""Calls in a block."""
WARM_UP: Final = 5
SECONDS_A_BLOCK: Final = 0.3
BUSY_SPREAD: Final = 0.10
"""Blocks that differ by more than this share of the least say that the machine was busy."""
BUSY_WAIT: Final = 1.5
"""So does a median wall-clock time of more than this many times the CPU time."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of a call, in milliseconds."""

    cpu_ms: float
    """The latency: median of the blocks' median CPU times."""
    cpu_p90_ms: float
    wall_median_ms: float
    wall_p90_ms: float
    spread: float
    """Of the blocks' median CPU times: (most - least) / least."""
    calls: int

    @property
    def busy(self) -> str:
        """Why these times are not to be trusted, in words; empty where they are."""
        if self.spread > BUSY_SPREAD:
            return (
                f"the machine was busy: blocks of calls differ by {self.spread:.0%} (more than {BUSY_SPREAD:.0%}), "
                "so this latency is uncertain; measure again when nothing else runs"
            )
        if self.wall_median_ms > BUSY_WAIT * self.cpu_ms:
            return (
                f"the machine was busy: a call waits {self.wall_median_ms / self.cpu_ms:.1f} times as long as "
                "it computes, so wall-clock times are not those of a quiet machine"
            )
        return ""


def time_calls(
    call: Callable[[], object],
    *,
    cpu: Callable[[], float] = time.thread_time,
    wall: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Time a call that computes in this thread. The clocks are in seconds."""
    for _ in range(WARM_UP):
        began = wall()
        call()
        seconds = wall() - began
    calls = int(np.clip(SECONDS_A_BLOCK / max(seconds, 1e-9), FEWEST, MOST))
    taken = np.empty((BLOCKS, calls, 2))
    for block in range(BLOCKS):
        for number in range(calls):
            began_wall, began_cpu = wall(), cpu()
            call()
            taken[block, number] = cpu() - began_cpu, wall() - began_wall
    taken *= 1e3
    cpu_of_blocks, wall_of_blocks = np.moveaxis(np.median(taken, axis=1), 1, 0)
    cpu_p90, wall_p90 = np.quantile(taken.reshape(-1, 2), 0.9, axis=0)
    return Timing(
        float(np.median(cpu_of_blocks)),
        float(cpu_p90),
        float(np.median(wall_of_blocks)),
        float(wall_p90),
        float((cpu_of_blocks.max() - cpu_of_blocks.min()) / max(cpu_of_blocks.min(), 1e-9)),
        taken[:, :, 0].size,
    )
