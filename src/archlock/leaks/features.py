"""Numbers of an observation as rows for a learner: one for each operator with its neighbours, or one for the whole."""

from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.leaks.observation import Observation

REACH: Final = 4
"""Neighbours on each side."""
_ABSENT: Final = -9.0
_QUANTILES: Final = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_MICRO: Final = 1e6


def columns_of(observation: Observation) -> Float[np.ndarray, "operators columns"]:
    """What is known of each operator by itself, on a scale on which doubling is a step."""
    columns = []
    if observation.seconds:
        seconds = np.log2(np.array(observation.seconds) * _MICRO + 0.1)
        columns += [seconds, seconds - np.median(seconds)]
    if observation.sizes:
        sizes = np.log2(np.array(observation.sizes, float) + 1)
        columns += [sizes, np.log2(np.array(observation.held, float) + 1)]
    if observation.seconds and observation.sizes:
        columns.append(np.where(sizes > 0, seconds - sizes, 0.0))
    return np.stack(columns, 1)


def windowed(observation: Observation) -> Float[np.ndarray, "operators features"]:
    """Of each operator its own columns and those of its neighbours, steps between them, and where in the trace it
    is."""
    own = columns_of(observation)
    count = len(own)
    padded = np.pad(own, ((REACH, REACH), (0, 0)), constant_values=_ABSENT)
    parts = [padded[shift : shift + count] for shift in range(2 * REACH + 1)]
    parts += [parts[REACH] - parts[REACH + shift] for shift in (-2, -1, 1, 2)]
    place = np.arange(count, dtype=float)
    parts.append(np.stack([place, count - 1 - place], 1))
    if observation.sizes:
        parts += [runs_of(observation.sizes), _freed(observation.held)]
    return np.concatenate(parts, 1)


def runs_of(sizes: tuple[int, ...]) -> Float[np.ndarray, "operators 5"]:
    """Of each operator: place in the run of equal sizes, what is left of the run, place by twos and threes, and how
    much the size changed where the run begins."""
    values = np.array(sizes, float)
    begins = np.flatnonzero(np.diff(values, prepend=-1.0) != 0)
    run = np.searchsorted(begins, np.arange(len(values)), side="right") - 1
    ends = np.append(begins[1:], len(values))
    place, left = np.arange(len(values)) - begins[run], ends[run] - 1 - np.arange(len(values))
    before = np.where(begins > 0, values[begins - 1], values[0])
    change = np.log2((values[begins] + 1) / (before + 1))[run]
    return np.stack([place, left, place % 2, place % 3, change], 1).astype(float)


def _freed(held: tuple[int, ...]) -> Float[np.ndarray, "operators 3"]:
    """Of each operator: how many allocations are given back right after it, how far back the oldest of them was made,
    and how many are alive."""
    count = len(held)
    freed, oldest, alive = np.zeros(count), np.zeros(count), np.zeros(count)
    for made, steps in enumerate(held):
        end = made + steps if steps else count
        alive[made:end] += 1
        if end < count:
            freed[end] += 1
            oldest[end] = max(oldest[end], steps)
    return np.stack([freed, oldest, alive], 1)


def whole(observation: Observation) -> Float[np.ndarray, " features"]:
    """The whole observation in numbers that do not depend on its length: quantiles, counts, sums and ratios."""
    if observation.latencies:
        seconds = np.log2(np.array(observation.latencies) * _MICRO + 0.1)
        return np.concatenate([seconds, seconds - seconds[0]])
    own = columns_of(observation)
    steps = np.diff(own, axis=0)
    parts = [np.quantile(values, _QUANTILES, axis=0).ravel() for values in (own, steps, np.abs(steps))]
    parts += [own.mean(0), own.std(0), [float(len(own))]]
    if observation.sizes:
        runs = runs_of(observation.sizes)
        parts += [np.quantile(runs[:, 0], _QUANTILES), runs.mean(0), _freed(observation.held).mean(0)]
    if observation.seconds:
        seconds = np.array(observation.seconds)
        parts.append(np.sort(seconds)[::-1][:3] / max(seconds.sum(), 1e-12))
    return np.concatenate([np.asarray(part, float) for part in parts])
