"""What a transferability estimate is: a number read off features and labels of a target task, higher is better.

Nothing is trained but what has a closed form or a handful of steps. :meth:`Estimate.estimate` is the same for all of
them and keeps the promises; a member only has the formula.
"""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, Literal, final

import numpy as np

from archlock.errors import MeasurementError, UnsupportedError
from archlock.tasks import WITH_CLASSES, Kind
from archlock.transferability.features import Features

Need = Literal["features", "source_probabilities"]
"""What an estimate reads beside the labels."""

CONSTANT = 1e-6
"""Features that differ by less than this share of the largest one are the same: they come from single precision."""


class Estimate(ABC):
    """A transferability estimate. Members hold nothing but their settings; one instance serves everybody.

    Values of one estimate compare models on the same examples of the same task; they do not compare estimates, and
    rarely tasks.
    """

    name: ClassVar[str]
    """Name in the catalog ``archlock.transferability.ESTIMATES``."""
    paper: ClassVar[str]
    """Authors, title, venue."""
    unit: ClassVar[str]
    """What the number counts, in words."""
    kinds: ClassVar[frozenset[Kind]] = WITH_CLASSES
    """Kinds of target that it has a meaning for."""
    needs: ClassVar[Need] = "features"
    uses_chance: ClassVar[bool] = False
    """Whether the seed makes a difference."""

    def supports(self, kind: Kind) -> bool:
        """Whether it has a meaning for targets of this kind."""
        return kind in self.kinds

    @final
    def estimate(self, features: Features, *, seed: int) -> float:
        """The value, a finite float; the names of the classes play no part in it.

        Raises UnsupportedError where the estimate needs the answers of a source head and there are none, and
        MeasurementError, with the estimate's name, where there is no value: examples of one class only, features that
        are the same for all examples, a formula without a finite value.
        """
        if len(features.present) < 2:
            raise MeasurementError(
                f"{self.name} has no value: all {len(features)} examples are of class {features.present[0]}; give "
                "examples of at least two classes"
            )
        if self.needs == "features" and _constant(features.features):
            raise MeasurementError(
                f"{self.name} has no value: the features are the same for all {len(features)} examples; is the model "
                "disconnected, or are all its units dead?"
            )
        try:
            value = float(self.score(features, seed=seed))
        except UnsupportedError as error:
            raise UnsupportedError(f"{self.name} has no meaning here: {error}") from error
        except (MeasurementError, ValueError, np.linalg.LinAlgError) as error:
            raise MeasurementError(f"{self.name} has no value: {error}") from error
        if not math.isfinite(value):
            raise MeasurementError(f"{self.name} has no value: expected a finite number, got {value}")
        return value

    @abstractmethod
    def score(self, features: Features, *, seed: int) -> float:
        """The formula, for at least two classes that have examples, and features that vary if it needs features."""


def _constant(features: np.ndarray) -> bool:
    return bool(np.ptp(features, axis=0).max() <= CONSTANT * np.abs(features).max())
