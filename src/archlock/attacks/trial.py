"""One trial of an attack: what comes of one setting, and the ways to make it that most attackers share."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import nn

from archlock.tasks import Task
from archlock.training import HeadMaker, Plan, Probed, Trained, fit, frozen_features, logistic_heads

CLIP = 1.0
"""Largest norm of a gradient in trainings from a fitted head: these survive rates that would be too high otherwise.
(From a random head the first gradients are large, and clipping them costs more than it saves.)"""


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """A model after one trial of an attack, with its score on the attacker's validation split."""

    model: nn.Module
    validation: float
    curve: tuple[float, ...] = ()
    """Validation scores at even distances of the training, the last one at its end: every epoch if the plan says
    ``watch``. What was reached without a step (a fitted head) is not in it."""
    steps: int | None = None
    """Steps of the optimiser that it took, 0 for a fitted head; None if the attack does not count them."""
    flops: int | None = None
    """Floating-point operations that it took; None if the attack does not count them."""

    @classmethod
    def by(cls, trained: Trained) -> "Adapted":
        """What one training made, with all that it counted."""
        return cls(trained.model, trained.validation, trained.curve, trained.steps, trained.flops)

    @classmethod
    def fitted(cls, probed: Probed) -> "Adapted":
        """A fitted head and nothing else."""
        return cls(probed.model, probed.validation, steps=0, flops=probed.flops)

    @classmethod
    def better_of(cls, probed: Probed, trained: Trained) -> "Adapted":
        """A fitted head, or what was trained from it if that is no worse on validation; with what it cost."""
        if probed.validation > trained.validation:
            return cls.fitted(probed)
        flops = None if trained.flops is None else probed.flops + trained.flops
        return replace(cls.by(trained), flops=flops)


Trial = Callable[[float, Plan], Adapted]
"""Makes a trial of a setting's value; the plan has its optimiser and its length already."""


def training_from(
    model: nn.Module,
    task: Task,
    *,
    trains: tuple[str, ...] | None = None,
    seed: int,
    device: str,
) -> Trial:
    """Trials that each train ``model`` on ``task`` at the setting's learning rate (``trains``: see ``fit``)."""

    def trial(rate: float, plan: Plan) -> Adapted:
        return Adapted.by(fit(model, task, plan.with_rate(rate), trains=trains, seed=seed, device=device))

    return trial


def training_from_head(probed: Probed, task: Task, *, seed: int, device: str) -> Trial:
    """Trials that each train all weights from a fitted head on; the better of the two models counts.

    So does its cost: that of the head alone where it was the better one.
    """

    def trial(rate: float, plan: Plan) -> Adapted:
        own = replace(plan.with_rate(rate), clip=CLIP)
        return Adapted.better_of(probed, fit(probed.model, task, own, seed=seed, device=device))

    return trial


def probing(model: nn.Module, task: Task, *, heads: HeadMaker = logistic_heads, seed: int, device: str) -> Trial:
    """Trials that each fit a head of the setting's strength on the same frozen features (``heads``: see ``probe``)."""
    frozen = frozen_features(model, task, seed=seed, device=device)

    def trial(strength: float, plan: Plan) -> Adapted:  # noqa: ARG001  (a probe has none)
        return Adapted.fitted(frozen.probe((strength,), heads, device=device))

    return trial
