"""What naive and informed attackers get of a model and of the same model with friction, paired by seed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import nn

from archlock.attacks import ATTACKS
from archlock.errors import MeasurementError, UnsupportedError
from archlock.execution import executor_for
from archlock.progress import Progress
from archlock.recipes.release.config import INFORMED, NAIVE, ReleaseConfig
from archlock.recipes.suite import attack_plan
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

    The same seed means the same images and random numbers for both forms. An attack that fails is a trial that says
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
    found: dict[int, FrictionTrial] = {}
    for index, trial in executor_for(workers).run(_trial, _Shared(models, target, config), jobs):
        found[index] = trial
        progress.advance(
            1, f"{trial.attacker} on the {'original' if trial.form == 'original' else 'model with friction'}"
        )
    return tuple(found[index] for index in range(len(jobs)))


def attackers_share(target: Task, config: ReleaseConfig, index: int) -> Task:
    """The images that the attackers get with that seed."""
    if config.examples is None or config.examples >= len(target.train):
        return target
    return share_of(target, config.examples, seed=derive_seed(config.seed, "release", index))


def _trial(shared: _Shared, job: _Job) -> FrictionTrial:
    """One attack, in a worker."""
    config = shared.config
    data, attack = attackers_share(shared.target, config, job.index), ATTACKS[job.attacker]
    plan = attack_plan(len(data.train), config.epochs)
    plan = replace(plan, batch_size=min(plan.batch_size, max(4, len(data.train) // 16)))
    seed = derive_seed(config.seed, "release", job.attacker, job.index)
    try:
        outcome = attack.run(shared.models[job.form], data, plan=plan, seed=seed, device=config.device)
    except (MeasurementError, UnsupportedError) as error:
        return FrictionTrial(job.attacker, job.panel, job.form, job.index, None, note=str(error))
    words = outcome.setting.words(attack.tuned)
    return FrictionTrial(job.attacker, job.panel, job.form, job.index, outcome.test, words, seconds=outcome.seconds)
