"""The sweep of an attack that means it: as wide as it takes, and as long as it pays.

Wide: from a few settings to the best of them, and on to its neighbours until none is better. So a best rate is never
the largest or the smallest that was tried, unless training breaks beyond it or its range ends. Long: from the best
setting to twice the length, and again, each with a schedule of its own, until more time brings nothing on validation.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from archlock.attacks.setting import Setting
from archlock.training import Optimiser

STEP = 4.0
"""Factor between neighbouring learning rates. (Strengths of probes: its square.)"""
PATIENCE = 2
"""So many lengths in a row without a better validation score end the doubling."""

Score = Callable[[Setting], float | None]
"""Validation score of a setting; None: it failed. What was asked before is not done again."""


def sweep(
    score_of: Score, first: Sequence[Setting], ranges: Mapping[Optimiser, tuple[float, float]], *, step: float
) -> None:
    """Score all of ``first``, then the neighbours of the best, a factor of ``step`` away, until none is better.

    Where all fail, smaller and smaller values are tried, from the smallest of each optimiser on, until one does not or
    the ranges end.
    """
    scores = {setting: score_of(setting) for setting in first}
    while True:
        valid = {setting: score for setting, score in scores.items() if score is not None}
        if valid:
            best = max(valid, key=valid.__getitem__)
            wanted = [_moved(best, factor) for factor in (step, 1 / step)]
        else:
            smallest = {s.optimiser: s for s in sorted(scores, key=lambda s: -s.value)}
            wanted = [_moved(setting, 1 / step) for setting in smallest.values()]
        fresh = [s for s in wanted if _within(s, ranges) and not _known(s, scores, math.sqrt(step))]
        if not fresh:
            return
        scores |= {setting: score_of(setting) for setting in fresh}


def lengthen(score_of: Score, begun: Setting, score: float, *, tried: float, most: float) -> None:
    """Score ``begun`` (whose score is given) at twice its length, and again, up to ``most``; see the head.

    Up to the length ``tried`` that was done before, and what was better is known.
    """
    idle = sum(begun.horizon < length <= tried for length in lengths(most))
    for length in lengths(most):
        if length > max(tried, begun.horizon) and idle < PATIENCE:
            found = score_of(replace(begun, horizon=length))
            idle += 1
            if found is not None and found > score:
                score, idle = found, 0


def lengths(most: float) -> tuple[float, ...]:
    """1, 2, 4 and so on up to ``most``, which is the last one; below 1 it is the only one."""
    found = [min(1.0, most)]
    while found[-1] < most:
        found.append(min(2 * found[-1], most))
    return tuple(found)


def _moved(setting: Setting, factor: float) -> Setting:
    return replace(setting, value=float(f"{setting.value * factor:.3g}"))


def _within(setting: Setting, ranges: Mapping[Optimiser, tuple[float, float]]) -> bool:
    low, high = ranges.get(setting.optimiser, (0.0, 0.0))
    return low <= setting.value <= high


def _known(setting: Setting, scores: Mapping[Setting, float | None], near: float) -> bool:
    """Whether a value within half a step of it was tried at that length with that optimiser."""
    return any(
        other.optimiser == setting.optimiser
        and other.horizon == setting.horizon
        and 1 / near < other.value / setting.value < near
        for other in scores
    )
