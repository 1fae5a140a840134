"""From a budget to a plan of work: how many candidates, how long the trainings, how strong the attackers.

The plan is made once per run and written down. A budget in trainings gives the same plan on every machine; a budget in
minutes is turned into one by timing a candidate and a full-size training step here, and fixed from then on.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from archlock.adaptation import AdaptationSettings
from archlock.errors import ConfigurationError
from archlock.execution import one_thread
from archlock.models import build
from archlock.recipes.budget import Budget
from archlock.spaces import Architecture
from archlock.tasks import Task, subsample
from archlock.training import Plan, fit

EVIDENCE_SHARE, FINALIST_SHARE, ATTACK_SHARE = 0.30, 0.40, 0.25
"""Shares of a budget in minutes; the rest is overhead (starting workers, reading data, the report)."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a run will do, in numbers. ``plan.json`` of the run directory."""

    candidates: int
    """Architectures on which evidence is bought."""
    rounds: int
    """In so many rounds, each one choosing by what the ones before it found."""
    evidence_shape: tuple[int, int, int]
    """Size of the images in adaptation evidence: channels, height, width."""
    source_examples: int
    target_examples: int
    evidence: AdaptationSettings
    finalists: int
    final: AdaptationSettings
    """How finalists and the released model are trained."""
    attack_plan: Plan
    attack_examples: int
    """Most training examples of a target an attacker gets at fraction 1."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What an allocation depends on besides the budget."""

    workers: int
    targets: int
    """Targets that the search sees."""
    attacked: int
    """Targets that are attacked in the end."""
    largest_target: int
    """Training examples of the largest of them."""
    seeds: int
    width: int
    depth: int
    epochs: int | None
    flip: bool
    trials: int
    """Trainings of the attackers per model and target, data fractions included, in units of one full fraction."""


def evidence_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Half the size of the images where that leaves 16 pixels, else 16, else what there is; at most 32."""
    channels, height, width = shape

    def side(pixels: int) -> int:
        return min(32, max(min(pixels, 16), pixels // 2))

    return channels, side(height), side(width)


def allocate(budget: Budget, source: Task, scale: Scale, time_candidate: Callable[[Allocation], float]) -> Allocation:
    """The plan of a run. ``time_candidate`` measures the seconds of one candidate under a draft of the plan."""
    draft = _default(source, scale, candidates=int(budget.amount) if budget.unit == "trainings" else 1)
    if budget.unit == "trainings":
        if draft.candidates < 8:
            raise ConfigurationError(f"a budget of {budget} is too small to learn from; give at least 8 trainings")
        return draft
    seconds = budget.amount * 60 * scale.workers
    candidates = int(EVIDENCE_SHARE * seconds / time_candidate(draft))
    per_image = _seconds_per_image(source, scale)
    trainings = draft.finalists + 2 * (scale.seeds - 1)
    images = FINALIST_SHARE * seconds / per_image / trainings
    final_epochs = scale.epochs or int(images / (1.3 * len(source.train)))
    attack_images = ATTACK_SHARE * seconds / per_image / (2 * scale.trials * max(1, scale.attacked))
    examples = min(scale.largest_target, max(300, int(attack_images / 6)))
    attack_epochs = int(attack_images / max(1, examples))
    if candidates < 8 or final_epochs < 2 or attack_epochs < 1:
        needed = budget.amount * max(8 / max(candidates, 0.5), 2 / max(final_epochs, 0.5), 1 / max(attack_epochs, 0.5))
        raise ConfigurationError(
            f"a budget of {budget} is too small for this data on {scale.workers} workers: it pays {candidates} candidates, "
            f"{final_epochs} epochs of full training and {attack_epochs} epochs of attack; give about "
            f"{max(needed, budget.amount * 1.5):.0f} minutes, or smaller images or a smaller --width"
        )
    return _default(
        source,
        scale,
        candidates=min(candidates, 600),
        final_epochs=min(final_epochs, 200),
        attack_epochs=min(attack_epochs, 40),
        attack_examples=examples,
    )


def _default(
    source: Task,
    scale: Scale,
    *,
    candidates: int,
    final_epochs: int | None = None,
    attack_epochs: int | None = None,
    attack_examples: int | None = None,
) -> Allocation:
    source_examples, target_examples = min(3000, len(source.train)), min(1000, len(source.train))
    shape = evidence_shape(source.shape)
    short = Plan(_epochs(24_000, source_examples, 4, 12), shift=0.0 if min(shape[1:]) < 12 else 0.125)
    adapt = Plan(_epochs(6_000, target_examples, 3, 6), learning_rate=0.05, shift=0.0)
    long_epochs = final_epochs or scale.epochs or _epochs(100_000, len(source.train), 10, 40)
    shift = 0.06 if min(source.shape[1:]) < 12 else 0.125
    return Allocation(
        candidates=candidates,
        rounds=1 if candidates < 16 else 3,
        evidence_shape=shape,
        source_examples=source_examples,
        target_examples=target_examples,
        evidence=AdaptationSettings(min(8, scale.width), scale.depth, short, adapt),
        finalists=min(8, max(4, candidates // 10)),
        final=AdaptationSettings(scale.width, scale.depth, Plan(long_epochs, shift=shift, flip=scale.flip), adapt),
        attack_plan=Plan(attack_epochs or _epochs(12_000, scale.largest_target, 6, 20), shift=0.0),
        attack_examples=attack_examples or scale.largest_target,
    )


def _epochs(images: int, examples: int, least: int, most: int) -> int:
    return min(most, max(least, round(images / max(1, examples))))


def _seconds_per_image(source: Task, scale: Scale) -> float:
    """Seconds of one thread for one training image of the heaviest cell at full size, measured here."""
    heaviest = Architecture("nasbench201", "333333")
    model = build(heaviest, source.signature, width=scale.width, depth=scale.depth, seed=0)
    sample = subsample(source, min(256, len(source.train)), seed=0)
    with one_thread():
        fit(model, sample, Plan(1), seed=0)
        began = time.perf_counter()
        fit(model, sample, Plan(1, patience=None), seed=0)
    return (time.perf_counter() - began) / len(sample.train)
