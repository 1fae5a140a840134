"""Target tasks made from a source task alone: one line for each way."""

from typing import Final

from archlock.catalog import Catalog
from archlock.tasks.simulated.grouping import ClassSubset, Coarse, RandomGrouping
from archlock.tasks.simulated.jigsaw import Jigsaw
from archlock.tasks.simulated.rotation import Rotation
from archlock.tasks.simulated.simulator import Simulator

SIMULATORS: Final[Catalog[Simulator]] = Catalog(
    "simulator",
    {
        simulator.name: simulator
        for simulator in (
            Coarse(),
            RandomGrouping(),
            ClassSubset(),
            Jigsaw(),
            Rotation(),
        )
    },
)
