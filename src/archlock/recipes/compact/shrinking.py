"""The trainings of a compaction: how many epochs for what, and a smaller network for each learning rate."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from torch import nn

from archlock.errors import ConfigurationError, MeasurementError
from archlock.models import narrowed, structure_of
from archlock.progress import Progress, counted
from archlock.recipes.compact.config import RATES, CompactConfig
from archlock.reports import CurvePoint
from archlock.seeding import derive_seed
from archlock.tasks import Split, Task
from archlock.training import (
    COMPACTORS,
    Choice,
    Goal,
    Optimiser,
    Periods,
    Plan,
    Removed,
    Trained,
    batch_of,
    evaluate,
    fit,
    lowest,
    precision_on,
    recalibrated,
    removed_at_once,
    removed_gradually,
    scores_at_rest,
)

FADING: Final = 4
"""Units have gone after this part of all steps, a quarter, as the authors advise (a fifth to a quarter)."""
WAITING: Final = 10
"""Nothing fades before this part of all steps, a tenth."""
LOOKED_ON: Final = 1000
"""Validation images of curve and path, at most."""
SHARES: Final = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
"""Of the units, that smaller networks on the curve keep."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the epochs are for."""

    fading: int
    """Epochs in which units fade; 0: they go before."""
    rest: int
    """Epochs in which what is left trains on."""
    periods: Periods | None


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What one learning rate came to."""

    rate: float
    removed: Removed | None = None
    """None where it diverged."""
    trained: Trained | None = None
    note: str = ""


def optimiser_of(config: CompactConfig, model: nn.Module) -> Optimiser:
    """The one that was asked for, else sgd for a network with batch normalisation and adamw for others."""
    normalised = any(isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d) for one in model.modules())
    return config.optimiser or ("sgd" if normalised else "adamw")


def rates_of(config: CompactConfig, optimiser: Optimiser) -> tuple[float, ...]:
    """Learning rates to try."""
    return config.rates or (RATES[optimiser],)


def schedule_of(config: CompactConfig, steps: int) -> Schedule:
    """What the epochs of a training are for; ConfigurationError where units have no time to fade."""
    epochs = config.epochs_for(steps * config.batch_size)
    if not COMPACTORS[config.method].gradual:
        return Schedule(0, epochs, None)
    start = epochs * steps // WAITING
    asked = config.pruning_steps or max(1, epochs * steps // FADING - start)
    count = config.periods if config.pruning_steps else min(config.periods, asked)
    periods = Periods(start, asked, 1 if COMPACTORS[config.method].cycles else count)
    fading = -(-periods.end // steps)
    if fading > epochs:
        raise ConfigurationError(
            f"{epochs} epochs are {epochs * steps} steps, of which {start} come before units fade and {periods.end} "
            "must be over when they are gone; give more epochs, or fewer pruning steps"
        )
    return Schedule(fading, epochs - fading, periods)


def fewer_periods(config: CompactConfig, schedule: Schedule) -> tuple[str, ...]:
    """What is said where units have fewer periods to fade in than were asked for."""
    found = schedule.periods
    if found is None or COMPACTORS[config.method].cycles or found.periods == config.periods:
        return ()
    return (
        f"units fade in {found.periods} of {config.periods} periods, since there are {found.steps} steps for it and "
        "each needs one; more epochs or pruning steps make room for more",
    )


def plan_of(config: CompactConfig, optimiser: Optimiser, epochs: int) -> Plan:
    """How the network trains, but for the learning rate."""
    return Plan(epochs, config.batch_size, flip=config.flip, optimiser=optimiser, precision=precision_on(config.device))


def looking(task: Task) -> tuple[Split, Split]:
    """Images of which statistics are taken, and validation images on which it is seen how a network stands."""
    few = range(min(LOOKED_ON, len(task.train))), range(min(LOOKED_ON, len(task.validation)))
    return task.train.take(few[0]), task.validation.take(few[1])


def curve_without_training(model: nn.Module, choice: Choice, task: Task, config: CompactConfig) -> list[CurvePoint]:
    """How smaller networks of the same scores stand that are not trained, beginning with the whole one."""
    method, (statistics, judged) = COMPACTORS[config.method], looking(task)
    plan = plan_of(config, optimiser_of(config, model), 1)
    scores = scores_at_rest(model, choice, method, task, plan, seed=derive_seed(config.seed, "curve"))
    image = batch_of(task.validation.take([0])).images
    found = [CurvePoint(kept=choice.units, parameters=choice.structure.parameters, score=evaluate(model, judged))]
    for share in SHARES:
        goal = Goal(Fraction(str(share)), "groups", choice.goal.divisible)
        gone = lowest(replace(choice, goal=goal), scores, {})
        smaller = recalibrated(narrowed(model, choice.structure, gone), statistics)
        kept = choice.units - sum(map(len, gone.values()))
        parameters = structure_of(smaller, image).parameters
        found.append(CurvePoint(kept=kept, parameters=parameters, score=evaluate(smaller, judged)))
    return found


def trial_at(
    rate: float,
    model: nn.Module,
    choice: Choice,
    task: Task,
    config: CompactConfig,
    schedule: Schedule,
    *,
    folder: Path,
    progress: Progress,
) -> Trial:
    """A smaller network at one learning rate; one that diverged says so. Taken up from the folder's checkpoints."""
    method, seed = COMPACTORS[config.method], derive_seed(config.seed, "compact")
    base = plan_of(config, optimiser_of(config, model), max(1, schedule.rest)).with_rate(rate)
    statistics, judged = looking(task)
    reached = counted(progress, f"epochs at rate {rate:g}", schedule.fading + schedule.rest)

    def look(one: nn.Module) -> float:
        found = recalibrated(one, statistics, device=config.device)
        return evaluate(found, judged, device=config.device)

    try:
        if schedule.periods is None:
            removed = removed_at_once(model, choice, method, task, base, seed=seed)
        else:
            removed = removed_gradually(
                model,
                choice,
                method,
                task,
                replace(base, epochs=schedule.fading),
                schedule.periods,
                look=look,
                published=config.published,
                checkpoint=folder / f"fading-{rate:g}.pt",
                progress=lambda done, _: reached(done),
                seed=seed,
                device=config.device,
            )
        trained = None
        if schedule.rest:
            trained = fit(
                removed.model,
                task,
                replace(base, warmup=0.0 if schedule.periods else base.warmup, patience=schedule.rest),
                checkpoint=folder / f"training-{rate:g}.pt",
                progress=lambda done, _: reached(schedule.fading + done),
                seed=seed,
                device=config.device,
            )
    except MeasurementError as error:
        return Trial(rate, note=str(error))
    return Trial(rate, removed, trained)
