"""Numbers that a surrogate model can learn from, computed from cells for all of a space at once.

Not the published encoding (that is the one-hot code alone, ``Space.encode``): a linear model on one-hot digits cannot
see that an operation matters only together with the others on its path.
"""

import numpy as np
from jaxtyping import Float, UInt8

from archlock.spaces.pairs import pair_products

PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""The ways from the input to the output, 0-3, 0-1-3, 0-2-3 and 0-1-2-3, as indices of edges."""


def cell_features(digits: UInt8[np.ndarray, "cells 6"], operations: tuple[str, ...]) -> Float[np.ndarray, "cells all"]:
    """One-hot digits, products of the indicators of every two edges, then path features (see :func:`path_features`).

    Give cells without their dead edges, or cells that compute the same get different features.
    """
    one_hot = np.eye(len(operations))[digits]  # cells x edges x operations
    return np.concatenate(
        [
            one_hot.reshape(len(digits), digits.shape[1] * len(operations)),
            pair_products(one_hot),
            path_features(one_hot, operations),
        ],
        axis=1,
    )


def path_features(
    one_hot: Float[np.ndarray, "cells 6 operations"], operations: tuple[str, ...]
) -> Float[np.ndarray, "cells paths"]:
    """For each of the four paths: is it alive, and how many of each operation lie on it (0 if it is dead).

    Then over the live paths the largest, smallest (0 if there is none) and summed count of: edges, convolutions, 3x3
    windows (convolution or pooling) and poolings; the number of live paths, of live paths without any convolution, of
    live edges, of live edges of each operation, and whether the input is added to the output as it is by a path of
    skips.
    """
    is_skip, is_pool, is_window, is_convolution = (
        np.array([word in name for name in operations], dtype=float) for word in ("skip", "pool", "3x3", "conv")
    )
    present = 1 - one_hot[:, :, 0]
    alive = np.stack([present[:, path].all(axis=1) for path in map(list, PATHS)], axis=1).astype(float)
    counts = np.stack([one_hot[:, list(path)].sum(axis=1) for path in PATHS], axis=1) * alive[:, :, None]
    groups = np.stack([1 - np.eye(len(operations))[0], is_convolution, is_window, is_pool], axis=1)
    grouped = counts @ groups  # cells x paths x groups
    smallest = np.where(alive[:, :, None] > 0, grouped, np.inf).min(axis=1)
    plain = alive * (counts @ is_convolution == 0)
    residual = (alive * (counts @ is_skip == counts.sum(axis=2))).max(axis=1)
    used = one_hot[:, :, 1:].sum(axis=1)
    return np.concatenate(
        [
            alive,
            counts[:, :, 1:].reshape(len(one_hot), len(PATHS) * (len(operations) - 1)),
            grouped.max(axis=1),
            np.where(np.isfinite(smallest), smallest, 0),
            grouped.sum(axis=1),
            np.stack([alive.sum(axis=1), plain.sum(axis=1), used.sum(axis=1), residual], axis=1),
            used,
        ],
        axis=1,
    )
