"""Limits that can be told without judging: what is above them is never asked for.

A search knows no costs. It is given a function that says by how much architectures overstep limits, each limit as a
share of itself (used / allowed - 1, or 0), summed over the limits; 0 is within all of them.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float

from archlock.errors import SearchError
from archlock.spaces import Architecture, Space

Overshoot: TypeAlias = Callable[[Sequence[Architecture]], Float[np.ndarray, " architectures"]]
"""Architectures to what they overstep: 0 or more, finite."""

LARGEST: Final = 50_000
"""Spaces up to this size are looked at as a whole."""
SAMPLED: Final = 2_000
"""Of larger ones so many members are looked at."""


def overshoot_of(
    limits: Overshoot | None, architectures: Sequence[Architecture]
) -> Float[np.ndarray, " architectures"]:
    """What the limits say, checked: anything but one finite number of 0 or more for each raises SearchError."""
    if limits is None:
        return np.zeros(len(architectures))
    found = np.asarray(limits(architectures), dtype=float)
    if found.shape != (len(architectures),) or not np.isfinite(found).all() or (found < 0).any():
        raise SearchError(
            "limits say of each architecture by which share it oversteps them, a finite number of 0 or more; got "
            f"{found.shape} numbers for {len(architectures)} architectures, the first of them {found.ravel()[:3]}"
        )
    return found


def smallest_within(space: Space, limits: Overshoot | None, rng: np.random.Generator) -> Architecture:
    """The cheapest connected architecture that is within the limits; ties go to the smaller code.

    Of a space with more than ``LARGEST`` members only ``SAMPLED`` random ones are looked at. If none is within the
    limits: SearchError, with the one that comes nearest.
    """
    whole = len(space) <= LARGEST
    members = space.enumerate() if whole else sorted({space.sample(rng) for _ in range(SAMPLED)})
    connected = [one for one in members if space.is_connected(one)]
    if not connected:
        raise SearchError(f"{space.name} has no connected architecture among {len(space)}: there is nothing to search")
    over = overshoot_of(limits, connected)
    if over.min() > 0:
        nearest = int(over.argmin())
        raise SearchError(
            f"no architecture of {space.name} is within the limits; {connected[nearest]} comes nearest and is "
            f"{100 * over[nearest]:.3g} % above them: raise the limits by that much"
        )
    cost = np.where(over == 0, space.relative_cost(connected), np.inf)
    return connected[int(cost.argmin())]
