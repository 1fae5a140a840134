"""Nontransferable trainings: one line for each way."""

from typing import Final

from archlock.catalog import Catalog
from archlock.training.nontransferable.method import NontransferableTraining
from archlock.training.nontransferable.ntl import Ntl
from archlock.training.nontransferable.sophon import Sophon

NONTRANSFERABLE: Final[Catalog[NontransferableTraining]] = Catalog(
    "nontransferable training",
    {
        training.name: training
        for training in (
            Ntl(),
            Sophon("sophon", "inverse_cross_entropy", suppress_rate=1e-3, reinforce_rate=1e-3, reinforcements=1),
            Sophon("sophon_kl", "kl_from_uniform", suppress_rate=1e-3, reinforce_rate=1e-3, reinforcements=5),
        )
    },
)
"""How a plainly trained network is trained on, so that it keeps its source and is a bad start for targets."""
