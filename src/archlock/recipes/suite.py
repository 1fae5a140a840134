"""Let a suite of attackers loose on one or several defended models, on every target, at every data fraction and seed.

Every outcome goes to the evidence store as it comes; what is there is not done again. The attackers look for their
settings with the first seed and keep the best for the others, as one would who pays for the trainings. All defended
models meet the same draws: the differences are paired by seed.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from archlock.attacks import ATTACKS, Attack, Outcome, Setting
from archlock.errors import MeasurementError, UnsupportedError
from archlock.evidence import EvidenceStore, Key, Measurement, Status
from archlock.execution import executor_for
from archlock.identity import identity_of
from archlock.progress import Progress
from archlock.recipes.attackers import Suite, plan_at
from archlock.recipes.settling import settle
from archlock.recipes.suite_jobs import (
    Defended,
    Found,
    Job,
    Shared,
    attacked,
    before,
    first_seed,
    jobs_of,
    key,
    model_for,
    record_of,
    setting_key,
    setting_of,
    test_key,
    weights_of,
)
from archlock.records import canonical_json
from archlock.reports import OutcomeRecord, Role
from archlock.seeding import derive_seed
from archlock.tasks import Task, few_of_each, share_of, share_of_validation


@dataclass(frozen=True, slots=True)
class _Work:
    """A job and what is known for it from others."""

    job: Job
    setting: Setting | None
    """The one to use; None: the attacker is to look for it."""
    before: Outcome | None
    """What the same attack came to with the next smaller horizon; None if there is none."""


def run_suite(
    defended: Sequence[Defended],
    targets: Mapping[str, Task],
    suite: Suite,
    *,
    store: EvidenceStore,
    progress: Progress,
    workers: int,
    seed: int,
    device: str,
    stage: str = "attacks",
) -> tuple[OutcomeRecord, ...]:
    """Every outcome, by target, attacker, data, horizon, model and seed; a failed attack is an outcome that says so."""
    weights: dict[Role, str] = {d.role: weights_of(d) for d in defended}
    attacks = {name: ATTACKS[name] for name in suite.attackers}
    identities = {name: identity_of(attack, base=Attack) for name, attack in attacks.items()}
    shared = Shared({d.role: d for d in defended}, dict(targets), attacks, suite, seed, device, weights, identities)
    known = store.read()
    every = list(jobs_of(shared))
    progress.begin(stage, len(every), sum(test_key(shared, job) in known for job in every))
    for horizon in sorted(suite.horizons):
        at = [job for job in every if job.horizon == horizon]
        first = [_Work(job, None, before(shared, job, known)) for job in at if job.index == first_seed(shared, job)]
        _run(shared, first, known, store, progress, workers)
    for horizon in sorted(suite.horizons):
        later = [
            _Work(
                job,
                setting_of(shared, replace(job, index=first_seed(shared, job)), known),
                before(shared, job, known),
            )
            for job in every
            if job.horizon == horizon and job.index != first_seed(shared, job)
        ]
        _run(shared, later, known, store, progress, workers)
    return tuple(record_of(shared, job, known) for job in every)


def _run(
    shared: Shared,
    work: Sequence[_Work],
    known: dict[Key, Measurement],
    store: EvidenceStore,
    progress: Progress,
    workers: int,
) -> None:
    """Do what is not known yet."""
    missing = [one for one in work if test_key(shared, one.job) not in known]
    waiting = Counter(test_key(shared, one.job) for one in missing)
    left = list({test_key(shared, one.job): one for one in missing}.values())
    # (one model in both roles is attacked once, a probe once for all horizons, an ordinary network trained for both)
    for index, found in executor_for(workers).run(_attack, shared, left):
        known.update(settle(store, found, progress))
        job = left[index].job
        progress.advance(waiting[test_key(shared, job)], f"{job.attacker} on {job.target}")


def _attack(shared: Shared, work: _Work) -> tuple[Measurement, ...]:
    """One attack in a worker: three measurements (setting, validation, test), or one that says why there is none."""
    job, target = work.job, shared.targets[work.job.target]
    status: Status
    try:
        outcome = _outcome(shared, work, target)
    except (MeasurementError, UnsupportedError) as error:
        status = "unsupported" if isinstance(error, UnsupportedError) else "failed"
        return (Measurement(test_key(shared, job), math.nan, "accuracy", 0.0, status, str(error)),)
    unit = target.unit
    chosen = outcome.setting
    note = canonical_json(
        Found(chosen.optimiser, chosen.horizon, outcome.steps, outcome.curve, outcome.flops, outcome.best_seconds)
    )
    return (
        Measurement(setting_key(shared, job), outcome.setting.value, "setting", 0.0, "valid", note),
        Measurement(key(shared, job, "score", "validation"), outcome.validation, unit, 0.0),
        Measurement(test_key(shared, job), outcome.test, unit, outcome.seconds),
    )


def _outcome(shared: Shared, work: _Work, target: Task) -> Outcome:
    """The attack itself; what was reached in less time with the same setting is not done again."""
    job, suite, attack = work.job, shared.suite, shared.attacks[work.job.attacker]
    if work.before is not None and work.before.setting == work.setting:
        return replace(work.before, seconds=0.0)
    model = model_for(shared, job)
    if model is None:
        number = shared.defended[attacked(shared, job)].training_of(job.index)
        raise MeasurementError(
            f"training {number} of the {job.role} model on the source diverged, so there is no copy of it to attack"
        )
    amount = str(job.fraction) if job.shots is None else f"{job.shots} shots"
    job_seed = derive_seed(shared.seed, "attack", target.fingerprint, amount, job.index)
    if job.shots is not None:
        few = few_of_each(target, job.shots, seed=job_seed)
        target = share_of_validation(few, job.fraction, seed=job_seed)
    elif job.fraction < 1:
        examples = max(target.outputs, round(job.fraction * len(target.train)))
        target = share_of(target, examples, seed=job_seed)
    searching = work.setting is None
    return attack.run(
        model,
        target,
        plan=plan_at(suite.plan, job.fraction, len(target.train)),
        settings=_own(suite, attack) if work.setting is None else (work.setting,),
        trials=suite.trials if searching else None,
        horizon=job.horizon,
        known=work.before if searching else None,
        curve=suite.curves or suite.trials is not None,
        seed=job_seed,
        device=shared.device,
    )


def _own(suite: Suite, attack: Attack) -> tuple[float, ...] | None:
    """Rates that the suite prescribes to an attacker; None: the attacker's own settings."""
    return suite.rates if attack.tuned == "rate" else None
