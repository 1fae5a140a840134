"""FLASH's accuracy model (Li, Mandal, Ogras, Marculescu, ACM TECS 2021): 1/A = a/x + b, from a few trainings.

Accuracy A rises with one number x of an architecture and saturates at 1/b: two constants for a data set, fitted by
least squares in 1/A, which is linear in 1/x. In the paper x is NN-Degree; here it is any scalar proxy, by default the
multiply-adds of the space (``relative_cost``). On the recorded networks of NAS-Bench-Macro, from 25 random trainings
(medians of 200 draws, every function once), multiply-adds leave a mean error of 1.15 points and explain .58 of the
variance; the mean of the 25 leaves 1.72 points.

Deviations: a and b are not negative (Lawson and Hanson's non-negative least squares), so that the curve never falls and
has no pole; where accuracy does not rise with x, a is 0 and all scores are equal.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float

from archlock.errors import MeasurementError
from archlock.preferences.evidence_table import Column, EvidenceTable
from archlock.preferences.preference import Preference
from archlock.spaces import Architecture, Space

Proxy: TypeAlias = Callable[[Sequence[Architecture]], Float[np.ndarray, " architectures"]]
"""One number of every architecture: finite, 0 or more; accuracy is thought to rise with it."""
NAME: Final = "saturating"
FEWEST: Final = 3
"""Trained architectures without which two constants say nothing."""


@dataclass(frozen=True, slots=True)
class Curve:
    """1/A = slope/x + limit; at x = 0 it is 0."""

    slope: float
    limit: float

    def __call__(self, x: Float[np.ndarray, " architectures"]) -> Float[np.ndarray, " architectures"]:
        """A, in the units in which it was fitted."""
        below = self.slope + self.limit * x
        return np.asarray(np.divide(x, below, out=np.full(len(x), 1 / (self.limit or np.inf)), where=below > 0))


def fit_curve(
    x: Float[np.ndarray, " measured"], accuracies: Float[np.ndarray, " measured"], *, name: str = "accuracy"
) -> Curve:
    """The curve through trained architectures; those with x = 0 are left out, as are missing accuracies (NaN).

    Fewer than ``FEWEST`` of them, equal x, accuracies that are not above 0, or some in percent and some as fractions:
    MeasurementError.
    """
    from scipy.optimize import nnls

    if not np.isfinite(x).all() or (x < 0).any():
        raise MeasurementError(f"the proxy of a saturating fit is a finite number of 0 or more; got {x.min():g}")
    known = np.isfinite(accuracies) & (x > 0)
    x, accuracies = x[known], accuracies[known]
    if len(x) < FEWEST:
        raise MeasurementError(
            f"a saturating fit of {name} needs at least {FEWEST} trained architectures; got {len(x)}"
        )
    if x.min() == x.max():
        raise MeasurementError(
            f"the proxy says nothing: it is {x.min():g} for each of {len(x)} trained architectures; take another one"
        )
    low, high = float(accuracies.min()), float(accuracies.max())
    if low <= 0:
        raise MeasurementError(
            f"a saturating fit is of accuracies, above 0; {name} goes down to {low:g}: take a preference that learns "
            "from any measure, such as score_model"
        )
    if low <= 1 < high:
        raise MeasurementError(
            f"{name} goes from {low:g} to {high:g}: either fractions and percent are mixed, or some of the networks "
            "learned nothing; give one unit, and leave these out"
        )
    scale = float(x.mean())
    (slope, limit), _ = nnls(np.stack([scale / x, np.ones(len(x))], axis=1), 1 / accuracies)
    return Curve(scale * float(slope), float(limit))


class Saturating(Preference):
    """One curve for every column; the score of a task is the mean of its columns', each in deviations of what was
    measured. Deterministic."""

    def __init__(self, evidence: EvidenceTable, space: Space, *, proxy: Proxy | None = None) -> None:
        """Fit; what cannot be fitted raises MeasurementError (see :func:`fit_curve`)."""
        self.tasks = evidence.tasks
        self._proxy = proxy or space.relative_cost
        x = np.asarray(self._proxy(evidence.architectures), dtype=float)
        columns = list(zip(evidence.columns, evidence.values.T, strict=True))
        self._curves = {column: fit_curve(x, values, name=str(column)) for column, values in columns}
        self._units = {
            column: (float(np.nanmean(values)), float(np.nanstd(values)) or 1.0) for column, values in columns
        }

    def scores(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "tasks architectures"]:
        """0 is the mean of the measured sample, 1 a standard deviation better."""
        by_column = {
            column: (self.predict(architectures, column) - mean) / deviation
            for column, (mean, deviation) in self._units.items()
        }
        return np.stack(
            [np.mean([row for column, row in by_column.items() if column.task == task], axis=0) for task in self.tasks]
        )

    def predict(self, architectures: Sequence[Architecture], column: Column) -> Float[np.ndarray, " architectures"]:
        """A column's value in its own units."""
        return self._curves[column](np.asarray(self._proxy(architectures), dtype=float))


def make_saturating(
    evidence: EvidenceTable,
    space: Space,
    *,
    embeddings: Mapping[str, Float[np.ndarray, " dimensions"]] | None = None,  # noqa: ARG001  (see PreferenceMaker)
    seed: int = 0,  # noqa: ARG001
) -> Saturating:
    """The curve over multiply-adds, as the catalog offers it; it needs neither embeddings nor chance."""
    return Saturating(evidence, space)
