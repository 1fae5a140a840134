"""Principal components of features: centred, turned to their axes, without the axes that hold next to nothing."""

import numpy as np
from jaxtyping import Float64

from archlock.errors import ConfigurationError

NEGLIGIBLE = 1e-6
"""Axes with a standard deviation below this share of the largest are noise of single precision."""


def principal_components(
    features: Float64[np.ndarray, "examples features"], *, energy: float = 1.0, most: int | None = None
) -> Float64[np.ndarray, "examples components"]:
    """The first components, largest variance first: as few as hold that share of all variance, and ``most`` at most.

    There is always at least one. The sign of a component is arbitrary. A share outside (0, 1] or fewer than one
    component raise ConfigurationError.
    """
    if not 0 < energy <= 1:
        raise ConfigurationError(f"the share of the variance to keep must be in (0, 1]; got {energy}")
    if most is not None and most < 1:
        raise ConfigurationError(f"at least one component must be kept; got most={most}")
    left, scale, _ = np.linalg.svd(features - features.mean(0), full_matrices=False)
    share = np.cumsum(scale**2) / np.sum(scale**2)
    enough = int(np.searchsorted(share, energy * (1 - 1e-12))) + 1
    kept = min(enough, int((scale > NEGLIGIBLE * scale[0]).sum()), most or len(scale))
    components: np.ndarray = left[:, :kept] * scale[:kept]
    return components
