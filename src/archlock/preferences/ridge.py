"""The few-shot floor to beat: ridge regression of normal scores on structure, the strength chosen by leaving one out.

Every column of the evidence becomes normal scores of its ranks and is regressed, by scikit-learn's ``RidgeCV``, on
``space.features`` (edges, pairs of edges, paths). The score of a task is the mean over its columns.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import MeasurementError
from archlock.preferences.evidence_table import EvidenceTable
from archlock.preferences.normal_scores import normal_scores
from archlock.preferences.preference import Preference
from archlock.spaces import Architecture, Space

FEWEST: Final = 5
"""Measured values that a column needs."""
STRENGTHS: Final = tuple(float(strength) for strength in np.logspace(-1, 4, 16))


class Ridge(Preference):
    """Linear scores for all architectures of a space. Deterministic."""

    def __init__(self, evidence: EvidenceTable, space: Space) -> None:
        """A column with fewer than ``FEWEST`` values raises MeasurementError; missing values are left out."""
        self.tasks = evidence.tasks
        self._space = space
        features = space.features(evidence.architectures)
        fitted = [
            _fit(features, values, str(column))
            for column, values in zip(evidence.columns, evidence.values.T, strict=True)
        ]
        groups = [list(evidence.positions(task)) for task in evidence.tasks]
        self._weights = np.stack([np.mean([fitted[place][0] for place in group], axis=0) for group in groups])
        self._offsets = np.array([np.mean([fitted[place][1] for place in group]) for group in groups])

    def scores(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "tasks architectures"]:
        """Expected normal score: 0 is the middle of the measured sample, 1 a standard deviation better."""
        return np.asarray(self._weights @ self._space.features(architectures).T + self._offsets[:, None])


def make_ridge(
    evidence: EvidenceTable,
    space: Space,
    *,
    embeddings: Mapping[str, Float[np.ndarray, " dimensions"]] | None = None,  # noqa: ARG001  (see PreferenceMaker)
    seed: int = 0,  # noqa: ARG001
) -> Ridge:
    """Ridge as the catalog offers it; it needs neither embeddings nor chance."""
    return Ridge(evidence, space)


def _fit(
    features: Float[np.ndarray, "rows features"], values: Float[np.ndarray, " rows"], column: str
) -> tuple[Float[np.ndarray, " features"], float]:
    from sklearn.linear_model import RidgeCV

    known = np.isfinite(values)
    if known.sum() < FEWEST:
        raise MeasurementError(
            f"{column} has {known.sum()} values; a ridge regression needs at least {FEWEST}: measure more "
            "architectures or leave the column out"
        )
    model = RidgeCV(alphas=STRENGTHS).fit(features[known], normal_scores(values[known]))
    return np.asarray(model.coef_), float(model.intercept_)
