"""Let a suite of attackers loose on one or two defended models, on every target, at every data fraction and seed.

Every outcome goes to the evidence store as it comes; what is there is not done again. The attackers sweep their
settings with the first seed and keep the best for the others, as one would who pays for his own trainings. Both
defended models meet the same draws: the differences are paired by seed.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from archlock.attacks import ATTACKS, Attack
from archlock.errors import MeasurementError, UnsupportedError
from archlock.evidence import EvidenceStore, Key, Measurement, Status
from archlock.execution import executor_for
from archlock.progress import Progress
from archlock.recipes.export import weights_fingerprint
from archlock.records import fingerprint
from archlock.reports import OutcomeRecord, Role
from archlock.seeding import derive_seed
from archlock.tasks import Task, subsample
from archlock.training import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Defended:
    """A model under attack: one trained copy per seed (attack seed ``i`` gets copy ``i``, round robin)."""

    role: Role
    architecture: str
    models: tuple[nn.Module, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """Who attacks, with how much of the target data, how often, and how long he trains."""

    plan: Plan
    attackers: tuple[str, ...] = tuple(ATTACKS)
    fractions: tuple[float, ...] = (0.1, 1.0)
    seeds: int = 3

    @property
    def full_trainings(self) -> float:
        """Work on one model and target, in trainings on all of its data: sweeps, seeds and fractions included."""
        trained = [ATTACKS[name] for name in self.attackers if name != "linear_probe"]
        runs = sum(len(attack.settings) + self.seeds - 1 for attack in trained)
        return runs * sum(fraction * _longer(fraction) for fraction in self.fractions)


@dataclass(frozen=True, slots=True)
class _Job:
    role: Role
    target: str
    attacker: str
    fraction: float
    index: int
    settings: tuple[float, ...] | None
    """None: the attacker's own sweep."""


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


def attack_plan(examples: int, epochs: int | None = None) -> Plan:
    """How attackers train on that many examples: ``epochs``, or about 8,000 images in all, 6 to 20 epochs."""
    return Plan(epochs or min(20, max(6, round(8_000 / max(1, examples)))), shift=0.0)


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
) -> tuple[OutcomeRecord, ...]:
    """Every outcome, by target, attacker, fraction, model and seed; a failed attack is an outcome that says so."""
    weights: dict[Role, str] = {
        d.role: fingerprint([weights_fingerprint(model) for model in d.models]) for d in defended
    }
    attacks = {name: ATTACKS[name] for name in suite.attackers}
    shared = _Shared({d.role: d for d in defended}, dict(targets), attacks, suite, seed, device, weights)
    known = store.read()
    first = list(_jobs(shared, range(1), {}))
    total = len(first) * suite.seeds
    progress.begin("attacks", total, sum(_test_key(shared, job) in known for job in _all(shared)))
    _run(shared, first, known, store, progress, workers)
    chosen = {
        (j.role, j.target, j.attacker, j.fraction): m.value
        for j in first
        if (m := known[_test_key(shared, j)]).status == "valid"
        and (m := known[_key(shared, j, "setting", "validation")]).status == "valid"
    }
    _run(shared, list(_jobs(shared, range(1, suite.seeds), chosen)), known, store, progress, workers)
    return tuple(_record(shared, job, known) for job in _all(shared))


def _all(shared: _Shared) -> list[_Job]:
    return list(_jobs(shared, range(shared.suite.seeds), {}))


def _jobs(shared: _Shared, indices: range, chosen: Mapping[tuple[Role, str, str, float], float]) -> Iterator[_Job]:
    for target in shared.targets:
        for attacker in shared.suite.attackers:
            for fraction in shared.suite.fractions:
                for role in shared.defended:
                    best = chosen.get((role, target, attacker, fraction))
                    for index in indices:
                        yield _Job(role, target, attacker, fraction, index, None if best is None else (best,))


def _run(
    shared: _Shared,
    jobs: list[_Job],
    known: dict[Key, Measurement],
    store: EvidenceStore,
    progress: Progress,
    workers: int,
) -> None:
    missing = [job for job in jobs if _test_key(shared, job) not in known]
    left = list({_test_key(shared, job): job for job in missing}.values())  # one model in both roles is attacked once
    for index, found in executor_for(workers).run(_attack, shared, left):
        store.write(found)
        known.update({measurement.key: measurement for measurement in found})
        progress.advance(len(missing) // len(left), f"{left[index].attacker} on {left[index].target}")


def _attack(shared: _Shared, job: _Job) -> tuple[Measurement, ...]:
    """One attack in a worker: three measurements (setting, validation, test), or one that says why there is none."""
    defended = shared.defended[job.role]
    target = shared.targets[job.target]
    job_seed = derive_seed(shared.seed, "attack", target.fingerprint, str(job.fraction), job.index)
    status: Status
    try:
        if job.fraction < 1:
            examples = max(target.outputs, round(job.fraction * len(target.train)))
            target = subsample(target, examples, seed=job_seed)
        outcome = shared.attacks[job.attacker].run(
            defended.models[job.index % len(defended.models)],
            target,
            plan=_plan_at(shared.suite.plan, job.fraction, len(target.train)),
            settings=job.settings,
            seed=job_seed,
            device=shared.device,
        )
    except (MeasurementError, UnsupportedError) as error:
        status = "unsupported" if isinstance(error, UnsupportedError) else "failed"
        return (Measurement(_test_key(shared, job), math.nan, "accuracy", 0.0, status, str(error)),)
    unit = "R2" if target.kind == "dense" else "accuracy"
    return (
        Measurement(_key(shared, job, "setting", "validation"), outcome.setting, "setting", 0.0),
        Measurement(_key(shared, job, "score", "validation"), outcome.validation, unit, 0.0),
        Measurement(_test_key(shared, job), outcome.test, unit, outcome.seconds),
    )


def _plan_at(plan: Plan, fraction: float, examples: int) -> Plan:
    """The plan for less data: more epochs (by the root of the shrinkage), and batches that still make an epoch."""
    return replace(
        plan, epochs=round(plan.epochs * _longer(fraction)), batch_size=min(plan.batch_size, max(4, examples // 4))
    )


def _longer(fraction: float) -> float:
    """How many times as many epochs an attacker trains on a fraction of the data."""
    return 1 / math.sqrt(fraction)


def _key(shared: _Shared, job: _Job, what: str, split: str) -> Key:
    fidelity = fingerprint([shared.weights[job.role], shared.suite.plan, job.fraction, shared.seed, shared.device])
    task = shared.targets[job.target].fingerprint
    architecture = shared.defended[job.role].architecture
    return Key(architecture, task, f"attack.{job.attacker}.{what}", split, f"attack-{fidelity}", job.index)


def _test_key(shared: _Shared, job: _Job) -> Key:
    return _key(shared, job, "score", "test")


def _record(shared: _Shared, job: _Job, known: Mapping[Key, Measurement]) -> OutcomeRecord:
    test = known[_test_key(shared, job)]
    valid = test.status == "valid"
    setting = ""
    if valid:
        value = known[_key(shared, job, "setting", "validation")].value
        setting = f"{'strength' if job.attacker == 'linear_probe' else 'learning rate'} {value:g}"
    return OutcomeRecord(
        defended=job.role,
        target=job.target,
        attacker=job.attacker,
        fraction=job.fraction,
        seed=job.index,
        setting=setting,
        validation=known[_key(shared, job, "score", "validation")].value if valid else None,
        test=test.value if valid else None,
        seconds=test.seconds,
        status=test.status,
        note=test.note,
    )
