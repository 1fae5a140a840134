"""The project's own preference: a Gaussian process on the structure of architectures, fitted to any evidence.

Every column of the evidence (proxies, short trainings, gains of adaptations) is turned into normal scores of its
ranks, so that heavy tails and units do not matter, and learned from ``space.features``. The score of a task is the
average over its columns, in those normal scores. What a column does not repeat from one architecture to similar ones
counts as noise and is shrunk away, so a useless measure says little rather than something wrong.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError, MeasurementError
from archlock.preferences.evidence_table import Column, EvidenceTable
from archlock.preferences.gaussian_process import GaussianProcess, fit_process
from archlock.preferences.normal_scores import Units, normal_scores
from archlock.preferences.preference import Preference
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space

FEWEST: Final = 5
"""Measured values that a column needs."""
_REFERENCE = 2000  # architectures that set the scale of the features


class ScoreModel(Preference):
    """Scores, uncertainties and predictions in units, for all architectures of a space. Deterministic."""

    def __init__(self, evidence: EvidenceTable, space: Space, *, weights: Mapping[Column, float] | None = None) -> None:
        """Fit to the evidence.

        ``weights`` say how much a column counts in the score of its task (1 if not named; a column of weight 0 is still
        predicted). A column with fewer than ``FEWEST`` values, or evidence of another space, raises MeasurementError; a
        weight for no column, a negative one, or none but zeros for a task raises ConfigurationError. Columns measured
        on the same rows share their work and what they have in common; one with gaps of its own is fitted alone.
        """
        _check(evidence, space)
        self.tasks = evidence.tasks
        self.columns = evidence.columns
        self._space = space
        self._weights = _task_weights(evidence, weights or {})
        features = space.features(evidence.architectures)
        rng = rng_for(0, "score model", "reference")
        reference = space.features([space.sample(rng) for _ in range(_REFERENCE)])
        self._parts: list[tuple[list[int], GaussianProcess]] = []
        self._units: dict[Column, Units] = {}
        self._agreement: dict[Column, float] = {}
        for rows, positions in _same_rows(evidence.values):
            measured = evidence.values[rows][:, positions]
            targets = np.stack([normal_scores(column) for column in measured.T], axis=1)
            process = fit_process(features[rows], targets, reference)
            self._parts.append((positions, process))
            for index, (target, left_out) in enumerate(zip(targets.T, process.left_out().T, strict=True)):
                column = evidence.columns[positions[index]]
                self._units[column] = Units.of(target, measured[:, index])
                self._agreement[column] = _correlation(target, left_out)

    def scores(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "tasks architectures"]:
        """Expected normal score: 0 is the middle of the measured sample, 1 a standard deviation better."""
        features = self._space.features(architectures)
        total = np.zeros((len(architectures), len(self.tasks)))
        for positions, process in self._parts:
            total += process.mean(features, self._weights[positions])
        return total.T

    def uncertainty(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "tasks architectures"]:
        """Posterior standard deviation of :meth:`scores` (columns measured on different rows: as if independent)."""
        features = self._space.features(architectures)
        variance = np.zeros((len(architectures), len(self.tasks)))
        for positions, process in self._parts:
            variance += process.posterior(features, self._weights[positions])[1]
        return np.sqrt(variance.T)

    def predict(
        self, architectures: Sequence[Architecture], column: Column
    ) -> tuple[Float[np.ndarray, " architectures"], Float[np.ndarray, " architectures"]]:
        """Mean and standard deviation of a column's value in its own units, without the noise of one measurement.

        An unknown column raises :class:`~archlock.errors.MeasurementError`.
        """
        for positions, process in self._parts:
            names = [self.columns[position] for position in positions]
            if column in names:
                projection = np.eye(len(names))[:, [names.index(column)]]
                mean, variance = process.posterior(self._space.features(architectures), projection)
                return self._units[column].moments(mean[:, 0], np.sqrt(variance[:, 0]))
        known = ", ".join(map(str, self.columns))
        raise MeasurementError(f"there is no evidence on {column}; the columns are: {known}")

    def agreement(self, column: Column) -> float:
        """How well the column is foretold from the other rows: correlation with leave-one-out predictions, in [-1, 1].

        About 0 means that structure says nothing about this measure (or that it is nothing but noise).
        """
        try:
            return self._agreement[column]
        except KeyError:
            raise MeasurementError(
                f"there is no evidence on {column}; the columns are: {', '.join(map(str, self.columns))}"
            ) from None


def make_score_model(
    evidence: EvidenceTable,
    space: Space,
    *,
    embeddings: Mapping[str, Float[np.ndarray, " dimensions"]] | None = None,  # noqa: ARG001  (see PreferenceMaker)
    seed: int = 0,  # noqa: ARG001
) -> ScoreModel:
    """Score model with equal weights, as the catalog offers it; it needs neither embeddings nor chance."""
    return ScoreModel(evidence, space)


def _check(evidence: EvidenceTable, space: Space) -> None:
    other = evidence.architectures[0].space
    if other != space.name:
        raise MeasurementError(f"the evidence is of space {other!r}; expected {space.name!r}, which is to be scored")
    for column, count in zip(evidence.columns, np.isfinite(evidence.values).sum(axis=0), strict=True):
        if count < FEWEST:
            raise MeasurementError(
                f"{column} has {count} values; a score model needs at least {FEWEST}: measure more architectures or "
                "leave the column out"
            )


def _task_weights(evidence: EvidenceTable, weights: Mapping[Column, float]) -> Float[np.ndarray, "columns tasks"]:
    unknown = [str(column) for column in weights if column not in evidence.columns]
    if unknown:
        raise ConfigurationError(
            f"weights for {', '.join(unknown)}, which the evidence does not have; its columns are: "
            f"{', '.join(map(str, evidence.columns))}"
        )
    table = np.zeros((len(evidence.columns), len(evidence.tasks)))
    for index, task in enumerate(evidence.tasks):
        positions = list(evidence.positions(task))
        given = np.array([weights.get(evidence.columns[position], 1.0) for position in positions])
        if not (np.isfinite(given).all() and (given >= 0).all() and given.sum() > 0):
            raise ConfigurationError(
                f"weights of the columns of task {task!r} must be finite, not negative and not all 0; got "
                f"{given.tolist()}"
            )
        table[positions, index] = given / given.sum()
    return table


def _same_rows(values: Float[np.ndarray, "rows columns"]) -> list[tuple[np.ndarray, list[int]]]:
    groups: dict[bytes, list[int]] = {}
    measured = np.isfinite(values)
    for position in range(values.shape[1]):
        groups.setdefault(measured[:, position].tobytes(), []).append(position)
    return [(np.flatnonzero(measured[:, positions[0]]), positions) for positions in groups.values()]


def _correlation(one: Float[np.ndarray, " rows"], other: Float[np.ndarray, " rows"]) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
