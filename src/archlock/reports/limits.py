"""What a record cannot show, in plain sentences: those the run wrote down, and those that follow from its numbers."""

from collections.abc import Sequence

from archlock.reports.arms import NAMES, arm_roles
from archlock.reports.outcomes import Record, stuck_at_chance
from archlock.reports.record import AttackRecord, LockRecord
from archlock.reports.record_parts import (
    USUAL_ARMS,
    ModelRecord,
    TargetRecord,
)
from archlock.reports.statistics import LEAST_SEEDS, comparisons, judged_targets
from archlock.reports.warnings import warnings_of
from archlock.reports.wording import capital, plural


def lock_limits(record: LockRecord) -> tuple[str, ...]:
    """Limits of a lock run, the run's own first."""
    found = [*warnings_of(record), *record.limits]
    targets = judged_targets(record)
    if targets and all(target.simulated for target in targets):
        found.append(
            f"All targets attacked here are simulated: {_simulated(targets)}. Attackers bring data of their own; "
            "name real targets to see what the lock is worth against them."
        )
    elif targets and all(target.seen_by_search for target in targets):
        found.append("The search knew these targets. Against other targets the lock may be weaker.")
    elif targets:
        found.append(f"Attackers may pick other targets than the {len(targets)} judged here.")
    found += _of_arms(record) + _common(record, record.models)
    return tuple(dict.fromkeys(found))


def attack_limits(record: AttackRecord) -> tuple[str, ...]:
    """Limits of a stand-alone attack run."""
    found = [*warnings_of(record), *record.limits]
    if record.models[1:]:
        found += _of_arms(record)
    if len(record.models) == 1:
        found.append(
            "There is no reference model here, so this says what attackers reach, not what a lock took from them."
        )
    elif record.opened:
        found.append(
            "The two models may differ in more than their architecture (data, training time, size), so their "
            "difference is not what an architecture alone takes away."
        )
    found += _common(record, record.models)
    return tuple(dict.fromkeys(found))


def _simulated(targets: Sequence[TargetRecord]) -> str:
    """How each simulated target was made, those of one kind together."""
    kinds = dict.fromkeys(target.stand_in for target in targets)
    of_kind = {kind: ", ".join(target.name for target in targets if target.stand_in == kind) for kind in kinds}
    return "; ".join(f"{names} {kind}" for kind, names in of_kind.items())


def _of_arms(record: Record) -> list[str]:
    """What the other architectures cannot show, or that there are none."""
    by_lot = set(arm_roles(record)) & set(USUAL_ARMS)
    none = []
    if not by_lot and not (isinstance(record, AttackRecord) and record.opened):
        none = [
            "No random architecture above the source floor was attacked alike, so part of what was taken away may be "
            "what any other architecture takes as well."
        ]
    found = none + [
        f"{capital(NAMES[model.role])} misses the source floor, so part of what it takes from attackers was paid "
        "for on the source."
        for model in record.models
        if model.keeps_floor is False
    ]
    if by_lot:
        found.append(
            "Of the random architectures one of each kind was chosen by lot: another one may take more, or less."
        )
    return found


def _common(record: Record, models: tuple[ModelRecord, ...]) -> list[str]:
    found = []
    valid = [outcome for outcome in record.outcomes if outcome.status == "valid"]
    most = max((len(comparison.seeds) for comparison in comparisons(record)), default=len({o.seed for o in valid}))
    if valid and most < LEAST_SEEDS:
        found.append(
            f"Attacks ran with {plural(most, 'seed')}. One training differs from the next by chance; "
            "with fewer than three there is no interval to tell a difference from that."
        )
    trainings = min(len(model.source_test) or 1 for model in models)
    if valid and trainings < most:
        found.append(
            f"Every model was trained on the source {'once' if trainings == 1 else f'{trainings} times'}: intervals "
            "do not cover all the chance in that training."
        )
    failed = len(record.outcomes) - len(valid)
    if failed:
        found.append(f"{plural(failed, 'attack')} gave no score and count neither for nor against the model.")
    stuck = len(stuck_at_chance(record))
    if stuck:
        found.append(
            f"{plural(stuck, 'attack')} ended at chance where another one on the same model did not: not measurable, "
            "so left out for all models."
        )
    found.append("An attacker with more data, more time or an idea that is not among the attacks here may get further.")
    if isinstance(record, AttackRecord) and record.opened:
        return found
    found[-1] += (
        " A lock makes misuse less rewarding; it does not make it impossible, and it protects no one from a model "
        "trained elsewhere."
    )
    return found
