"""Let a suite of attackers loose on one or several defended models, on every target, at every data fraction and seed.

Every outcome goes to the evidence store as it comes; what is there is not done again. The attackers look for their
settings with the first seed and keep the best for the others, as one would who pays for the trainings. All defended
models meet the same draws: the differences are paired by seed.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from archlock.attacks import ATTACKS, Attack, Outcome, Setting
from archlock.decoding import decode
from archlock.errors import MeasurementError, UnsupportedError
from archlock.evidence import EvidenceStore, Key, Measurement, Status, fidelity_name
from archlock.execution import computed_on, executor_for
from archlock.identity import identity_of
from archlock.progress import Progress
from archlock.recipes.attackers import Suite, plan_at
from archlock.recipes.export import weights_fingerprint
from archlock.recipes.settling import settle
from archlock.records import canonical_json, fingerprint
from archlock.reports import OutcomeRecord, Role
from archlock.seeding import derive_seed
from archlock.tasks import Task, few_of_each, share_of, share_of_validation
from archlock.training import Optimiser


@dataclass(frozen=True, slots=True, eq=False)
class Defended:
    """A model under attack: one trained copy per training; attack seed ``i`` gets training ``i``, round robin.

    Trainings that diverged keep their number, so that the copies of two models are paired by it whatever happened.
    """

    role: Role
    architecture: str
    models: tuple[nn.Module, ...]
    """The copies that there are, in the order of their trainings; at least one."""
    diverged: tuple[int, ...] = ()
    """Numbers of the trainings, from 0, that gave no copy."""

    def training_of(self, seed: int) -> int:
        """Number of the training that an attack with that seed starts from."""
        return seed % (len(self.models) + len(self.diverged))

    def copy_for(self, seed: int) -> nn.Module | None:
        """The copy for an attack with that seed; None if its training diverged."""
        number = self.training_of(seed)
        if number in self.diverged:
            return None
        return self.models[number - sum(other < number for other in self.diverged)]


@dataclass(frozen=True, slots=True)
class _Job:
    role: Role
    target: str
    attacker: str
    fraction: float
    """Share of the training examples; of few shots, what they come to."""
    shots: int | None
    horizon: float
    index: int


@dataclass(frozen=True, slots=True)
class _Work:
    """A job and what is known for it from others."""

    job: _Job
    setting: Setting | None
    """The one to use; None: the attacker is to look for it."""
    before: Outcome | None
    """What the same attack came to with the next smaller horizon; None if there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    defended: dict[Role, Defended]
    targets: dict[str, Task]
    attacks: dict[str, Attack]
    """The attackers themselves: a worker process has not seen what a script added to the catalog."""
    suite: Suite
    seed: int
    device: str
    weights: dict[Role, str]
    identities: dict[str, str]
    """What every attacker does, as a fingerprint; taken here, for a worker may see the code in another form."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the store keeps of an attack's best trial beside its scores, as the note of the setting's measurement."""

    optimiser: Optimiser = "sgd"
    horizon: float = 1.0
    steps: int | None = None
    curve: tuple[float, ...] = ()
    flops: int | None = None
    seconds: float | None = None


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
    weights: dict[Role, str] = {d.role: _identity(d) for d in defended}
    attacks = {name: ATTACKS[name] for name in suite.attackers}
    identities = {name: identity_of(attack, base=Attack) for name, attack in attacks.items()}
    shared = _Shared({d.role: d for d in defended}, dict(targets), attacks, suite, seed, device, weights, identities)
    known = store.read()
    every = list(_jobs(shared))
    progress.begin(stage, len(every), sum(_test_key(shared, job) in known for job in every))
    for horizon in sorted(suite.horizons):
        at = [job for job in every if job.horizon == horizon]
        first = [_Work(job, None, _before(shared, job, known)) for job in at if job.index == _first(shared, job)]
        _run(shared, first, known, store, progress, workers)
    for horizon in sorted(suite.horizons):
        later = [
            _Work(
                job,
                _setting(shared, replace(job, index=_first(shared, job)), known),
                _before(shared, job, known),
            )
            for job in every
            if job.horizon == horizon and job.index != _first(shared, job)
        ]
        _run(shared, later, known, store, progress, workers)
    return tuple(_record(shared, job, known) for job in every)


def _jobs(shared: _Shared) -> Iterator[_Job]:
    for target, task in shared.targets.items():
        amounts: list[tuple[float, int | None]] = [(fraction, None) for fraction in shared.suite.fractions]
        amounts += [(_share_of_shots(task, shots), shots) for shots in shared.suite.shots]
        for attacker in shared.suite.attackers:
            for fraction, shots in amounts:
                for horizon in shared.suite.horizons:
                    for role in shared.defended:
                        for index in range(shared.suite.seeds):
                            yield _Job(role, target, attacker, fraction, shots, horizon, index)


def _run(
    shared: _Shared,
    work: Sequence[_Work],
    known: dict[Key, Measurement],
    store: EvidenceStore,
    progress: Progress,
    workers: int,
) -> None:
    """Do what is not known yet."""
    missing = [one for one in work if _test_key(shared, one.job) not in known]
    waiting = Counter(_test_key(shared, one.job) for one in missing)
    left = list({_test_key(shared, one.job): one for one in missing}.values())
    # (one model in both roles is attacked once, a probe once for all horizons, an ordinary network trained for both)
    for index, found in executor_for(workers).run(_attack, shared, left):
        known.update(settle(store, found, progress))
        job = left[index].job
        progress.advance(waiting[_test_key(shared, job)], f"{job.attacker} on {job.target}")


def _attack(shared: _Shared, work: _Work) -> tuple[Measurement, ...]:
    """One attack in a worker: three measurements (setting, validation, test), or one that says why there is none."""
    job, target = work.job, shared.targets[work.job.target]
    status: Status
    try:
        outcome = _outcome(shared, work, target)
    except (MeasurementError, UnsupportedError) as error:
        status = "unsupported" if isinstance(error, UnsupportedError) else "failed"
        return (Measurement(_test_key(shared, job), math.nan, "accuracy", 0.0, status, str(error)),)
    unit = target.unit
    chosen = outcome.setting
    note = canonical_json(
        _Found(chosen.optimiser, chosen.horizon, outcome.steps, outcome.curve, outcome.flops, outcome.best_seconds)
    )
    return (
        Measurement(_setting_key(shared, job), outcome.setting.value, "setting", 0.0, "valid", note),
        Measurement(_key(shared, job, "score", "validation"), outcome.validation, unit, 0.0),
        Measurement(_test_key(shared, job), outcome.test, unit, outcome.seconds),
    )


def _outcome(shared: _Shared, work: _Work, target: Task) -> Outcome:
    """The attack itself; what was reached in less time with the same setting is not done again."""
    job, suite, attack = work.job, shared.suite, shared.attacks[work.job.attacker]
    if work.before is not None and work.before.setting == work.setting:
        return replace(work.before, seconds=0.0)
    model = _model(shared, job)
    if model is None:
        number = shared.defended[_attacked(shared, job)].training_of(job.index)
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


def _before(shared: _Shared, job: _Job, known: Mapping[Key, Measurement]) -> Outcome | None:
    """What the same attack came to with the next smaller horizon; None if it did not, or there is none."""
    smaller = [horizon for horizon in shared.suite.horizons if horizon < job.horizon]
    if not smaller:
        return None
    shorter = replace(job, horizon=max(smaller))
    setting = _setting(shared, shorter, known)
    if setting is None:
        return None
    found, test = _noted(known[_setting_key(shared, shorter)]), known[_test_key(shared, shorter)]
    return Outcome(
        job.attacker,
        setting,
        known[_key(shared, shorter, "score", "validation")].value,
        test.value,
        seconds=test.seconds,
        trials=(),
        steps=found.steps,
        curve=found.curve,
        flops=found.flops,
        horizon=shorter.horizon,
        best_seconds=found.seconds or 0.0,
    )


def _own(suite: Suite, attack: Attack) -> tuple[float, ...] | None:
    """Rates that the suite prescribes to an attacker; None: the attacker's own settings."""
    return suite.rates if attack.tuned == "rate" else None


def _attacked(shared: _Shared, job: _Job) -> Role:
    """The model that the attacker is given: of several, one who needs none has the reference, for all alike."""
    if shared.attacks[job.attacker].uses_architecture or "source_only" not in shared.defended:
        return job.role
    return "source_only"


def _model(shared: _Shared, job: _Job) -> nn.Module | None:
    """The copy that the attacker is given; None if there is none. Any will do for one who takes no weights."""
    defended = shared.defended[_attacked(shared, job)]
    copy = defended.copy_for(job.index)
    return copy if copy is not None or shared.attacks[job.attacker].uses_weights else defended.models[0]


def _first(shared: _Shared, job: _Job) -> int:
    """The first seed with a copy of the model, with which settings are looked for; 0 if there is none."""
    seeds = range(shared.suite.seeds)
    return next((seed for seed in seeds if _model(shared, replace(job, index=seed)) is not None), 0)


def _identity(defended: Defended) -> str:
    """Identity of all copies, and of which trainings they come from."""
    copies: list[object] = [weights_fingerprint(model) for model in defended.models]
    return fingerprint([*copies, {"diverged": defended.diverged}] if defended.diverged else copies)


def _share_of_shots(task: Task, shots: int) -> float:
    """Share of the training examples that so many of each class are."""
    if not task.traits.has_classes:
        return min(1.0, shots / len(task.train))
    return float(np.minimum(np.bincount(task.train.targets), shots).sum() / len(task.train))


def _key(shared: _Shared, job: _Job, what: str, split: str) -> Key:
    role, suite, attack = _attacked(shared, job), shared.suite, shared.attacks[job.attacker]
    parts = {
        "weights": shared.weights[role],
        "attacker": shared.identities[job.attacker],
        "plan": suite.plan,
        "fraction": job.fraction,
        "shots": job.shots,
        "horizons": () if attack.tuned == "strength" else tuple(h for h in suite.horizons if h <= job.horizon),
        "trials": suite.trials,
        "curves": suite.curves and suite.trials is None,
        "rates": suite.rates,
        "seed": shared.seed,
    }
    task = shared.targets[job.target].fingerprint
    architecture = shared.defended[role].architecture
    fidelity = fidelity_name("attack", fingerprint(parts), computed=computed_on(shared.device))
    return Key(architecture, task, f"attack.{job.attacker}.{what}", split, fidelity, job.index)


def _test_key(shared: _Shared, job: _Job) -> Key:
    return _key(shared, job, "score", "test")


def _setting_key(shared: _Shared, job: _Job) -> Key:
    return _key(shared, job, "setting", "validation")


def _noted(measurement: Measurement) -> _Found:
    """What the note of a setting holds; stores of before have none, and their attackers descended with sgd alone."""
    return decode(_Found, json.loads(measurement.note or "{}"))


def _setting(shared: _Shared, job: _Job, known: Mapping[Key, Measurement]) -> Setting | None:
    """What the attacker chose in a job that is done; None if it failed."""
    measurement = known.get(_setting_key(shared, job))
    if measurement is None or known[_test_key(shared, job)].status != "valid":
        return None
    found = _noted(measurement)
    return Setting(measurement.value, found.optimiser, found.horizon)


def _record(shared: _Shared, job: _Job, known: Mapping[Key, Measurement]) -> OutcomeRecord:
    test = known[_test_key(shared, job)]
    setting = _setting(shared, job, known)
    found = _Found() if setting is None else _noted(known[_setting_key(shared, job)])
    valid = test.status == "valid"
    return OutcomeRecord(
        defended=job.role,
        target=job.target,
        attacker=job.attacker,
        fraction=job.fraction,
        shots=job.shots,
        horizon=job.horizon,
        seed=job.index,
        setting="" if setting is None else setting.words(shared.attacks[job.attacker].tuned),
        validation=known[_key(shared, job, "score", "validation")].value if valid else None,
        test=test.value if valid else None,
        steps=found.steps,
        curve=found.curve,
        flops=found.flops,
        trial_seconds=found.seconds,
        seconds=test.seconds,
        status=test.status,
        note=test.note,
    )
