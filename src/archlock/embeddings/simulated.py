"""Embeddings of tasks that nobody has, at a given likeness to one that somebody has.

``log_fisher`` (ours) works on the logarithm: Fisher values are positive and spread over orders of magnitude, so the
logarithm is where a direction has a meaning and where no entry can become negative. ``published`` is the way of the
ArchLock paper (Zhou et al. 2024) as far as it is described, kept to reproduce it, with its three defects: entries
become negative, the length grows as the cosine falls, and all simulated tasks are equally alike. Better than either,
where data may be used: simulate tasks (``archlock.tasks``) and embed them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from archlock.embeddings.embedding import Embedding
from archlock.errors import ConfigurationError
from archlock.seeding import rng_for

DIRECTIONS = 4
"""Random directions in which simulated tasks differ from their source; few, so that some are close and some opposed."""


def simulate(
    embedding: Embedding,
    count: int,
    *,
    cosine: float = 0.9,
    method: str = "log_fisher",
    seed: int,
) -> tuple[Embedding, ...]:
    """``count`` embeddings at exactly the given cosine to ``embedding``.

    ``log_fisher``: the cosine is that of log vectors about their centre, the mean log of each layer (so the layers keep
    their geometric means). The centred log vector keeps its length at every cosine, entries that are zero stay zero;
    the cosines among the simulated scatter around cosine^2. Cosine in [-1, 1].
    Measured with the embedded probe: two samples of one task (400 examples) have this cosine at 0.8 to 0.95, different
    image sets at 0.3 to 0.75; 0.9 is a close relative, 0.5 a stranger.

    ``published``: the cosine is that of the plain vectors: v + tan(angle) |v| w_i, w_i from Gram-Schmidt on random
    directions, so mutual cosines are exactly cosine^2 and the length is |v| / cosine. Cosine in (0, 1]. A reading: the
    full text could not be had.

    Raises ConfigurationError for a count or cosine out of range, or when the embedding has too few entries or no shape
    that could be varied.
    """
    lowest = -1.0 if method == "log_fisher" else 0.0
    if method not in ("log_fisher", "published"):
        raise ConfigurationError(f"simulate: method must be 'log_fisher' or 'published'; got {method!r}")
    if count < 1:
        raise ConfigurationError(f"simulate: count must be at least 1; got {count}")
    if not lowest <= cosine <= 1 or (method == "published" and cosine == 0):
        raise ConfigurationError(
            f"simulate: cosine must lie in {'[-1' if lowest else '(0'}, 1] for {method!r}; got {cosine}"
        )
    rng = rng_for(seed, "simulate", method)
    vectors = (_log_fisher if method == "log_fisher" else _published)(embedding, count, cosine, rng)
    return tuple(
        replace(
            embedding,
            vector=vector,
            examples=0,
            standard_error=np.zeros_like(vector),
            task=f"{embedding.task}~{method}-{cosine:g}-{seed}-{number}",
            simulated=True,
        )
        for number, vector in enumerate(vectors)
    )


def _log_fisher(
    embedding: Embedding, count: int, cosine: float, rng: np.random.Generator
) -> Float64[np.ndarray, "count filters"]:
    positive = embedding.vector > 0
    layer = np.zeros(positive.size, dtype=int)
    for number, (name, _) in enumerate(embedding.offsets):
        layer[embedding.layer(name)] = number
    layer = np.unique(layer[positive], return_inverse=True)[1]
    logs = np.log(embedding.vector[positive])
    residual = _centred(logs, layer)
    length = float(np.linalg.norm(residual))
    free = residual.size - int(layer.max(initial=-1)) - 1  # dimensions left once every layer is centred
    if length == 0 or free < 2:
        raise ConfigurationError(
            f"simulate: embedding {embedding.task} cannot be varied: all filters of a layer have the same value, or "
            f"fewer than two entries are free ({free}); embed another task, or use a larger probe"
        )
    along = residual / length
    basis = _orthonormal(along, min(DIRECTIONS, free - 1), rng, lambda vector: _centred(vector, layer))
    mixing = rng.standard_normal((count, len(basis)))
    across = (mixing / np.linalg.norm(mixing, axis=1, keepdims=True)) @ basis
    turned = length * (cosine * along + np.sqrt(1 - cosine**2) * across)
    vectors = np.zeros((count, positive.size))
    vectors[:, positive] = np.exp(logs - residual + turned)
    return vectors


def _published(
    embedding: Embedding, count: int, cosine: float, rng: np.random.Generator
) -> Float64[np.ndarray, "count filters"]:
    vector, length = embedding.vector, float(np.linalg.norm(embedding.vector))
    if length == 0 or count > vector.size - 1:
        raise ConfigurationError(
            f"simulate: the published method needs a vector that is not zero and at most as many tasks as it has "
            f"entries less one; got length {length:.3g}, {vector.size} entries, count {count}"
        )
    across = _orthonormal(vector / length, count, rng, lambda direction: direction)
    tangent = np.sqrt(1 - cosine**2) / cosine
    return np.asarray(vector + tangent * length * across)


def _orthonormal(
    first: np.ndarray, count: int, rng: np.random.Generator, project: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """``count`` random unit vectors, orthogonal to ``first`` and to each other (Gram-Schmidt, twice for precision)."""
    known = [first]
    while len(known) <= count:
        direction = project(rng.standard_normal(first.size))
        for _ in range(2):
            for other in known:
                direction = direction - (direction @ other) * other
        known.append(direction / np.linalg.norm(direction))
    return np.stack(known[1:])


def _centred(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Values less the mean of their group."""
    means = np.bincount(group, values) / np.bincount(group)
    return np.asarray(values - means[group])
