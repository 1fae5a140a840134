"""The network of the published predictor, trained, as plain matrix products.

The first layer is split into what comes from A, from B and from the task, and computed once for each of them instead of
once per pair: the same numbers, some hundred times faster. See ``ranker_training`` for how it is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32

from archlock.errors import ConfigurationError, MeasurementError

_PAIRS: Final = 65536  # answered at once, to bound memory


@dataclass(frozen=True, slots=True)
class RankerReport:
    """What became of the training."""

    training_agreement: float
    """Share of decided pairs of trained-on architectures that are answered as voted (0.5 is guessing)."""
    validation_agreement: float
    """The same for pairs of architectures that were held out."""
    living_units: tuple[float, ...]
    """Share of the units of each hidden layer that are not zero for every pair of the report."""
    collapsed: bool
    """Whether the answer is the same for all pairs: the network has learned nothing; lower the learning rate."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranker:
    """A trained network, made by :func:`train_ranker`."""

    weights: tuple[Float32[np.ndarray, "_ _"], ...]
    """Inputs x outputs of every layer."""
    biases: tuple[Float32[np.ndarray, " _"], ...]
    report: RankerReport

    def logits(
        self,
        encodings: Float[np.ndarray, "architectures features"],
        others: Float[np.ndarray, "others features"],
        embedding: Float[np.ndarray, " dimensions"],
    ) -> Float32[np.ndarray, "architectures others"]:
        """Raw logit that each of ``encodings`` beats each of ``others`` on the task with this embedding."""
        ours, theirs = self._first_layer(encodings, others, embedding)
        logits = np.empty((len(ours), len(theirs)), dtype=np.float32)
        rows = max(1, _PAIRS // max(1, len(theirs)))
        for start in range(0, len(ours), rows):
            *_, last = self._units(ours[start : start + rows], theirs)
            logits[start : start + rows] = (last @ self.weights[-1] + self.biases[-1]).reshape(-1, len(theirs))
        return logits

    def living_units(
        self, encodings: Float[np.ndarray, "architectures features"], embedding: Float[np.ndarray, " dimensions"]
    ) -> tuple[float, ...]:
        """Share of the units of each hidden layer that are not 0 for every pair of these (few) architectures."""
        units = self._units(*self._first_layer(encodings, encodings, embedding))
        return tuple(float((layer > 0).any(axis=0).mean()) for layer in units)

    def _first_layer(
        self, encodings: np.ndarray, others: np.ndarray, embedding: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        features = encodings.shape[1]
        expected = len(self.weights[0]) - 2 * features
        if len(embedding) != expected:
            raise ConfigurationError(
                f"this ranker was trained on embeddings of {expected} numbers and two encodings of {features}; got an "
                f"embedding of {len(embedding)}"
            )
        first, second, task = np.split(self.weights[0], [features, 2 * features])
        ours = encodings.astype(np.float32) @ first + unit_length(embedding) @ task + self.biases[0]
        return ours, others.astype(np.float32) @ second

    def _units(self, ours: np.ndarray, theirs: np.ndarray) -> Iterator[np.ndarray]:
        units = np.maximum(ours[:, None] + theirs, 0).reshape(len(ours) * len(theirs), -1)
        yield units
        for weight, bias in zip(self.weights[1:-1], self.biases[1:-1], strict=True):
            units = np.maximum(units @ weight + bias, 0)
            yield units


def unit_length(embedding: Float[np.ndarray, " dimensions"]) -> Float32[np.ndarray, " dimensions"]:
    """The embedding divided by its Euclidean length; without a direction it raises MeasurementError."""
    length = float(np.linalg.norm(embedding))
    if not 0 < length < np.inf:
        raise MeasurementError(f"a task embedding has a finite length above 0; got {length}; embed the task again")
    return np.asarray(embedding / length, dtype=np.float32)
