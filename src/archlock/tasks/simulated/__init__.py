"""Target tasks made from a source task alone: one line for each way."""

from typing import Final

from archlock.catalog import Catalog
from archlock.tasks.simulated.added import AddedNoise, Band
from archlock.tasks.simulated.direction import Direction
from archlock.tasks.simulated.domain_shift import Corrupted, Grey, Rescaled
from archlock.tasks.simulated.glyphs import Glyphs
from archlock.tasks.simulated.grouping import ClassSubset, Coarse, RandomGrouping
from archlock.tasks.simulated.hidden import Masked, NextWindow
from archlock.tasks.simulated.jigsaw import Jigsaw
from archlock.tasks.simulated.reconstruction import Autoencoding, Denoising
from archlock.tasks.simulated.rotation import Rotation
from archlock.tasks.simulated.segments import Segments
from archlock.tasks.simulated.shapes import Shapes
from archlock.tasks.simulated.simulator import Simulator
from archlock.tasks.simulated.textures import Textures

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
            Autoencoding(),
            Denoising(),
            Grey(),
            Corrupted(),
            Rescaled(),
            Shapes(),
            Textures(),
            Glyphs(),
            Segments(),
            Direction(),
            AddedNoise(),
            Band(),
            Masked(),
            NextWindow(),
        )
    },
)
