"""The loop: a strategy asks, the objective judges, the best that keep the floor are remembered."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from archlock.errors import ConfigurationError, SearchError
from archlock.search.objective import Judgement, Objective
from archlock.search.strategy import Strategy
from archlock.spaces import Architecture

PATIENCE: Final = 100
"""A strategy that asks this often in a row without anything new has nothing new to ask."""


@dataclass(frozen=True, slots=True)
class Found:
    """An architecture that keeps the floor, its score, and how many evaluations it took to find it."""

    architecture: Architecture
    score: float
    evaluation: int


@dataclass(frozen=True, slots=True)
class SearchTrace:
    """What a search found and what it spent."""

    best: tuple[Found, ...]
    """The best architectures that keep the floor, best first; no two are isomorphic; equal scores by code."""
    evaluated: int
    """Architectures judged, isomorphic ones once."""
    feasible: int
    """How many of them keep the floor."""
    history: tuple[Found, ...]
    """Each new best as it was found, so scores rise along the history."""


def search(strategy: Strategy, objective: Objective, *, evaluations: int, keep: int = 1) -> SearchTrace:
    """Let the strategy ask until it is finished or so many different architectures have been judged.

    Isomorphic architectures count once and share the judgement of the first one. Raises
    :class:`~archlock.errors.SearchError` if none of the judged architectures keeps the floor, saying by how much the
    nearest one misses it, and :class:`~archlock.errors.ConfigurationError` for a budget below 1.
    """
    if evaluations < 1 or keep < 1:
        raise ConfigurationError(
            f"a search needs at least one evaluation and keeps at least one architecture; got "
            f"evaluations={evaluations}, keep={keep}"
        )
    judged: dict[Architecture, tuple[Architecture, float, float]] = {}
    idle = 0
    while len(judged) < evaluations and idle < PATIENCE:
        asked = strategy.ask()
        if not asked:
            break
        classes = [strategy.space.canonicalise(architecture) for architecture in asked]
        fresh = {key: one for key, one in zip(reversed(classes), reversed(asked), strict=True) if key not in judged}
        fresh = dict(list(reversed(fresh.items()))[: evaluations - len(judged)])
        if fresh:
            judgement = objective(tuple(fresh.values()))
            rows = zip(fresh.values(), judgement.scores.tolist(), judgement.shortfall.tolist(), strict=True)
            judged.update(zip(fresh, rows, strict=True))
        idle = 0 if fresh else idle + 1
        answered = [index for index, key in enumerate(classes) if key in judged]
        strategy.tell(
            [asked[index] for index in answered],
            Judgement(
                np.array([judged[classes[index]][1] for index in answered]),
                np.array([judged[classes[index]][2] for index in answered]),
            ),
        )
    return _trace(list(judged.values()), keep)


def _trace(judged: list[tuple[Architecture, float, float]], keep: int) -> SearchTrace:
    found = [
        Found(architecture, score, evaluation)
        for evaluation, (architecture, score, missed) in enumerate(judged, start=1)
        if missed == 0
    ]
    if not found:
        if not judged:
            raise SearchError(
                "the strategy asked for nothing, so there is nothing to choose from; use another strategy"
            )
        nearest = min(judged, key=lambda row: (row[2], row[0]))
        raise SearchError(
            f"none of the {len(judged)} architectures that were judged keeps the source floor; the nearest, "
            f"{nearest[0]}, misses it by {nearest[2]:.4g}: lower the floor by that much, or allow more evaluations"
        )
    history: list[Found] = []
    for one in found:
        if not history or one.score > history[-1].score:
            history.append(one)
    best = sorted(found, key=lambda one: (-one.score, one.architecture))[:keep]
    return SearchTrace(tuple(best), len(judged), len(found), tuple(history))
