"""Darcy flow in the unit square: where a fluid seeps through ground of two materials, what is its pressure?

The equation is -div(a grad u) = 1 with u = 0 on the border (Li et al. 2021, Fourier neural operators, section 5.2 and
appendix A.3.2). Functions of arrays; :mod:`~archlock.tasks.generated.darcy` makes a task of them.

Deviations from the released program of its authors: coefficients and pressures are at the nodes of one grid, where it
moves both between nodes and centres of cells by splines (so its pressures are not exactly zero on the border), and the
equations are solved by a banded Cholesky factorisation.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64

ALPHA: Final = 2.0
TAU: Final = 3.0
"""Of the covariance (-laplace + TAU^2)^-ALPHA of the random field that is cut at zero."""
DENSE, LOOSE = 3.0, 12.0
"""Permeability where that field is negative, and elsewhere."""


def coefficients(side: int, rng: np.random.Generator) -> Float64[np.ndarray, "side side"]:
    """One random ground: DENSE or LOOSE at each of the nodes, by the sign of a Gaussian field without a mean.

    The field has independent normal coefficients on the cosines cos(pi k1 x) cos(pi k2 y).
    """
    from scipy.fft import idctn

    squares = np.square(np.pi * np.arange(side))
    scale = side * TAU ** (ALPHA - 1) * (squares[:, None] + squares + TAU**2) ** (-ALPHA / 2)
    modes = scale * rng.standard_normal((side, side))
    modes[0, 0] = 0.0
    return np.where(idctn(modes, norm="ortho") >= 0, LOOSE, DENSE)


def pressure(permeability: Float64[np.ndarray, "side side"]) -> Float64[np.ndarray, "side side"]:
    """The pressure at every node, zero on the border, for the permeability at every node; at least 4 along a side.

    Five-point scheme on nodes that are 1 / (side - 1) apart; between two nodes the mean of both permeabilities holds.
    """
    from scipy.linalg import solveh_banded

    side = len(permeability)
    inner = side - 2
    down = (permeability[1:, 1:-1] + permeability[:-1, 1:-1]) / 2  # between the rows: (side - 1) x inner
    across = (permeability[1:-1, 1:] + permeability[1:-1, :-1]) / 2
    bands = np.zeros((inner + 1, inner * inner))
    bands[0] = (down[1:] + down[:-1] + across[:, 1:] + across[:, :-1]).ravel()
    bands[1] -= np.pad(across[:, 1:-1], ((0, 0), (0, 1))).ravel()  # (the last of a row has no next one)
    bands[inner] -= np.pad(down[1:-1], ((0, 1), (0, 0))).ravel()
    found = np.zeros((side, side))
    source = np.full(inner * inner, 1.0 / (side - 1) ** 2)
    found[1:-1, 1:-1] = solveh_banded(bands, source, lower=True, check_finite=False).reshape(inner, inner)
    return found
