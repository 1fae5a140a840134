"""Which architectures of a space to record: samples that span it, in an order of which every beginning does.

Two ways. By cost: a systematic sample over size and shortcuts, for spaces of cells. Balanced: every level of every axis
as often as any other, and every two levels of two axes together, as far as a number of architectures allows, so that
what an axis does can be told apart from what the others do (a main-effects plan, found greedily).
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal, get_args

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space

SHORTCUT: Final = "shortcut without a convolution"
COST: Final = "cost (weights per pair of channels)"
Design = Literal["cost", "balanced"]


def check_design(design: object, costs: tuple[float, float], near: int | None, space: Space) -> None:
    """A design that is none, costs between which nothing lies, or nothing to be near to, are a ConfigurationError."""
    if design not in get_args(Design):
        raise ConfigurationError(f"the design is one of {', '.join(get_args(Design))}; got {design!r}")
    if not 0 <= costs[0] < costs[1]:
        raise ConfigurationError(f"costs are from a number of at least 0 to a larger one; got {costs[0]} to {costs[1]}")
    if design == "cost" and (costs != (0.0, math.inf) or near is not None):
        raise ConfigurationError("costs and near are limits of the balanced design; ask for that, or leave them out")
    if near is not None:
        _sensible(space)


def spread_out(space: Space, count: int, *, seed: int) -> tuple[Architecture, ...]:
    """Functions of a space that span its sizes and kinds: a systematic sample, in the order in which to measure them.

    Connected functions are ordered by whether a shortcut leads past all convolutions, then by cost; of each of
    ``count`` equal stretches one is chosen at random. The order of the result is random, so that a part of it is a
    sample as well.
    """
    functions = _functions(space, count)
    traits = space.shape(functions)
    rng = rng_for(seed, "spread out")
    keys = [traits.values[:, traits.names.index(name)] for name in (COST, SHORTCUT) if name in traits.names]
    order = np.lexsort((rng.random(len(functions)), *keys))
    edges = np.linspace(0, len(order), count + 1)
    places = [order[int(rng.uniform(low, high))] for low, high in pairwise(edges)]
    return tuple(functions[place] for place in rng.permutation(places))


def balanced(
    space: Space, count: int, *, costs: tuple[float, float] = (0.0, np.inf), near: int | None = None, seed: int
) -> tuple[Architecture, ...]:
    """Functions of a space in which the levels of all axes (``Space.choices``) are in balance, pair by pair.

    Only those whose ``Space.relative_cost`` is between ``costs``, and of those, with ``near``, what is at most so many
    changes away from ``Space.sensible``, for spaces most of whose members learn badly. One after the other is chosen:
    the one after which the counts of levels, and of pairs of levels, are nearest to what they would be if all were
    equally frequent (sum of squares); of equally good ones one at random. So every beginning of the result is in
    balance as well.
    """
    functions = _functions(space, 1) if near is None else _near(space, near)
    relative = space.relative_cost(functions)
    kept = [one for one, cost in zip(functions, relative, strict=True) if costs[0] <= cost <= costs[1]]
    if not 1 <= count <= len(kept):
        raise ConfigurationError(
            f"{space.name} has {len(kept)} such functions of a relative cost from {costs[0]:g} to {costs[1]:g}; got "
            f"{count} to choose (costs of all are {relative.min():.2g} to {relative.max():.3g})"
        )
    indicators = space.choices(kept).values
    expected = _expected(indicators)
    rng, counts = rng_for(seed, "balanced"), np.zeros_like(expected)
    chosen: list[int] = []
    for place in range(count):
        worse = np.einsum("ni,ij,nj->n", indicators, counts - place * expected, indicators, optimize=True)
        worse[chosen] = np.inf
        best = np.flatnonzero(worse <= worse.min() + 1e-9)
        chosen.append(int(rng.choice(best)))
        counts += np.outer(indicators[chosen[-1]], indicators[chosen[-1]])
    return tuple(kept[place] for place in chosen)


def _functions(space: Space, count: int) -> Sequence[Architecture]:
    functions = sorted({space.simplify(one) for one in space.enumerate() if space.is_connected(one)})
    if not 1 <= count <= len(functions):
        raise ConfigurationError(f"{space.name} has {len(functions)} different functions; got {count} to choose")
    return functions


def _near(space: Space, changes: int) -> Sequence[Architecture]:
    """What is at most so many changes away from the sensible architecture."""
    found = reached = {_sensible(space)}
    for _ in range(changes):
        reached = {other for one in reached for other in space.neighbours(one)} - found
        found = found | reached
    return sorted({space.simplify(one) for one in found if space.is_connected(one)})


def _sensible(space: Space) -> Architecture:
    found = space.sensible()
    if found is None:
        raise ConfigurationError(f"{space.name} has no sensible architecture to be near to; leave near out")
    return found


def _expected(indicators: Float[np.ndarray, "architectures choices"]) -> Float[np.ndarray, "choices choices"]:
    """How often two choices would be made together by one architecture, if all were equally frequent.

    Choices that exclude each other are of one axis; a choice with itself is the choice alone.
    """
    together = indicators.T @ indicators > 0
    alternatives = (~together).sum(axis=1) + 1.0
    expected = np.where(together, 1 / np.outer(alternatives, alternatives), 0.0)
    np.fill_diagonal(expected, 1 / alternatives)
    return np.asarray(expected)
