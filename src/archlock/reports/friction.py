"""The record of a release with friction (``friction.json``): what was done, and what attackers get of both forms."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

Form = Literal["original", "friction"]
FORMS: Final[tuple[Form, ...]] = ("original", "friction")
Panel = Literal["naive", "informed"]
FRICTION_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class FrictionTrial:
    """One attack on one form of the model."""

    attacker: str
    panel: Panel
    form: Form
    seed: int
    test: float | None
    """Accuracy on the test split; None where it failed."""
    setting: str = ""
    """The best setting by validation, in words."""
    note: str = ""
    """Why there is no score."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FrictionRecord:
    """A release with friction."""

    schema: int
    created: str
    command: str
    versions: dict[str, str]
    name: str
    """Of the model."""
    folded: int
    """Normalisations that became part of the layer before them."""
    rescaled: int
    """Layers whose channels were rescaled."""
    spread: float
    """Standard deviation of the logarithm of the scales."""
    features: int
    """That the head took."""
    neck: int | None
    """That it takes now; None where they were not narrowed."""
    left: tuple[str, ...]
    """What could not be done, and why."""
    difference: float
    """Largest difference of an answer, as a share of the largest one."""
    compared_on: str
    """The images on which that was seen, in words."""
    seconds: float
    """That the edits and the comparison took."""
    opened_with: str = ""
    """What must be said besides the folder to open it: ``--module ...`` of a stranger's module."""
    target: str | None = None
    """Data that the attackers wanted the model for; None: nothing was measured."""
    chance: float = 0.0
    """Accuracy of the commonest class on the target."""
    images: int = 0
    """Training images of the attackers."""
    tested_on: int = 0
    """Test images."""
    epochs: int = 0
    trials: tuple[FrictionTrial, ...] = ()

    def scores(self, attacker: str, form: Form) -> tuple[float, ...]:
        """Test scores of one attacker on one form, of the seeds that have one."""
        found = (one for one in self.trials if (one.attacker, one.form) == (attacker, form))
        return tuple(one.test for one in found if one.test is not None)

    def mean(self, attacker: str, form: Form) -> float | None:
        """Mean over seeds; None where no seed has a score."""
        scores = self.scores(attacker, form)
        return float(np.mean(scores)) if scores else None

    def best(self, panel: Panel, form: Form) -> tuple[str, float] | None:
        """The attacker of a panel with the highest mean on a form, and that mean; None where none has one."""
        means = [(one, self.mean(one, form)) for one in self.attackers(panel)]
        known = [(one, mean) for one, mean in means if mean is not None]
        return max(known, key=lambda one: one[1]) if known else None

    def attackers(self, panel: Panel) -> tuple[str, ...]:
        """Attackers of a panel in the order in which they were let loose."""
        return tuple(dict.fromkeys(one.attacker for one in self.trials if one.panel == panel))
