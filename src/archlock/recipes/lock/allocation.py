"""From a budget to a plan of work: how many candidates, how long the trainings, how strong the attackers.

The plan is made once per run and written down. A budget in trainings gives the same plan on every machine; a budget in
minutes is turned into one by timing a candidate and a full-size training step here, and is fixed from then on.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from archlock.errors import ConfigurationError
from archlock.execution import one_thread
from archlock.models import build
from archlock.recipes.attackers import suite_of
from archlock.recipes.engine.market import MOST_CANDIDATES, sampled
from archlock.recipes.further_training import MOST_EXAMPLES, full_further_trainings
from archlock.recipes.limits.filtering import connected, kept_among
from archlock.recipes.limits.forecast import Networks
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.plan import (
    FEW_EXAMPLES,
    FEWEST_CANDIDATES,
    Allocation,
    Workload,
    with_candidates,
    without_clock,
)
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Form, Task, conform, share_of
from archlock.training import Plan, fit, precision_on, sized_for

EVIDENCE_SHARE, FINALIST_SHARE, ATTACK_SHARE = 0.25, 0.33, 0.35
"""Shares of a budget in minutes, further training being among the attacks; the rest is overhead (starting workers,
reading data, the report)."""
ENOUGH_CANDIDATES = 24
"""Below which short trainings see few images of a large source instead of all."""
LEAST_EPOCHS = 3
"""Of full training, below which a plan means nothing."""
ENOUGH_EPOCHS = 10
"""Epochs of full training below which images are made smaller."""
TYPICAL = 0.75
"""What a finalist costs against the heaviest architecture: ordinary ones are heavy, locks often lighter."""
ADAPTED = 1.3
"""What a full training costs with its adaptation to the known targets, where one on the source alone costs 1.
Rehearsals are timed instead."""
SOURCE_ONLY_SHARE = 0.3
"""What short trainings of the search without targets cost beside those of the other: no adaptation, and half of them
are the same."""
SOURCE_ONLY_SHARE_ONCE = 0.45
"""And where they see all of a large source, so that adaptation is the smaller part."""
CHOICES_CONFIRMED = 1.5
"""Architectures that a search trains with every seed until its choice stands: one, or one that promised more, too."""
DRAWN_FOR_THE_HEAVIEST = 2000
TIMED_PIXELS = 256 * 64 * 64
"""In the images that a step of full training is timed with: 256 of 64 x 64, fewer of larger, at least 32."""
DRAWS_AN_ARM = 1.5
"""First trainings that it takes to find a random architecture that keeps the floor: one, or a few."""


Seconds = Callable[[Task, Allocation], float]
"""Times something on the source at the size of a draft of the plan: (source, draft)."""


def nothing(source: Task, draft: Allocation) -> float:  # noqa: ARG001
    """What is not done takes no time."""
    return 0.0


def allocate(
    config: LockConfig,
    source: Task,
    workload: Workload,
    seconds_a_candidate: Seconds,
    seconds_rehearsing: Seconds = nothing,
) -> Allocation:
    """The plan of a run. ``seconds_a_candidate`` times the evidence on one architecture, ``seconds_rehearsing`` the
    attacks that are rehearsed on one full training.

    Where the budget does not pay for enough training on images of this size, they are halved (not below 16 pixels),
    unless the owner fixed their size. A budget that does not pay for a run that means anything raises
    ConfigurationError and says what would.
    """
    if config.budget.unit == "trainings":
        if config.budget.amount < FEWEST_CANDIDATES:
            raise ConfigurationError(
                f"a budget of {config.budget} is too small to learn from; give at least {FEWEST_CANDIDATES} trainings"
            )
        return with_candidates(without_clock(config, source, workload), int(config.budget.amount), config)
    shape = source.shape
    while True:
        sized = conform(source, shape)
        plan, over = _paid(config, sized, workload, seconds_a_candidate, seconds_rehearsing)
        smaller = _halved(shape)
        if plan.final.source_plan.epochs >= ENOUGH_EPOCHS or config.keep_size or config.epochs or smaller == shape:
            return _checked(replace(plan, original_shape=source.shape), config, workload, source.form, over=over)
        shape = smaller


def _paid(
    config: LockConfig, source: Task, workload: Workload, seconds_a_candidate: Seconds, seconds_rehearsing: Seconds
) -> tuple[Allocation, float]:
    """What the minutes of a budget pay at this image size; numbers may be too small to mean anything.

    And how much of their share the fewest full trainings that mean something take; 0 where the owner fixed them.
    """
    seconds = config.budget.amount * 60 * workload.workers
    share = EVIDENCE_SHARE * seconds
    draft = without_clock(config, source, workload)
    candidates = int(share / seconds_a_candidate(source, draft) / _searches(config, draft))
    if candidates < ENOUGH_CANDIDATES and draft.source_examples > FEW_EXAMPLES:
        draft = without_clock(config, source, workload, once=False)
        candidates = int(share / seconds_a_candidate(source, draft) / _searches(config, draft))
    plan = with_candidates(draft, min(candidates, 600), config)
    per_image, models = _seconds_per_image(config, source), 2 + len(config.arms)
    suite = suite_of(config, plan.attack_plan, seeds=config.attack_seeds)
    trainings = 1 if config.nontransferable is None else 2  # (then the plainly trained are attacked, too)

    def images_with(lighter: float) -> float:
        """Of one attack, where further training has that share of an attacker's images."""
        further = lighter * full_further_trainings(config.attack_seeds)
        attacks = models * (trainings * suite.full_trainings * max(1, workload.attacked) + further)
        return ATTACK_SHARE * seconds / per_image / attacks

    examples = min(workload.largest_target, max(300, int(images_with(1.0) / 6)))
    images = images_with(min(1.0, MOST_EXAMPLES / examples))
    plan = replace(plan, attack_examples=examples)
    rehearsing = _rehearsed(config, plan.finalists) * seconds_rehearsing(source, plan)
    epoch = per_image * _full_trainings(config, plan.finalists) * len(source.train)
    share = FINALIST_SHARE * seconds
    epochs = config.epochs or int((share - rehearsing) / epoch)
    over = 0.0 if config.epochs else (rehearsing + LEAST_EPOCHS * epoch) / share
    planned = replace(
        plan,
        final=replace(plan.final, source_plan=replace(plan.final.source_plan, epochs=min(max(epochs, 1), 200))),
        attack_plan=replace(plan.attack_plan, epochs=min(max(int(images / examples), 1), 40)),
    )
    return planned, over


def _searches(config: LockConfig, draft: Allocation) -> float:
    """What short trainings of a run cost, in those of the search against targets."""
    if config.scheme == "s" or config.evidence == "zero_cost":  # (proxies of both searches are the same)
        return 1.0
    once = draft.source_examples > FEW_EXAMPLES
    return 1 + (SOURCE_ONLY_SHARE_ONCE if once else SOURCE_ONLY_SHARE) + ("nsga2" in config.arms)


def _full_trainings(config: LockConfig, finalists: int) -> float:
    """Full trainings of a run, in those on the source alone.

    Each of the two searches has its finalists and trains its choice with the other seeds; the one against targets
    adapts all that it trains and what the other one shares. Scheme S is one search, and with zero-cost evidence neither
    adapts. Random arms are drawn and trained with the other seeds; NSGA-II has finalists of its own and confirms its
    choice. A nontransferable training costs every released network its training once more.
    """
    others = config.attack_seeds - 1
    adapted = ADAPTED if config.evidence == "adaptation" else 1.0
    searches = 1.0 if config.scheme == "s" else 1 + adapted
    again = 0 if config.nontransferable is None else (2 + len(config.arms)) * config.attack_seeds
    search = finalists + CHOICES_CONFIRMED * others
    arms = sum(adapted * search if role == "nsga2" else DRAWS_AN_ARM + others for role in config.arms)
    shared = 0.0 if config.scheme == "s" else (adapted - 1) * finalists
    return searches * search + shared + arms + again


def _rehearsed(config: LockConfig, finalists: int) -> float:
    """Full trainings on which attacks are rehearsed: all of both searches and of NSGA-II, but for the trainings that
    confirm the source-only choice."""
    rival = "nsga2" in config.arms
    return finalists * (2 + rival) + CHOICES_CONFIRMED * (config.attack_seeds - 1) * (1 + rival)


def _checked(plan: Allocation, config: LockConfig, workload: Workload, form: Form, *, over: float) -> Allocation:
    """The plan, if it is worth following."""
    epochs, attack_epochs = plan.final.source_plan.epochs, plan.attack_plan.epochs
    wanted = min(LEAST_EPOCHS, config.epochs or LEAST_EPOCHS)
    lacking = max(FEWEST_CANDIDATES / max(plan.candidates, 0.5), wanted / epochs, 3 / attack_epochs, over)
    if lacking > 1:
        smaller = "smaller images" if form == "image" else "shorter signals"
        fewer = "" if config.finalists is None else ", fewer --finalists"
        raise ConfigurationError(
            f"a budget of {config.budget} is too small for this data on {workload.workers} workers: it pays "
            f"{plan.candidates} candidates, {epochs} epochs of full training and {attack_epochs} epochs of attack; "
            f"give about {config.budget.amount * max(lacking, 1.5):.0f} minutes{fewer}, {smaller} or a smaller --width"
        )
    return plan


def reachable_shapes(config: LockConfig, shape: tuple[int, int, int]) -> tuple[tuple[int, int, int], ...]:
    """The image sizes that a plan may come to, the largest first."""
    found = [shape]
    while config.budget.unit == "minutes" and not (config.keep_size or config.epochs):
        smaller = _halved(found[-1])
        if smaller == found[-1]:
            break
        found.append(smaller)
    return tuple(found)


def keeping_limits(config: LockConfig, source: Task) -> tuple[Architecture, ...]:
    """The connected architectures that keep the exact limits on images of this size; without any, all of them.

    A space that is too large to go through is sampled.
    """
    networks = Networks.of(config.space, source.signature, width=config.width, depth=config.depth)
    return kept_among(connected(config.space), config.limits, networks)


def _halved(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Half the size, not below 16 pixels."""
    channels, *sides = shape
    height, width = (max(min(side, 16), side // 2) for side in sides)
    return channels, height, width


def _heaviest(config: LockConfig, source: Task) -> Architecture:
    """The architecture with the highest relative cost among those that keep the limits; in a space that is too large
    to go through, of many drawn."""
    space = SPACES[config.space]
    looked_at: tuple[Architecture, ...]
    if config.limits.exact:
        looked_at = keeping_limits(config, source)
    elif len(space) <= MOST_CANDIDATES:
        looked_at = tuple(space.enumerate())
    else:
        looked_at = tuple(sampled(space, DRAWN_FOR_THE_HEAVIEST, rng_for(0, "heaviest")))
    return looked_at[int(np.argmax(space.relative_cost(looked_at)))]


def _seconds_per_image(config: LockConfig, source: Task) -> float:
    """Seconds of one worker for one training image at full size, from a heavy architecture measured on the device.

    Trainings of one and of three epochs are told apart; each also judges once, by its share of the validation images.
    """
    model = build(_heaviest(config, source), source.signature, width=config.width, depth=config.depth, seed=0)
    sample = share_of(source, min(256, max(32, TIMED_PIXELS // math.prod(source.shape[1:]))), seed=0)
    seconds = []
    with one_thread():
        for epochs in (1, 1, 3):  # once to warm up; the difference of the others leaves out what is not training
            began = time.perf_counter()
            plan = sized_for(Plan(epochs, precision=precision_on(config.device)), source.shape[1:])
            fit(model, sample, plan, seed=0, device=config.device)
            seconds.append(time.perf_counter() - began)
    return TYPICAL * max(seconds[2] - seconds[1], 1e-6) / (2 * len(sample.train))
