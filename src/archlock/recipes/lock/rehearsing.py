"""Evidence of attackers who mean it: what somebody with few examples of a target gets out of a trained candidate.

An attacker who has a handful of examples of each class gets more from a probe of the best layer, or from fitting the
head first, than from a fine-tuning at one rate; and what a fine-tuning on many examples gains says little of that. So
the owner rehearses those attacks: with as many examples as the real attackers will have, judged by the validation split
of the known target, which is finer than what attackers choose by. Which examples these are makes more difference than
most choices of an architecture do, so several draws of them are met, the same by all candidates with a seed.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Final

import numpy as np
from torch import nn

from archlock.adaptation import AdaptationSettings
from archlock.attacks import ATTACKS, Attack
from archlock.errors import MeasurementError, UnsupportedError
from archlock.evidence import Key, Measurement, Status, fidelity_name
from archlock.execution import computed_on
from archlock.identity import identity_of
from archlock.recipes.attackers import attack_plan
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Task, rehearsal

REHEARSED: Final = "rehearsed_accuracy"
ATTACKERS: Final = ("best_layer_probe", "lp_ft")
"""Who is rehearsed: the cheapest informed attack, and the one that is seldom far below the best."""


@dataclass(frozen=True, slots=True)
class Rehearsals:
    """How attacks on a candidate are rehearsed; targets are classification tasks (:func:`check_rehearsable`)."""

    shots: int
    """Examples of each class that there are to train on."""
    attackers: tuple[str, ...] = ATTACKERS
    draws: int = 2
    """How often other examples are drawn; the mean counts."""

    @property
    def short(self) -> "Rehearsals":
        """What short trainings are attacked by: the probe alone."""
        return replace(self, attackers=ATTACKERS[:1])

    def key(
        self,
        architecture: Architecture,
        task: Task,
        settings: AdaptationSettings,
        source: Task,
        *,
        seed: int,
        device: str,
    ) -> Key:
        """Where the value is in the store."""
        who = [identity_of(ATTACKS[name], base=Attack) for name in self.attackers]
        said = fingerprint([settings, source.fingerprint, self.shots, who, self.draws])
        fidelity = fidelity_name("rehearsal", said, computed=computed_on(device))
        return Key(str(architecture), task.fingerprint, REHEARSED, "validation", fidelity, seed)

    def measure(
        self, model: nn.Module | None, keys: Mapping[Key, Task], *, seed: int, device: str
    ) -> Iterator[Measurement]:
        """On every target the score of the attacker who is best by what they choose by, mean over the draws; None is no
        model to attack."""
        for key, task in keys.items():
            began = time.perf_counter()
            status: Status = "valid"
            try:
                every = [self._strongest(model, task, draw, seed=seed, device=device) for draw in range(self.draws)]
                score, note = mean(score for score, _ in every), "; ".join(note for _, note in every)
            except MeasurementError as error:
                score, status, note = math.nan, "failed", str(error)
            yield Measurement(key, score, task.unit, time.perf_counter() - began, status, note)

    def _strongest(
        self, model: nn.Module | None, task: Task, draw: int, *, seed: int, device: str
    ) -> tuple[float, str]:
        if model is None:
            raise MeasurementError("the training on the source had failed")
        own_seed = derive_seed(seed, "rehearsal", task.fingerprint, draw)
        seen = rehearsal(task, self.shots, seed=own_seed)
        plan = attack_plan(len(seen.train), size=task.shape[1:])
        outcomes, errors = [], []
        for name in self.attackers:
            try:
                outcomes.append(ATTACKS[name].run(model, seen, plan=plan, seed=own_seed, device=device))
            except MeasurementError as error:  # (a failed attack is below every other)
                errors.append(str(error))
        if not outcomes:
            raise MeasurementError("; ".join(errors))
        best = max(outcomes, key=lambda one: one.validation)
        return best.test, f"{best.attacker}, {best.setting.words(ATTACKS[best.attacker].tuned)}"


def fewest_examples(targets: Sequence[Task], shots: Sequence[int], fractions: Sequence[float], most: int) -> int:
    """Of each class, that any attacker will have of any of the targets; ``most`` of a target at the fraction 1."""
    shares = [
        max(1, int(fraction * min(most, len(task.train)) / len(task.classes)))
        for task in targets
        for fraction in fractions
    ]
    return min((*shots, *shares))


def check_rehearsable(targets: Sequence[Task]) -> None:
    """UnsupportedError for a target without classes, of which nobody has a few of each, for one of groups that belong
    together, and for one of single examples."""
    for task in targets:
        if not task.traits.has_classes:
            raise UnsupportedError(
                f"attacks on {task.name!r} cannot be rehearsed: it is a {task.kind} task, without a few of each "
                "class; use evidence adaptation"
            )
        if task.train.groups is not None:
            raise UnsupportedError(
                f"attacks on {task.name!r} cannot be rehearsed: its examples belong together in groups, which a few of "
                "each class would tear apart; use evidence adaptation"
            )
        if np.bincount(np.asarray(task.train.targets)).max() < 2:
            raise UnsupportedError(
                f"attacks on {task.name!r} cannot be rehearsed: it has one training example of each class, and nothing "
                "is left to choose by; use evidence adaptation"
            )
