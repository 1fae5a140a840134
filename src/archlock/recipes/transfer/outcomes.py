"""What attackers by name get out of source models: every attack is a job of its own, and its value has a place.

What an attacker does not use makes no difference to where their value is: a training from scratch is the same for all
sources, an ordinary network the same for all architectures.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from archlock.attacks import ATTACKS, Attack, Outcome
from archlock.errors import MeasurementError, UnsupportedError
from archlock.evidence import EvidenceStore, Key, Measurement, Status, fidelity_name
from archlock.execution import computed_on
from archlock.identity import identity_of
from archlock.models import build, ordinary
from archlock.recipes.attackers import attack_plan
from archlock.recipes.transfer.config import TransferConfig
from archlock.recipes.transfer.source_models import kept_at, source_fidelity, source_model
from archlock.recipes.transfer.work import TransferWork
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Task, few_of_each, share_of_validation
from archlock.training import Plan


@dataclass(frozen=True, slots=True)
class AttackJob:
    """One attacker on one target, with the model that they start from."""

    architecture: Architecture | None
    """None: one who takes nothing of it."""
    source: str | None
    """None: one who takes no weights."""
    seed: int
    target: str
    attacker: str


@dataclass(frozen=True, slots=True, eq=False)
class AttackWork:
    """All that a worker needs for attacks, and where every outcome is."""

    transfer: TransferWork
    attacks: dict[str, Attack]
    """The attackers themselves: a worker process has not seen what a script added to the catalog."""
    identities: dict[str, str]
    """What every attacker does, as a fingerprint."""
    shots: int | None
    horizon: float
    ordinary_size: int

    @classmethod
    def on(cls, work: TransferWork, config: TransferConfig) -> "AttackWork":
        """The attackers of a configuration."""
        attacks = {name: ATTACKS[name] for name in config.attackers}
        identities = {name: identity_of(attack, base=Attack) for name, attack in attacks.items()}
        return cls(work, attacks, identities, config.shots, config.horizon, config.ordinary_size)

    def job(self, architecture: Architecture, source: str, seed: int, target: str, attacker: str) -> AttackJob:
        """The attack whose outcome belongs to that architecture and source."""
        attack = self.attacks[attacker]
        return AttackJob(
            architecture if attack.uses_architecture else None,
            source if attack.uses_weights else None,
            seed,
            target,
            attacker,
        )

    def jobs(self, architectures: Sequence[Architecture], seed: int) -> Iterator[AttackJob]:
        """Every attack with one seed, each once, architecture by architecture."""
        every = (
            self.job(one, source, seed, target, attacker)
            for one in architectures
            for source in self.transfer.sources
            for target in self.transfer.others(source)
            for attacker in self.attacks
        )
        return iter(dict.fromkeys(every))

    def key(self, job: AttackJob, split: str) -> Key:
        """Where the score of an attack is in the store."""
        settings, tuned = self.transfer.settings, self.attacks[job.attacker].tuned
        parts = {
            "from": "" if job.source is None else source_fidelity(self.transfer, job.source),
            "size": (settings.width, settings.depth) if job.architecture else self.ordinary_size,
            "attacker": self.identities[job.attacker],
            "plan": self.plan(self.images(job.target)),
            "shots": self.shots,
            "horizon": self.horizon if tuned == "rate" else 1.0,
        }
        computed = computed_on(self.transfer.device)
        return Key(
            str(job.architecture or f"ordinary:{self.ordinary_size}"),
            self.transfer.targets[job.target].fingerprint,
            measure_of(job.attacker),
            split,
            fidelity_name("attack", fingerprint(parts), computed=computed),
            job.seed,
        )

    def images(self, target: str) -> int:
        """How many there are to train on."""
        labels = self.transfer.targets[target].train.targets
        return len(labels) if self.shots is None else int(np.minimum(np.bincount(labels), self.shots).sum())

    def plan(self, images: int) -> Plan:
        """How attackers train on so many images; rate, optimiser and length are of their choice."""
        return attack_plan(images, self.transfer.settings.target_plan.epochs)

    def missing(self, architectures: Sequence[Architecture], seed: int, store: EvidenceStore) -> list[AttackJob]:
        """The attacks of a seed that the store has not."""
        known = {name: store.read(measure=measure_of(name)) for name in self.attacks}
        return [job for job in self.jobs(architectures, seed) if self.key(job, "test") not in known[job.attacker]]


def measure_of(attacker: str) -> str:
    """What an attacker's score is called in the store."""
    return f"transfer.{attacker}"


def attack_job(work: AttackWork, job: AttackJob) -> tuple[Measurement, ...]:
    """The scores of one attack on validation and test split, or two measurements that say why there are none.

    All architectures meet the same images with the same seed. The note says what the attacker chose.
    """
    keys = [work.key(job, split) for split in ("validation", "test")]
    task = few_images(work, job.target, job.seed)
    status: Status
    try:
        outcome = _attacked(work, job, task)
    except (MeasurementError, UnsupportedError) as error:
        status = "unsupported" if isinstance(error, UnsupportedError) else "failed"
        return tuple(Measurement(key, math.nan, "accuracy", 0.0, status, str(error)) for key in keys)
    note = outcome.setting.words(work.attacks[job.attacker].tuned)
    scores = (outcome.validation, outcome.test)
    return tuple(
        Measurement(key, score, "accuracy", outcome.seconds if place else 0.0, note=note)
        for place, (key, score) in enumerate(zip(keys, scores, strict=True))
    )


def few_images(work: AttackWork, target: str, seed: int) -> Task:
    """What an attacker has of a target with that seed: so many images of each class, and their share to choose by."""
    task = work.transfer.targets[target]
    if work.shots is None:
        return task
    draw = derive_seed(seed, "transfer", task.fingerprint, work.shots)
    few = few_of_each(task, work.shots, seed=draw)
    return share_of_validation(few, len(few.train) / len(task.train), seed=draw)


def _attacked(work: AttackWork, job: AttackJob, task: Task) -> Outcome:
    return work.attacks[job.attacker].run(
        model_for(work, job, task),
        task,
        plan=work.plan(len(task.train)),
        horizon=work.horizon,
        seed=derive_seed(job.seed, "transfer", job.attacker, task.fingerprint),
        device=work.transfer.device,
    )


def model_for(work: AttackWork, job: AttackJob, task: Task) -> nn.Module:
    """What the attacker is given: the trained model, an untrained one of its kind, or one of the ordinary size."""
    if job.architecture is None:
        return ordinary(task.signature, parameters=work.ordinary_size, seed=0)
    if job.source is not None:
        file = kept_at(work.transfer, (job.architecture, job.seed, job.source))
        if not file.exists():
            raise MeasurementError(f"there is no model to attack: the training on {job.source!r} had failed")
        return source_model(work.transfer, (job.architecture, job.seed, job.source))
    settings = work.transfer.settings
    return build(job.architecture, task.signature, width=settings.width, depth=settings.depth, seed=0)
