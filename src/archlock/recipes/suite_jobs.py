"""What an attack suite consists of: which jobs, whom they attack, and where in the store everything is.

An outcome is three measurements: the setting that was chosen, with what is known of its training in the note, and the
scores on validation and test split. Nothing here attacks.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from archlock.attacks import Attack, Outcome, Setting
from archlock.decoding import decode
from archlock.evidence import Key, Measurement, fidelity_name
from archlock.execution import computed_on
from archlock.recipes.attackers import Suite
from archlock.recipes.export import weights_fingerprint
from archlock.records import fingerprint
from archlock.reports import OutcomeRecord, Role
from archlock.tasks import Task
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
class Job:
    """One attack on one model with one seed."""

    role: Role
    target: str
    attacker: str
    fraction: float
    """Share of the training examples; of few shots, what they come to."""
    shots: int | None
    horizon: float
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What all jobs of a suite have in common."""

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
class Found:
    """What the store keeps of an attack's best trial beside its scores, as the note of the setting's measurement."""

    optimiser: Optimiser = "sgd"
    horizon: float = 1.0
    steps: int | None = None
    curve: tuple[float, ...] = ()
    flops: int | None = None
    seconds: float | None = None


def jobs_of(shared: Shared) -> Iterator[Job]:
    """By target, attacker, data, horizon, model and seed."""
    for target, task in shared.targets.items():
        amounts: list[tuple[float, int | None]] = [(fraction, None) for fraction in shared.suite.fractions]
        amounts += [(_share_of_shots(task, shots), shots) for shots in shared.suite.shots]
        for attacker in shared.suite.attackers:
            for fraction, shots in amounts:
                for horizon in shared.suite.horizons:
                    for role in shared.defended:
                        for index in range(shared.suite.seeds):
                            yield Job(role, target, attacker, fraction, shots, horizon, index)


def before(shared: Shared, job: Job, known: Mapping[Key, Measurement]) -> Outcome | None:
    """What the same attack came to with the next smaller horizon; None if it did not, or there is none."""
    smaller = [horizon for horizon in shared.suite.horizons if horizon < job.horizon]
    if not smaller:
        return None
    shorter = replace(job, horizon=max(smaller))
    setting = setting_of(shared, shorter, known)
    if setting is None:
        return None
    found, test = noted(known[setting_key(shared, shorter)]), known[test_key(shared, shorter)]
    return Outcome(
        job.attacker,
        setting,
        known[key(shared, shorter, "score", "validation")].value,
        test.value,
        seconds=test.seconds,
        trials=(),
        steps=found.steps,
        curve=found.curve,
        flops=found.flops,
        horizon=shorter.horizon,
        best_seconds=found.seconds or 0.0,
    )


def attacked(shared: Shared, job: Job) -> Role:
    """The model that the attacker is given: of several, one who needs none has the reference, for all alike."""
    if shared.attacks[job.attacker].uses_architecture or "source_only" not in shared.defended:
        return job.role
    return "source_only"


def model_for(shared: Shared, job: Job) -> nn.Module | None:
    """The copy that the attacker is given; None if there is none. Any will do for one who takes no weights."""
    defended = shared.defended[attacked(shared, job)]
    copy = defended.copy_for(job.index)
    return copy if copy is not None or shared.attacks[job.attacker].uses_weights else defended.models[0]


def first_seed(shared: Shared, job: Job) -> int:
    """The first seed with a copy of the model, with which settings are looked for; 0 if there is none."""
    seeds = range(shared.suite.seeds)
    return next((seed for seed in seeds if model_for(shared, replace(job, index=seed)) is not None), 0)


def weights_of(defended: Defended) -> str:
    """Identity of all copies, and of which trainings they come from."""
    copies: list[object] = [weights_fingerprint(model) for model in defended.models]
    return fingerprint([*copies, {"diverged": defended.diverged}] if defended.diverged else copies)


def _share_of_shots(task: Task, shots: int) -> float:
    """Share of the training examples that so many of each class are."""
    if not task.traits.has_classes:
        return min(1.0, shots / len(task.train))
    return float(np.minimum(np.bincount(task.train.targets), shots).sum() / len(task.train))


def key(shared: Shared, job: Job, what: str, split: str) -> Key:
    """Where the setting or the score of a job is in the store; jobs that come to the same share it."""
    role, suite, attack = attacked(shared, job), shared.suite, shared.attacks[job.attacker]
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


def test_key(shared: Shared, job: Job) -> Key:
    """Where the test score is, with which a job is done."""
    return key(shared, job, "score", "test")


def setting_key(shared: Shared, job: Job) -> Key:
    """Where the setting is that was chosen."""
    return key(shared, job, "setting", "validation")


def noted(measurement: Measurement) -> Found:
    """What the note of a setting holds; stores of before have none, and their attackers descended with sgd alone."""
    return decode(Found, json.loads(measurement.note or "{}"))


def setting_of(shared: Shared, job: Job, known: Mapping[Key, Measurement]) -> Setting | None:
    """What the attacker chose in a job that is done; None if it failed."""
    measurement = known.get(setting_key(shared, job))
    if measurement is None or known[test_key(shared, job)].status != "valid":
        return None
    found = noted(measurement)
    return Setting(measurement.value, found.optimiser, found.horizon)


def record_of(shared: Shared, job: Job, known: Mapping[Key, Measurement]) -> OutcomeRecord:
    """The outcome of a job that is done."""
    test = known[test_key(shared, job)]
    setting = setting_of(shared, job, known)
    found = Found() if setting is None else noted(known[setting_key(shared, job)])
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
        validation=known[key(shared, job, "score", "validation")].value if valid else None,
        test=test.value if valid else None,
        steps=found.steps,
        curve=found.curve,
        flops=found.flops,
        trial_seconds=found.seconds,
        seconds=test.seconds,
        status=test.status,
        note=test.note,
    )
