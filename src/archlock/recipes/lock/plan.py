"""What a run will do, in numbers; and the plan that needs no clock, from the size of the data alone."""

from dataclasses import dataclass, field, replace

from archlock.adaptation import AdaptationSettings
from archlock.recipes.attackers import attack_plan
from archlock.recipes.engine.settings import FEWEST_TRAININGS
from archlock.recipes.lock.config import LockConfig
from archlock.records import LATER
from archlock.tasks import Form, Task
from archlock.training import Plan, for_photographs, precision_on, sized_for

FEWEST_CANDIDATES = 8
FEW_EXAMPLES = 3000
"""Of the source, that a short training has."""
SEEN_IN_SHORT = 18_000
"""Images that a short training sees, each up to 12 times. Of a source with as many it sees every image once instead, in
a network of full width: that says far more of the source (``docs/findings.md``, what bought evidence foretells)."""
MOST_SEEN = 50_000
"""And of no source more than that."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a run will do, in numbers. ``plan.json`` of the run directory."""

    candidates: int
    """Architectures on which evidence is bought, by each of the two searches."""
    shape: tuple[int, int, int]
    """Size of the images the released model takes: channels, height, width."""
    original_shape: tuple[int, int, int]
    """Size of the source's images before that."""
    evidence_shape: tuple[int, int, int]
    """Size of the images in adaptation evidence: channels, height, width."""
    source_examples: int
    target_examples: int
    evidence: AdaptationSettings
    finalists: int
    """Full trainings that each of the two searches has, besides those with which it confirms its choice."""
    final: AdaptationSettings
    """How finalists and the released model are trained."""
    attack_plan: Plan
    attack_examples: int
    """Most training examples of a target an attacker gets at fraction 1."""
    batch: int = field(default=1, metadata=LATER)
    """Full trainings that are asked for at once, at least; in a new plan two, so that two processors have something to
    do. Not as many as there are: the same budget is to give the same answer on every machine."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What an allocation depends on besides configuration and source."""

    workers: int
    attacked: int
    """Targets that are attacked in the end."""
    largest_target: int
    """Training examples of the largest of them, as far as is known."""


def evidence_shape(shape: tuple[int, int, int], form: Form = "image") -> tuple[int, int, int]:
    """Half the size of the images where that leaves 16 pixels, else 16, else what there is; at most 32.

    Of signals half the length where that leaves 64 steps, else 64, else what there is; at most 1,024.
    """
    channels, *sides = shape
    if form == "signal":
        return channels, 1, min(1024, max(min(sides[1], 64), sides[1] // 2))
    height, width = (min(32, max(min(side, 16), side // 2)) for side in sides)
    return channels, height, width


def without_clock(config: LockConfig, source: Task, workload: Workload, *, once: bool = True) -> Allocation:
    """The plan of a run, but for the number of candidates: the fewest there are.

    ``once``: short trainings see every image of a large source.
    """
    examples = len(source.train)
    tiny = source.side < 12  # a step costs the same for twice the images then, and a shift loses too much
    precision = precision_on(config.device)
    once = once and examples >= SEEN_IN_SHORT and config.evidence != "zero_cost"
    short = Plan(
        _epochs(SEEN_IN_SHORT, min(FEW_EXAMPLES, examples), 4, 12),
        batch_size=128 if tiny else 64,
        shift=0.0 if tiny else 0.125,
        precision=precision,
    )
    adapt = Plan(
        _epochs(6_000, min(1000, examples), 4, 6),
        batch_size=64 if tiny else 32,
        learning_rate=0.05,
        shift=0.0,
        precision=precision,
    )
    full = Plan(
        config.epochs or _epochs(100_000, examples, 10, 40),
        shift=0.06 if tiny else 0.125,
        flip=config.flip,
        patience=config.patience,
        precision=precision,
    )
    if once:
        short = replace(full, epochs=1, patience=None)
    if source.form == "image":
        full = sized_for(full, source.shape[1:])
        full = full if source.measured else for_photographs(full, source.shape[1:], config.augmentation)
    return Allocation(
        candidates=FEWEST_CANDIDATES,
        shape=source.shape,
        original_shape=source.shape,
        evidence_shape=evidence_shape(source.shape, source.form),
        source_examples=min(MOST_SEEN if once else FEW_EXAMPLES, examples),
        target_examples=min(1000, examples),
        evidence=AdaptationSettings(config.width if once else min(8, config.width), config.depth, short, adapt),
        finalists=FEWEST_TRAININGS,
        final=AdaptationSettings(config.width, config.depth, full, sized_for(adapt, source.shape[1:])),
        attack_plan=replace(attack_plan(workload.largest_target, size=source.shape[1:]), precision=precision),
        attack_examples=workload.largest_target,
        batch=2,
    )


def with_candidates(plan: Allocation, candidates: int, config: LockConfig) -> Allocation:
    """The plan with so many, and with the full trainings that go with them."""
    usual = min(8, max(FEWEST_TRAININGS, candidates // 10))
    return replace(plan, candidates=candidates, finalists=config.finalists or usual)


def _epochs(images: int, examples: int, least: int, most: int) -> int:
    return min(most, max(least, round(images / max(1, examples))))
