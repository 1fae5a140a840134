"""Latency from counts: ``t = c0 + sum of c_k * (how many operations of kind k)``, fitted on a few timed architectures.

On recorded devices 25 timed cells of NAS-Bench-201 order the rest at Spearman .9 to 1 (``docs/how-to/limits.md``), as
well as predictors that were taught on other devices. A graph that was deployed with its dead edges runs them, one that
was pruned does not: so both counts are fitted, and that is kept which foretells left-out architectures better.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import MeasurementError
from archlock.spaces import Architecture, CellSpace, Space

Counted = Literal["raw", "live", "arithmetic"]
"""What is counted: all operations of a cell, those that are not dead, or (of other spaces) multiply-adds and bytes."""
COUNTED: Final[tuple[Counted, ...]] = get_args(Counted)
RIDGE: Final = 1e-2
"""In units of a count: keeps a kind that the timed architectures hardly have from a wild coefficient."""
_HUBER: Final = 1.345
"""Deviations from which on a residual counts less: 95 % as efficient as least squares where noise is normal."""
_DEVIATION: Final = 1.4826
"""Standard deviation of a normal distribution, in its median absolute deviations."""
_ROUNDS: Final = 15
_TINY: Final = 1e-9
FEWEST: Final = 10
"""Timed architectures without which nothing is fitted."""

Counts = Float[np.ndarray, "architectures kinds"]


@dataclass(frozen=True, slots=True)
class LatencyModel:
    """A fitted model, and how far it was off on architectures that it was not fitted on."""

    counted: Counted
    coefficients: tuple[float, ...]
    """Milliseconds: the constant, then one for each kind."""
    error: float
    """Median relative error, each timed architecture left out in turn."""

    def milliseconds(self, counts: Counts) -> Float[np.ndarray, " architectures"]:
        """What it foretells."""
        return np.asarray(self.coefficients[0] + counts @ np.array(self.coefficients[1:]))


def fit(counts: Mapping[Counted, Counts], milliseconds: Float[np.ndarray, " timed"]) -> LatencyModel:
    """The model of the counts that leave the least squared error, each timed architecture left out in turn.

    Least squares in milliseconds with a small ridge on all but the constant, and with Huber's weights, since some
    devices take many times as long for single architectures (Huber 1964; by reweighting). Fewer than ``FEWEST`` timed
    architectures, or times that are no positive numbers, raise MeasurementError.
    """
    if len(milliseconds) < FEWEST:
        raise MeasurementError(f"a latency model needs at least {FEWEST} timed architectures; got {len(milliseconds)}")
    if not (np.isfinite(milliseconds) & (milliseconds > 0)).all():
        raise MeasurementError("the times of a latency model are milliseconds above 0; got others among them")
    found = []
    for counted, values in counts.items():
        design = np.column_stack([np.ones(len(values)), values])
        penalty = RIDGE * np.eye(design.shape[1])
        penalty[0, 0] = 0.0
        weights = np.ones(len(milliseconds))
        for _ in range(_ROUNDS):
            solved = np.linalg.solve((design.T * weights) @ design + weights.mean() * penalty, design.T * weights)
            coefficients = solved @ milliseconds
            off = np.abs(milliseconds - design @ coefficients)
            usual = _DEVIATION * np.median(off) + _TINY * np.median(milliseconds)
            weights = np.minimum(1.0, _HUBER * usual / np.maximum(off, _TINY * usual))
        leverage = np.einsum("nk,kn->n", design, solved)
        left_out = (milliseconds - design @ coefficients) / np.maximum(1 - leverage, _TINY)
        error = float(np.median(np.abs(left_out) / milliseconds))
        found.append((float((left_out**2).sum()), LatencyModel(counted, tuple(coefficients.tolist()), error)))
    return min(found, key=lambda one: one[0])[1]


def operation_counts(
    space: Space,
    architectures: Sequence[Architecture],
    arithmetic: Callable[[], Counts],
) -> dict[Counted, Counts]:
    """How many operations of each kind: in a space of cells raw and live, else the ``arithmetic`` (MACs, bytes)."""
    if not isinstance(space, CellSpace):
        return {"arithmetic": arithmetic()}
    kinds = len(space.operations)
    digits = space.digits(architectures)
    live = space.choices(architectures).values.reshape(len(digits), -1, kinds)[:, :, 1:].sum(axis=1)
    raw = np.stack([(digits == kind).sum(axis=1) for kind in range(1, kinds)], axis=1).astype(float)
    return {"raw": raw, "live": np.asarray(live)}


def stratified(
    amounts: Float[np.ndarray, " architectures"], count: int, rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    """So many rows, one at random from each of as many strata of the amounts (ties are broken by lot)."""
    order = np.lexsort((rng.random(len(amounts)), amounts))
    strata = np.array_split(order, min(count, len(order)))
    return np.array([int(rng.choice(stratum)) for stratum in strata])
