"""Who decides which units go, and when: HESSO with and without corrective cycles, and two baselines before training."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from archlock.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Compactor:
    """A way to choose units."""

    name: str
    paper: str
    summary: str
    """What it does, in a few words that follow its name."""
    weighting: Mapping[str, float]
    """Saliencies by name, and their weights."""
    gradual: bool
    """Units fade while the network trains; else they are removed before."""
    cycles: bool = False
    """Whether corrective cycles decide before anything fades."""


_HESSO: Final = MappingProxyType(
    dict.fromkeys(("magnitude", "avg_magnitude", "cosine_similarity", "taylor_first_order", "taylor_second_order"), 0.2)
)
HESSO: Final = Compactor(
    "hesso",
    "Chen et al. 2024",
    "chooses a few units at a time by five scores and lets them fade to zero while the network trains",
    _HESSO,
    gradual=True,
)
HESSO_CRIC: Final = Compactor(
    "hesso-cric",
    "Chen et al. 2024",
    "lets units fade on trial, in cycles, and decides by the scores of all of them before anything is final",
    _HESSO,
    gradual=True,
    cycles=True,
)
MAGNITUDE: Final = Compactor(
    "magnitude",
    "Li et al. 2017, Fang et al. 2023",
    "removes the units of least norm, as a share of their layer's mean, and trains what is left",
    MappingProxyType({"relative_magnitude": 1.0}),
    gradual=False,
)
TAYLOR: Final = Compactor(
    "taylor",
    "Molchanov et al. 2017",
    "removes the units without which the loss changes least to first order, and trains what is left",
    MappingProxyType({"taylor_first_order": 1.0}),
    gradual=False,
)
COMPACTORS: Final = Catalog[Compactor](
    "compaction method", {one.name: one for one in (HESSO, HESSO_CRIC, MAGNITUDE, TAYLOR)}
)
