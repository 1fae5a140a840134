"""Several estimates of one model on one task: features are read once, and one that fails does not stop the others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from archlock.errors import MeasurementError, UnsupportedError
from archlock.evidence import Status
from archlock.tasks import Task
from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features


@dataclass(frozen=True, slots=True)
class EstimateValue:
    """What came of one estimate; ``value`` is NaN exactly when ``status`` is not "valid"."""

    name: str
    value: float
    status: Status = "valid"
    note: str = ""
    """Why there is no value; empty when there is one."""

    def __post_init__(self) -> None:
        if (self.status == "valid") != math.isfinite(self.value):
            raise MeasurementError(f"a valid value is finite and a {self.status} one is not; got {self.value}")


def values_of(estimates: Mapping[str, Estimate], features: Features, *, seed: int) -> tuple[EstimateValue, ...]:
    """The value of every estimate, in the given order; nothing is raised for one that has none."""
    return tuple(_value(name, estimate, features, seed) for name, estimate in estimates.items())


def none_of(estimates: Mapping[str, Estimate], task: Task) -> tuple[EstimateValue, ...]:
    """What is said where no estimate has a meaning for such a task."""
    note = f"has no meaning for a {task.kind} task ({task.name}); estimates compare features with class labels"
    return tuple(EstimateValue(name, math.nan, "unsupported", f"{name} {note}") for name in estimates)


def _value(name: str, estimate: Estimate, features: Features, seed: int) -> EstimateValue:
    try:
        return EstimateValue(name, estimate.estimate(features, seed=seed))
    except UnsupportedError as error:
        return EstimateValue(name, math.nan, "unsupported", str(error))
    except MeasurementError as error:
        return EstimateValue(name, math.nan, "failed", str(error))
