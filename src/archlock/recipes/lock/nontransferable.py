"""Training as part of the lock: what is released is trained on, so that the targets the search may know gain less.

After the decision and before any seal is opened; no argument here carries a sealed target. Every released network, of
the lock, of the source-only model and of the random architectures, is trained in the same way and with the same budget,
so a report can tell what architecture and what training take. A network keeps its plain training where no round keeps
the source floor, or where the training diverges.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from archlock.decoding import decode
from archlock.errors import MeasurementError
from archlock.evidence import Key, Measurement, fidelity_name
from archlock.execution import computed_on, executor_for
from archlock.identity import identity_of
from archlock.models import load_weights, save_weights
from archlock.recipes.export import Blueprint, build_blueprint, weights_fingerprint
from archlock.recipes.lock.decide import Decision
from archlock.recipes.lock.release import Released
from archlock.recipes.lock.run import Run
from archlock.recipes.settling import settle
from archlock.records import canonical_json, fingerprint
from archlock.reports import NontransferableRecord, OutcomeRecord, PlainModelRecord, Role
from archlock.seeding import derive_seed
from archlock.tasks import Task
from archlock.training import NontransferableTraining, Plan, evaluate_copy, train_nontransferable


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What became of one network: of its training with one seed."""

    kept: int = 0
    """The round whose weights are released; 0: given up."""
    before: float = 0.0
    """Source validation score of the plainly trained network."""
    images: int = 0
    """That passed forward and backward."""
    curve: tuple[float, ...] = ()
    """Source validation score after every round."""
    seconds: float = 0.0
    failed: str = ""
    """Why there is nothing, where the training diverged."""


@dataclass(frozen=True, slots=True, eq=False)
class Retrained:
    """All released networks after the training."""

    training: NontransferableTraining
    released: Mapping[Role, Released]
    found: Mapping[Role, tuple[TrainedOn, ...]]
    """One for each model, in their order."""


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    source: Task
    targets: tuple[Task, ...]
    training: NontransferableTraining
    plan: Plan
    folder: Path
    device: str


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One network; the key says where it is in the store, and is the same for the same network in two roles."""

    blueprint: Blueprint
    model: nn.Module
    floor: float
    key: Key


def retrain(run: Run, decision: Decision, plain: Mapping[Role, Released]) -> Retrained | None:
    """Every released network, trained on; None where the configuration asks for plain training alone.

    The floor of a network is what the decision says keeps the source floor, or what the network had, if that is less.
    """
    training = run.config.nontransferable
    if training is None:
        return None
    targets, device = tuple(run.targets.values()), run.config.device
    work = _Work(run.source, targets, training, run.allocation.final.source_plan, run.workspace.checkpoints, device)
    jobs = {role: _jobs(run, work, one, decision.threshold) for role, one in plain.items()}
    every = {job.key: job for several in jobs.values() for job in several}
    known = run.resources.store.read()
    left = [job for key, job in every.items() if not _complete(work, key, known)]
    run.resources.progress.begin(f"nontransferable training ({training.name})", len(every), len(every) - len(left))
    for index, measured in executor_for(run.resources.workers).run(_train, work, left):
        known.update(settle(run.resources.store, measured, run.resources.progress))
        run.resources.progress.advance(1, _said(left[index].key, known))
    found = {role: tuple(_read(known[job.key]) for job in several) for role, several in jobs.items()}
    for role, several in found.items():
        given_up = sum(one.kept == 0 for one in several)
        if given_up:
            run.resources.progress.say(
                f"{role.replace('_', ' ')}: {training.name} was given up for {given_up} of {len(several)} networks, "
                "which stay as they were trained plainly"
            )
    released = {role: _released(run, work, plain[role], jobs[role], found[role]) for role in plain}
    return Retrained(training, released, found)


def _jobs(run: Run, work: _Work, plain: Released, threshold: float) -> tuple[_Job, ...]:
    """One for each model of a role, in their order."""
    found = []
    identity = identity_of(work.training, base=NontransferableTraining)
    for number, model, validation in zip(plain.numbers, plain.models, plain.validation, strict=True):
        floor = min(threshold, validation)
        parts = [identity, work.plan, [task.fingerprint for task in work.targets], floor, weights_fingerprint(model)]
        fidelity = fidelity_name("nontransferable", fingerprint(parts), computed=computed_on(work.device))
        architecture, seed = plain.blueprint.architecture, run.config.seed + number
        measure = f"nontransferable.{work.training.name}"
        key = Key(str(architecture), work.source.fingerprint, measure, "validation", fidelity, seed)
        found.append(_Job(plain.blueprint, model, floor, key))
    return tuple(found)


def _train(work: _Work, job: _Job) -> tuple[Measurement, ...]:
    """One training in a worker: source validation score of what is released, and what became of it as the note."""
    seed, unit = derive_seed(job.key.seed, "nontransferable", job.key.architecture), work.source.unit
    try:
        made = train_nontransferable(
            job.model,
            work.source,
            work.targets,
            work.training,
            work.plan,
            floor=job.floor,
            checkpoint=_file(work, job.key, "checkpoint"),
            seed=seed,
            device=work.device,
        )
    except MeasurementError as error:
        return (Measurement(job.key, math.nan, unit, 0.0, "failed", str(error)),)
    save_weights(made.model, _file(work, job.key, "safetensors"))
    note = TrainedOn(made.kept, made.before, made.images, made.curve, made.seconds)
    return (Measurement(job.key, made.validation, unit, made.seconds, note=canonical_json(note)),)


def _released(run: Run, work: _Work, plain: Released, jobs: tuple[_Job, ...], found: tuple[TrainedOn, ...]) -> Released:
    """A role with its new weights, where there are any, and measured as the plain one was."""
    models = tuple(
        load_weights(build_blueprint(job.blueprint), _file(work, job.key, "safetensors")).eval() if one.kept else model
        for model, job, one in zip(plain.models, jobs, found, strict=True)
    )
    validation = tuple(
        one.curve[one.kept - 1] if one.kept else before for before, one in zip(plain.validation, found, strict=True)
    )
    return replace(
        plain,
        models=models,
        validation=validation,
        test=tuple(evaluate_copy(model, run.source.test, device=run.config.device) for model in models),
        seconds=plain.seconds + sum(one.seconds for one in found),
    )


def _file(work: _Work, key: Key, ending: str) -> Path:
    code = key.architecture.split(":", 1)[1]
    return work.folder / f"{code}-{key.seed}.{work.training.name}.{ending}"


def _complete(work: _Work, key: Key, known: Mapping[Key, Measurement]) -> bool:
    return key in known and (known[key].status == "failed" or _file(work, key, "safetensors").exists())


def _read(measurement: Measurement) -> TrainedOn:
    if measurement.status != "valid":
        return TrainedOn(failed=measurement.note)
    return decode(TrainedOn, json.loads(measurement.note))


def _said(key: Key, known: Mapping[Key, Measurement]) -> str:
    """One line about a network that is done."""
    code = key.architecture.split(":", 1)[1]
    one = _read(known[key])
    if not one.kept:
        return f"{code}: given up ({one.failed or 'no round kept the source floor'})"
    return f"{code}: {known[key].value:.1%} on the source, {one.before:.1%} before (round {one.kept})"


def recorded(
    run: Run, plain: Mapping[Role, Released], retrained: Retrained, outcomes: tuple[OutcomeRecord, ...]
) -> NontransferableRecord:
    """The block of a lock record; ``outcomes`` are of attacks on the plainly trained."""
    training = retrained.training
    models = tuple(
        PlainModelRecord(
            role=role,
            source_validation=plain[role].validation,
            source_test=plain[role].test,
            kept=tuple(one.kept for one in found),
            failed=tuple(one.failed for one in found),
            seconds=sum(one.seconds for one in found),
        )
        for role, found in retrained.found.items()
    )
    return NontransferableRecord(
        training=training.name,
        paper=training.paper,
        summary=training.summary,
        targets=tuple(run.targets),
        known=run.config.scheme == "tk",
        rounds=run.allocation.final.source_plan.epochs,
        images=max(one.images for found in retrained.found.values() for one in found),
        models=models,
        outcomes=outcomes,
    )
