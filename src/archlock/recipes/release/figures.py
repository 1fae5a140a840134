"""What naive and informed attackers get of a model and of the same model with friction, paired by seed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import nn

from archlock.attacks import ATTACKS, Setting
from archlock.errors import MeasurementError, UnsupportedError
from archlock.execution import executor_for
from archlock.progress import Progress
from archlock.recipes.attackers import attack_plan
from archlock.recipes.release.config import INFORMED, NAIVE, ReleaseConfig
from archlock.reports import FORMS, Form, FrictionTrial, Panel
from archlock.seeding import derive_seed
from archlock.tasks import Task, share_of

PANELS: Mapping[Panel, tuple[str, ...]] = {"naive": NAIVE, "informed": INFORMED}


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    models: Mapping[Form, nn.Module]
    target: Task
    config: ReleaseConfig


@dataclass(frozen=True, slots=True)
class _Job:
    panel: Panel
    attacker: str
    form: Form
    index: int


def measured(
    models: Mapping[Form, nn.Module], target: Task, config: ReleaseConfig, *, workers: int, progress: Progress
) -> tuple[FrictionTrial, ...]:
    """Every attacker of both panels on both forms with every seed, in that order.

    The same seed means the same images and random numbers for both forms. With the first seed the attackers look for
    their settings, on each form for itself, and keep the best for the others. An attack that fails is a trial that says
    why.
    """
    jobs = [
        _Job(panel, attacker, form, index)
        for panel, attackers in PANELS.items()
        for attacker in attackers
        for form in FORMS
        for index in range(config.seeds)
    ]
    progress.begin("attacks", len(jobs))
    shared, found = _Shared(models, target, config), dict[_Job, tuple[FrictionTrial, Setting | None]]()
    for first in (True, False):
        waiting = [job for job in jobs if (job.index == 0) is first]
        given = [(job, None if first else found[replace(job, index=0)][1]) for job in waiting]
        for place, trial in executor_for(workers).run(_trial, shared, given):
            found[waiting[place]] = trial
            progress.advance(1, f"{trial[0].attacker}, {trial[0].form}")
    return tuple(found[job][0] for job in jobs)


def attackers_share(target: Task, config: ReleaseConfig, index: int) -> Task:
    """The images that the attackers get with that seed."""
    if config.examples is None or config.examples >= len(target.train):
        return target
    return share_of(target, config.examples, seed=derive_seed(config.seed, "release", index))


def _trial(shared: _Shared, given: tuple[_Job, Setting | None]) -> tuple[FrictionTrial, Setting | None]:
    """One attack, in a worker, at the given setting or at the best it finds; and that setting, None if it failed."""
    (job, setting), config = given, shared.config
    data, attack = attackers_share(shared.target, config, job.index), ATTACKS[job.attacker]
    asked = None if setting is None else (setting,)
    try:
        outcome = attack.run(
            shared.models[job.form],
            data,
            plan=attack_plan(len(data.train), config.epochs, size=data.shape[1:]),
            settings=asked,
            seed=derive_seed(config.seed, "release", job.attacker, job.index),
            device=config.device,
        )
    except (MeasurementError, UnsupportedError) as error:
        return FrictionTrial(job.attacker, job.panel, job.form, job.index, None, note=str(error)), None
    words = outcome.setting.words(attack.tuned)
    trial = FrictionTrial(job.attacker, job.panel, job.form, job.index, outcome.test, words, seconds=outcome.seconds)
    return trial, outcome.setting
