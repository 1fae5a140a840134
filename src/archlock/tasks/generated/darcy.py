"""Darcy flow as a task: the field of pressures for random ground; see :mod:`~archlock.tasks.generated.darcy_flow`."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

import numpy as np
from jaxtyping import UInt8

from archlock.errors import ConfigurationError
from archlock.seeding import rng_for
from archlock.tasks.archives import MAX_BYTES
from archlock.tasks.generated.darcy_flow import LOOSE, coefficients, pressure
from archlock.tasks.generated.recipe import Counted, Recipe, split_sizes, whole_number
from archlock.tasks.task import Split, Task
from archlock.tasks.unclassed import unclassed_task

PUBLISHED: Final = {"train": 900, "validation": 100, "test": 100}
"""Fields of each split in NAS-Bench-360, which has them at every fifth of 421 nodes: 85."""
LEAST, MOST = 8, 421
"""Nodes along a side."""
MOST_FIELDS: Final = 100_000


class Darcy(Recipe):
    """Images of three channels (permeability, x, y) and a field of pressures, at SIDE x SIDE nodes.

    Channels are levels, so that models of pictures take them: 0 and 255 for the two materials, x and y from 0 to 255
    (rounded; the benchmark's are not). Fields belong to the seed and their number in a split: the first 400 of 900 are
    the 400 of a smaller task. The task divides pressures by their root mean square over the training split, as every
    task of fields does.
    """

    name = "darcy"
    description = "pressures of Darcy flow, from random ground of two materials"
    argument = "SIDE"
    usual = "85"
    example = "darcy:43"
    options: ClassVar[Mapping[str, str]] = {
        split: f"how many fields (default {count})" for split, count in PUBLISHED.items()
    }
    based = False

    def check(self, argument: str, options: Mapping[str, str]) -> None:
        """The side and the numbers of fields."""
        _asked(argument, options)

    def make(
        self,
        argument: str,
        options: Mapping[str, str],
        *,
        opened: Callable[[Mapping[str, str]], Task],  # noqa: ARG002  (it is based on nothing)
        seed: int,
        progress: Counted | None = None,
    ) -> Task:
        """Generated, split by split."""
        side, counts = _asked(argument, options)
        total, done = sum(counts.values()), 0
        splits = {}
        for split, count in counts.items():
            images = np.empty((count, side, side, 3), dtype=np.uint8)
            fields = np.empty((count, side, side, 1), dtype=np.float32)
            images[..., 1:] = _places(side)
            for row in range(count):
                permeability = coefficients(side, rng_for(seed, "darcy", split, row))
                images[row, ..., 0], fields[row, ..., 0] = 255 * (permeability == LOOSE), pressure(permeability)
                done += 1
                if progress is not None:
                    progress(done, total)
            splits[split] = Split(images, fields)
        said = ", ".join(f"{count:,} {split}" for split, count in counts.items())
        return unclassed_task(
            f"darcy-{side}",
            "field",
            (),
            splits["train"],
            splits["validation"],
            splits["test"],
            where=f"darcy:{argument}",
            origin=f"Darcy flow, generated ({said} fields of {side} x {side}, seed {seed}; recipe of Li et al. 2021)",
            seed=seed,
        )


def _asked(argument: str, options: Mapping[str, str]) -> tuple[int, dict[str, int]]:
    side = whole_number(argument, "a side of", least=LEAST, most=MOST)
    counts = split_sizes(options, PUBLISHED, least=1, most=MOST_FIELDS)
    needed = (3 + 4) * side * side * sum(counts.values())  # three levels, and a pressure in single precision
    if needed > MAX_BYTES:
        raise ConfigurationError(
            f"{sum(counts.values()):,} fields of {side} x {side} take {needed / 2**30:.0f} GiB, more than the "
            f"{MAX_BYTES / 2**30:.0f} GiB that are accepted; ask for fewer fields or a smaller side"
        )
    return side, counts


def _places(side: int) -> UInt8[np.ndarray, "side side 2"]:
    """x and y of every node, 0 to 255."""
    along = np.rint(np.linspace(0, 255, side)).astype(np.uint8)
    return np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1)
