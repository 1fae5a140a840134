"""Made-up values of pairs of tasks: crossed random effects whose true mean is 0, for simulations of coverage."""

from collections.abc import Sequence
from itertools import permutations, product

import numpy as np

DESIGNS = {
    "7 tasks": tuple(permutations("abcdefg", 2)),
    "3 tasks": tuple(permutations("abc", 2)),
    "3 sources, 4 targets": tuple(product("abc", "wxyz")),
    "3 sources, 4 targets each, of 5 tasks": tuple(
        (one, other) for one, other in product("abc", "abcyz") if one != other
    ),
}
MIXTURES = {
    "tasks": (1.0, 1.0, 0.5, 0.3, 0.6, 0.0),
    "alike as source and target": (1.0, 1.0, 0.5, 0.3, 0.6, 0.7),
    "opposite as source and target": (1.0, 1.0, 0.5, 0.3, 0.6, -0.7),
    "sources": (1.0, 0.2, 0.5, 0.3, 0.6, 0.0),
    "targets": (0.2, 1.0, 0.5, 0.3, 0.6, 0.0),
    "pairs": (0.1, 0.1, 1.0, 0.1, 0.6, 0.0),
    "seeds": (0.1, 0.1, 0.2, 0.6, 1.5, 0.0),
}
"""Standard deviations of source, target, pair, seed and single run, and the correlation of a task's two effects."""


def crossed(
    pairs: Sequence[tuple[str, str]], mixture: tuple[float, ...], *, seeds: int, rng: np.random.Generator
) -> np.ndarray:
    """Values, pairs x seeds."""
    source, target, pair, seed, run, alike = mixture
    tasks = sorted({task for ends in pairs for task in ends})
    first, second = rng.normal(size=(2, len(tasks)))
    as_source, as_target = source * first, target * (alike * first + np.sqrt(1 - alike**2) * second)
    ends = np.array([[tasks.index(one) for one in both] for both in pairs])
    level = as_source[ends[:, 0]] + as_target[ends[:, 1]] + pair * rng.normal(size=len(pairs))
    return level[:, None] + seed * rng.normal(size=seeds) + run * rng.normal(size=(len(pairs), seeds))
