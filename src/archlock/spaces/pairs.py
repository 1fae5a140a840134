"""Products of the indicators of every two decisions, which let a linear model see that two choices go together."""

from itertools import combinations

import numpy as np
from jaxtyping import Float


def pair_products(
    one_hot: Float[np.ndarray, "architectures places choices"],
) -> Float[np.ndarray, "architectures products"]:
    """For every two places in order and every choice at each: 1 where both choices are made."""
    architectures, places, choices = one_hot.shape
    couples = list(combinations(range(places), 2))
    products = np.empty((architectures, len(couples), choices, choices))
    for index, (one, other) in enumerate(couples):
        np.multiply(one_hot[:, one, :, None], one_hot[:, other, None, :], out=products[:, index])
    return products.reshape(architectures, len(couples) * choices**2)
