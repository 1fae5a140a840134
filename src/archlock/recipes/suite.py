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

from archlock.attacks import ATTACKS, PANEL, Attack, Setting
from archlock.decoding import decode
from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.evidence import EvidenceStore, Key, Measurement, Status, fidelity_name
from archlock.execution import computed_on, executor_for
from archlock.identity import identity_of
from archlock.progress import Progress
from archlock.recipes.export import weights_fingerprint
from archlock.recipes.settling import settle
from archlock.records import canonical_json, fingerprint
from archlock.reports import OutcomeRecord, Role
from archlock.seeding import derive_seed
from archlock.tasks import Task, few_of_each, share_of, share_of_validation
from archlock.training import Optimiser, Plan


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
class Suite:
    """Who attacks, with how much of the target data, how often, how long they train and how hard they search."""

    plan: Plan
    attackers: tuple[str, ...] = PANEL
    fractions: tuple[float, ...] = (0.1, 1.0)
    seeds: int = 3
    trials: int | None = None
    """Settings that each attacker tries with the first seed (then the curve of the best is kept too); None: their
    own small sweep."""
    horizons: tuple[float, ...] = (1.0,)
    """Lengths of the trainings, in multiples of the plan's epochs; each has outcomes of its own."""
    shots: tuple[int, ...] = ()
    """Examples of each class that an attacker has, beside the fractions."""
    curves: bool = False
    """Whether the attackers' trainings are watched: the validation score after every epoch, and what it took. A search
    (``trials``) is watched always. About a third more work."""
    rates: tuple[float, ...] | None = None
    """Learning rates to try instead of the attackers' own."""

    def __post_init__(self) -> None:
        for name, values in (("fractions", self.fractions), ("horizons", self.horizons), ("shots", self.shots)):
            if not all(0 < value < math.inf for value in values) or len(set(values)) < len(values):
                raise ConfigurationError(f"the {name} of an attack are above 0 and differ; got {values}")
        if not self.horizons or not (self.fractions or self.shots) or (self.trials is not None and self.trials < 1):
            raise ConfigurationError(
                "an attack needs a horizon, a fraction or a number of shots, and at least one trial; got "
                f"{self.horizons}, {self.fractions}, {self.shots} and {self.trials}"
            )

    @property
    def full_trainings(self) -> float:
        """Work on one model and target, in trainings on all of its data: searches, seeds and fractions included.

        What few shots take depends on the target, and is little: it is not counted.
        """
        trained = [ATTACKS[name] for name in self.attackers if ATTACKS[name].tuned == "rate"]
        searches = sum(
            len(attack.settings) + self.curves if self.trials is None else self.trials + 1 for attack in trained
        )
        runs = (searches + len(trained) * (self.seeds - 1)) * sum(self.horizons)
        return runs * sum(fraction * _longer(fraction) for fraction in self.fractions)


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
    first = [(job, None) for job in every if job.index == _first(shared, job)]
    _run(shared, first, known, store, progress, workers)
    later = [
        (job, _setting(shared, replace(job, index=_first(shared, job)), known))
        for job in every
        if job.index != _first(shared, job)
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
    jobs: Sequence[tuple[_Job, Setting | None]],
    known: dict[Key, Measurement],
    store: EvidenceStore,
    progress: Progress,
    workers: int,
) -> None:
    """Do what is not known yet; jobs come with the setting to use (None: the attacker is to look for it)."""
    missing = [(job, setting) for job, setting in jobs if _test_key(shared, job) not in known]
    waiting = Counter(_test_key(shared, job) for job, _ in missing)
    left = list({_test_key(shared, job): (job, setting) for job, setting in missing}.values())
    # (one model in both roles is attacked once, a probe once for all horizons, an ordinary network trained for both)
    for index, found in executor_for(workers).run(_attack, shared, left):
        known.update(settle(store, found, progress))
        job = left[index][0]
        progress.advance(waiting[_test_key(shared, job)], f"{job.attacker} on {job.target}")


def _attack(shared: _Shared, given: tuple[_Job, Setting | None]) -> tuple[Measurement, ...]:
    """One attack in a worker: three measurements (setting, validation, test), or one that says why there is none."""
    job, setting = given
    suite, target, attack = shared.suite, shared.targets[job.target], shared.attacks[job.attacker]
    model = _model(shared, job)
    amount = str(job.fraction) if job.shots is None else f"{job.shots} shots"
    job_seed = derive_seed(shared.seed, "attack", target.fingerprint, amount, job.index)
    status: Status
    try:
        if model is None:
            number = shared.defended[_attacked(shared, job)].training_of(job.index)
            raise MeasurementError(
                f"training {number} of the {job.role} model on the source diverged, so there is no copy of it to attack"
            )
        if job.shots is not None:
            few = few_of_each(target, job.shots, seed=job_seed)
            target = share_of_validation(few, job.fraction, seed=job_seed)
        elif job.fraction < 1:
            examples = max(target.outputs, round(job.fraction * len(target.train)))
            target = share_of(target, examples, seed=job_seed)
        outcome = attack.run(
            model,
            target,
            plan=_plan_at(suite.plan, job.fraction, len(target.train)),
            settings=_own(suite, attack) if setting is None else (setting,),
            trials=suite.trials if setting is None else None,
            horizons=(job.horizon,),
            curve=suite.curves or suite.trials is not None,
            seed=job_seed,
            device=shared.device,
        )
    except (MeasurementError, UnsupportedError) as error:
        status = "unsupported" if isinstance(error, UnsupportedError) else "failed"
        return (Measurement(_test_key(shared, job), math.nan, "accuracy", 0.0, status, str(error)),)
    unit = "R2" if target.kind == "dense" else "accuracy"
    chosen = outcome.setting
    note = canonical_json(
        _Found(chosen.optimiser, chosen.horizon, outcome.steps, outcome.curve, outcome.flops, outcome.best_seconds)
    )
    return (
        Measurement(_setting_key(shared, job), outcome.setting.value, "setting", 0.0, "valid", note),
        Measurement(_key(shared, job, "score", "validation"), outcome.validation, unit, 0.0),
        Measurement(_test_key(shared, job), outcome.test, unit, outcome.seconds),
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


def _plan_at(plan: Plan, fraction: float, examples: int) -> Plan:
    """The plan for less data: more epochs (by the root of the shrinkage), and batches that still make an epoch."""
    return replace(
        plan, epochs=round(plan.epochs * _longer(fraction)), batch_size=min(plan.batch_size, max(4, examples // 4))
    )


def _longer(fraction: float) -> float:
    """How many times as many epochs an attacker trains on a fraction of the data."""
    return 1 / math.sqrt(fraction)


def _share_of_shots(task: Task, shots: int) -> float:
    """Share of the training examples that so many of each class are."""
    if task.kind == "dense":
        return min(1.0, shots / len(task.train))
    return float(np.minimum(np.bincount(task.train.targets), shots).sum() / len(task.train))


def _key(shared: _Shared, job: _Job, what: str, split: str) -> Key:
    role, suite = _attacked(shared, job), shared.suite
    parts = {
        "weights": shared.weights[role],
        "attacker": shared.identities[job.attacker],
        "plan": suite.plan,
        "fraction": job.fraction,
        "shots": job.shots,
        "horizon": 1.0 if shared.attacks[job.attacker].tuned == "strength" else job.horizon,
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
