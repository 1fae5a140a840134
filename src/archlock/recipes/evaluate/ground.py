"""What is known of the architectures of a table before anything is looked up: structure only, made once per table."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int

from archlock.preferences import coordinates, normal_scores
from archlock.spaces import Architecture, Space


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Arrays over all architectures of a table, in its order."""

    places: Float[np.ndarray, "architectures coordinates"]
    size: Float[np.ndarray, " architectures"]
    """Normal scores of the relative cost."""
    classes: Int[np.ndarray, " architectures"]
    """Number of the isomorphism class."""
    open_shortcut: Float[np.ndarray, " architectures"]
    """1 where the input reaches the output without any convolution, else 0."""
    connected: Bool[np.ndarray, " architectures"]


@lru_cache(maxsize=2)
def ground_of(space: Space, architectures: tuple[Architecture, ...]) -> Ground:
    """The ground of these architectures; remembered, since every run on a table asks for the same."""
    representatives = [space.canonicalise(architecture).code for architecture in architectures]
    return Ground(
        coordinates(space, architectures),
        normal_scores(space.relative_cost(architectures)),
        np.unique(representatives, return_inverse=True)[1],
        (space.shortest_path(architectures) == 0).astype(float),
        np.array([space.is_connected(architecture) for architecture in architectures]),
    )
