"""What an estimate looks at: a trained model's features of a labelled target task, with the answers of its own head."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features and labels of N examples, born valid: shapes agree, all is finite, labels are in range.

    The arrays are float64 and int64 copies that cannot be written to. What does not fit together raises
    ConfigurationError; numbers that are not finite raise MeasurementError.
    """

    features: np.ndarray
    """What goes into the head: N x d."""
    labels: np.ndarray
    """Target labels: N integers in [0, classes)."""
    classes: int
    """How many classes the target task has; some may be without examples."""
    source_probabilities: np.ndarray | None = None
    """What the model's own head says of the images, N x K, rows that sum to 1; None where it has no such head."""

    def __post_init__(self) -> None:
        features = _frozen(self.features, np.float64)
        if features.ndim != 2 or 0 in features.shape:
            raise ConfigurationError(f"features must be examples x features, at least 1 x 1; got {features.shape}")
        if not np.isfinite(features).all():
            raise MeasurementError("the features of the model are not finite numbers; its training has diverged")
        object.__setattr__(self, "features", features)
        if not np.issubdtype(np.asarray(self.labels).dtype, np.integer):
            raise ConfigurationError(f"labels must be integers; got {np.asarray(self.labels).dtype}")
        labels = _frozen(self.labels, np.int64)
        if labels.shape != (len(features),):
            raise ConfigurationError(f"{len(features)} rows of features need as many labels; got {labels.shape}")
        if labels.min() < 0 or labels.max() >= self.classes:
            raise ConfigurationError(
                f"labels run from {labels.min()} to {labels.max()}, but there are {self.classes} classes"
            )
        object.__setattr__(self, "labels", labels)
        if self.source_probabilities is not None:
            object.__setattr__(self, "source_probabilities", self._probabilities(self.source_probabilities))

    def __len__(self) -> int:
        return len(self.features)

    @property
    def present(self) -> tuple[int, ...]:
        """The classes that have examples, in ascending order."""
        return tuple(np.unique(self.labels).tolist())

    @property
    def places(self) -> Int64[np.ndarray, " examples"]:
        """The label of each example as its place in :attr:`present`: a class without examples has no place."""
        return np.searchsorted(np.asarray(self.present), self.labels).astype(np.int64)

    @property
    def sources(self) -> Float64[np.ndarray, "examples outputs"]:
        """The source probabilities; UnsupportedError where there are none."""
        if self.source_probabilities is None:
            raise UnsupportedError(
                "the model has no head for at least two source classes, so it says nothing of them; use an estimate "
                "that needs features alone"
            )
        return self.source_probabilities

    def _probabilities(self, given: np.ndarray) -> np.ndarray:
        probabilities = _frozen(given, np.float64)
        if probabilities.ndim != 2 or len(probabilities) != len(self.features) or probabilities.shape[1] < 2:
            raise ConfigurationError(
                f"source probabilities must be {len(self.features)} examples x at least 2 classes; got "
                f"{probabilities.shape}"
            )
        if not np.isfinite(probabilities).all():
            raise MeasurementError("the answers of the model are not finite numbers; its training has diverged")
        sums = probabilities.sum(1)
        if probabilities.min() < 0 or np.abs(sums - 1).max() > 1e-6:
            raise ConfigurationError(
                "source probabilities must not be negative and must sum to 1 in every row; got a least value of "
                f"{probabilities.min():.3g} and sums from {sums.min():.6g} to {sums.max():.6g}"
            )
        return probabilities


def _frozen(array: np.ndarray, kind: type[np.generic]) -> np.ndarray:
    copy = np.array(array, dtype=kind)
    copy.flags.writeable = False
    return copy
