"""From a budget to a plan of work: how many candidates, how long the trainings, how strong the attackers.

The plan is made once per run and written down. A budget in trainings gives the same plan on every machine; a budget in
minutes is turned into one by timing a candidate and a full-size training step here, and is fixed from then on.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from archlock.adaptation import AdaptationSettings
from archlock.errors import ConfigurationError
from archlock.execution import one_thread
from archlock.models import build
from archlock.recipes.config import LockConfig
from archlock.recipes.suite import Suite, attack_plan
from archlock.spaces import SPACES
from archlock.tasks import Task, subsample
from archlock.training import Plan, fit

EVIDENCE_SHARE, FINALIST_SHARE, ATTACK_SHARE = 0.25, 0.33, 0.35
"""Shares of a budget in minutes; the rest is overhead (starting workers, reading data, the report)."""
FEWEST_CANDIDATES = 8
ADAPTATION_SHARE = 1.3
"""What a finalist costs beyond its training on the source: adapting it to the known targets."""


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
class Workload:
    """What an allocation depends on besides configuration and source."""

    workers: int
    attacked: int
    """Targets that are attacked in the end."""
    largest_target: int
    """Training examples of the largest of them, as far as is known."""


def allocate(
    config: LockConfig, source: Task, workload: Workload, seconds_a_candidate: Callable[[Allocation], float]
) -> Allocation:
    """The plan of a run. ``seconds_a_candidate`` times the evidence on one architecture under a draft of the plan.

    A budget that does not pay for a run that means anything raises ConfigurationError and says what would.
    """
    draft = _default(config, source, workload)
    if config.budget.unit == "trainings":
        if config.budget.amount < FEWEST_CANDIDATES:
            raise ConfigurationError(
                f"a budget of {config.budget} is too small to learn from; give at least {FEWEST_CANDIDATES} trainings"
            )
        return _with_candidates(draft, int(config.budget.amount))
    seconds = config.budget.amount * 60 * workload.workers
    candidates = int(EVIDENCE_SHARE * seconds / seconds_a_candidate(draft))
    plan = _with_candidates(draft, min(max(candidates, FEWEST_CANDIDATES), 600))
    per_image = _seconds_per_image(config, source)
    trainings = plan.finalists * ADAPTATION_SHARE + 2 * (config.attack_seeds - 1)
    epochs = config.epochs or int(FINALIST_SHARE * seconds / per_image / trainings / len(source.train))
    suite = Suite(plan.attack_plan, fractions=config.fractions, seeds=config.attack_seeds)
    images = ATTACK_SHARE * seconds / per_image / (2 * suite.full_trainings * max(1, workload.attacked))
    examples = min(workload.largest_target, max(300, int(images / 6)))
    attack_epochs = int(images / examples)
    if candidates < FEWEST_CANDIDATES or epochs < 2 or attack_epochs < 1:
        lacking = max(FEWEST_CANDIDATES / max(candidates, 0.5), 2 / max(epochs, 0.5), 1 / max(attack_epochs, 0.5))
        raise ConfigurationError(
            f"a budget of {config.budget} is too small for this data on {workload.workers} workers: it pays "
            f"{candidates} candidates, {epochs} epochs of full training and {attack_epochs} epochs of attack; give "
            f"about {config.budget.amount * max(lacking, 1.5):.0f} minutes, or smaller images, or a smaller --width"
        )
    return replace(
        plan,
        final=replace(plan.final, source_plan=replace(plan.final.source_plan, epochs=min(epochs, 200))),
        attack_plan=replace(plan.attack_plan, epochs=min(attack_epochs, 40)),
        attack_examples=examples,
    )


def evidence_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Half the size of the images where that leaves 16 pixels, else 16, else what there is; at most 32."""
    channels, *sides = shape
    height, width = (min(32, max(min(side, 16), side // 2)) for side in sides)
    return channels, height, width


def _default(config: LockConfig, source: Task, workload: Workload) -> Allocation:
    """The plan without a clock, but for the number of candidates."""
    examples = len(source.train)
    tiny = min(source.shape[1:]) < 12
    short = Plan(_epochs(24_000, min(3000, examples), 4, 12), shift=0.0 if tiny else 0.125)
    adapt = Plan(_epochs(8_000, min(1000, examples), 4, 8), batch_size=32, learning_rate=0.05, shift=0.0)
    full = Plan(config.epochs or _epochs(100_000, examples, 10, 40), shift=0.06 if tiny else 0.125, flip=config.flip)
    return Allocation(
        candidates=FEWEST_CANDIDATES,
        rounds=1,
        evidence_shape=evidence_shape(source.shape),
        source_examples=min(3000, examples),
        target_examples=min(1000, examples),
        evidence=AdaptationSettings(min(8, config.width), config.depth, short, adapt),
        finalists=4,
        final=AdaptationSettings(config.width, config.depth, full, adapt),
        attack_plan=attack_plan(workload.largest_target),
        attack_examples=workload.largest_target,
    )


def _with_candidates(plan: Allocation, candidates: int) -> Allocation:
    return replace(
        plan,
        candidates=candidates,
        rounds=1 if candidates < 16 else 3,
        finalists=min(8, max(4, candidates // 10)),
    )


def _epochs(images: int, examples: int, least: int, most: int) -> int:
    return min(most, max(least, round(images / max(1, examples))))


def _seconds_per_image(config: LockConfig, source: Task) -> float:
    """Seconds of one thread for one training image of a heavy architecture at full size, measured here."""
    *_, heavy = SPACES[config.space].enumerate()
    if config.space == "nasbench201":
        heavy = SPACES[config.space].architecture("333333")
    model = build(heavy, source.signature, width=config.width, depth=config.depth, seed=0)
    sample = subsample(source, 256, seed=0)
    seconds = []
    with one_thread():
        for epochs in (1, 1, 3):  # once to warm up; the difference of the others leaves out what is not training
            began = time.perf_counter()
            fit(model, sample, Plan(epochs), seed=0)
            seconds.append(time.perf_counter() - began)
    return max(seconds[2] - seconds[1], 1e-6) / (2 * len(sample.train))
