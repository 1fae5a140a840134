"""Attack a trained model: attackers on new targets, on the model alone or on it and its reference alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Unpack

from torch import nn

from archlock.decoding import decode
from archlock.errors import ConfigurationError
from archlock.execution import resolve_device, workers_for
from archlock.models import count_parameters, ordinary, with_new_head
from archlock.progress import Progress, Silent
from archlock.recipes.attack.attacked import (
    AttackedModels,
    attacked_models,
    check_source,
    identified,
    image_limits,
    in_common,
    model_records,
    more_of_source,
    only_answers,
    opened_task,
    prepared_targets,
    source_record,
    source_scores,
    with_heads,
)
from archlock.recipes.attack.config import AttackConfig, AttackSettings
from archlock.recipes.attack.pacing import AttackEffort, measured_pace, plan_effort
from archlock.recipes.attackers import Suite, attack_plan, suite_of
from archlock.recipes.further_training import further_training
from archlock.recipes.model_identity import refuse_by_print
from archlock.recipes.opening import OpenedModel
from archlock.recipes.settings import one_of, showing
from archlock.recipes.settling import say_what_is_outdated
from archlock.recipes.suite import run_suite
from archlock.recipes.task_records import target_record, task_record, versions
from archlock.recipes.workspace import PLAN, REPORT, RESULT, SETTINGS, Workspace
from archlock.records import check_writable, write_atomic
from archlock.reports import AttackRecord, BudgetRecord, FurtherRecord, OutcomeRecord, render_html, to_json
from archlock.tasks import Task, names_apart, share_of

SOURCE = "source.json"


@dataclass(frozen=True, slots=True, eq=False)
class AttackResult:
    """What the attackers gained."""

    record: AttackRecord
    path: Path
    """Directory with ``result.json`` and ``report.html``."""

    @property
    def page(self) -> Path:
        """The report."""
        return self.path / REPORT

    @property
    def outcomes(self) -> tuple[OutcomeRecord, ...]:
        """What every attack gained."""
        return self.record.outcomes


@showing(AttackConfig, AttackSettings)
def attack(
    model: str | Path | nn.Module | OpenedModel,
    targets: Sequence[Task | str | Path],
    config: AttackConfig | None = None,
    *,
    reference: str | Path | nn.Module | OpenedModel | None = None,
    source: Task | str | Path | None = None,
    more: Task | str | Path | None = None,
    out: str | Path | None = None,
    store: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.attack(...)",
    **settings: Unpack[AttackSettings],
) -> AttackResult:
    """Attack a trained model on targets of your own; writes result and report to ``out``.

    Settings are those of :class:`AttackConfig`, as a ``config`` or by name: ``attack(model, targets, seeds=5)``.
    ``model`` is the directory of a lock run (then both of its models are attacked), anything that ``open_model`` reads,
    or an ``nn.Module`` that takes images in [0, 1] and answers logits. ``reference`` is a second model for a paired
    comparison, ``source`` the task that the model was trained for, to measure it there, and ``more`` further images of
    that task, with its classes in the same order, to see whether the model can still be trained on. ``out`` is by
    default a directory named after the targets inside a lock run; other models need it. The same call takes up what was
    interrupted.

    Data may be named as for ``open_task`` (a folder, a file): then they are opened at the size of the model's images,
    as its processor says. A task is brought to that size; one whose files were larger than what was read of them is
    refused, and one that is truly smaller is enlarged and the report says so. Where the size is not known, tasks are
    taken as they are, and the report says that.
    """
    config, progress = one_of(config, settings, AttackConfig.of), progress or Silent()
    config = replace(config, device=resolve_device(config.device))
    models = attacked_models(model, reference)

    names = names_apart([str(data) for data in targets if not isinstance(data, Task)])

    def task_of(data: Task | str | Path) -> Task:
        return opened_task(models, data, name=names.get(str(data)), seed=config.seed)

    given = [task_of(data) for data in targets]
    if given:
        models = with_heads(models, given[0].shape)
    prepared = prepared_targets(models, given)
    own = None if source is None else task_of(source)
    if own is not None:
        check_source(models, own)
    honest = None if more is None else more_of_source(models, task_of(more))
    for line in (*(note for one in models.opened for note in one.notes), *image_limits(models, prepared)):
        progress.say(line)
    common = in_common(models, own, prepared)
    if config.examples is not None:
        prepared = {n: share_of(task, config.examples, seed=config.seed) for n, task in prepared.items()}
    models = identified(models, models.shape or next(iter(prepared.values())).shape)
    folder, workers = _folder(models, prepared, out), workers_for(config.device, workers)
    refuse_by_print(folder)
    check_writable(folder / REPORT)
    fresh = None if (folder / SETTINGS).exists() else _planned(models, prepared, config, workers)
    workspace = Workspace.open(folder, _identity(models, prepared, own, honest, config), store=store)
    say_what_is_outdated(workspace.store, progress)
    scores = _source_scores(workspace, models, own, config)
    answers = [] if own is None else only_answers(models, own, device=config.device)
    effort = None
    if config.budget is not None:
        plan = workspace.once(PLAN, lambda: fresh or _planned(models, prepared, config, workers))
        effort = decode(AttackEffort, plan)
        progress.say(f"planned for {config.budget}: {effort}")
    attacked, suite = _work(prepared, config, effort)
    outcomes = run_suite(
        list(models.defended),
        attacked,
        suite,
        store=workspace.store,
        progress=progress,
        workers=workers,
        seed=config.seed,
        device=config.device,
    )
    further: tuple[FurtherRecord, ...] = ()
    if honest is not None:
        further = further_training(
            models.defended,
            honest,
            epochs=config.epochs,
            seeds=suite.seeds,
            store=workspace.store,
            progress=progress,
            workers=workers,
            seed=config.seed,
            device=config.device,
        )
    spent = {"attacks": sum(outcome.seconds for outcome in outcomes)}
    if further:
        spent["further training"] = sum(one.seconds for one in further)
    shape = models.shape or next(iter(attacked.values())).shape
    found = AttackRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=config.seed,
        command=command,
        versions=versions(),
        source=source_record(models) if own is None else task_record(own),
        models=model_records(models, shape, scores, answers),
        targets=tuple(target_record(n, replace(common[n], task=t)) for n, t in attacked.items()),
        outcomes=outcomes,
        further=further,
        spent_seconds=spent,
        budget=_budget_record(config, effort, spent, len(outcomes)),
        limits=image_limits(models, attacked),
    )
    to_json(workspace.path / RESULT, found)
    write_atomic(workspace.path / REPORT, render_html(found))
    return AttackResult(found, workspace.path)


def _folder(models: AttackedModels, targets: dict[str, Task], out: str | Path | None) -> Path:
    if out is not None:
        return Path(out)
    if models.home is None:
        raise ConfigurationError("the result of the attack needs a place; give a new directory with --out")
    return models.home / "attacks" / "-".join(sorted(targets))


def _identity(
    models: AttackedModels, targets: dict[str, Task], source: Task | None, more: Task | None, config: AttackConfig
) -> dict[str, Any]:
    """What must be the same for the same call to take a run up."""
    identity = {"targets": [t.fingerprint for t in targets.values()], "config": config, **models.identity}
    given = {"source": source, "more": more}
    return {**identity, **{name: task.fingerprint for name, task in given.items() if task is not None}}


def _source_scores(
    workspace: Workspace, models: AttackedModels, source: Task | None, config: AttackConfig
) -> list[tuple[float, float]]:
    """Validation and test score of every opened model on its source, measured once; nothing without a source."""
    if source is None:
        return []
    found = workspace.once(SOURCE, lambda: source_scores(models, source, device=config.device))
    return [(validation, test) for validation, test in found]


def _work(targets: dict[str, Task], config: AttackConfig, effort: AttackEffort | None) -> tuple[dict[str, Task], Suite]:
    """What is attacked with how much data, and how, as configured or as planned for the budget."""
    if effort is not None:
        targets = {name: share_of(task, effort.examples, seed=config.seed) for name, task in targets.items()}
        plan = attack_plan(effort.examples, effort.epochs, size=_largest(targets))
        asked = _suite(config, targets)
        return targets, replace(asked, plan=plan, fractions=effort.fractions, seeds=effort.seeds)
    return targets, _suite(config, targets)


def _suite(config: AttackConfig, targets: dict[str, Task]) -> Suite:
    most = max(len(task.train) for task in targets.values())
    return suite_of(config, attack_plan(most, config.epochs, size=_largest(targets)), seeds=config.seeds)


def _largest(targets: dict[str, Task]) -> tuple[int, int]:
    """Height and width of the largest images."""
    return max((task.shape[1:] for task in targets.values()), key=lambda size: size[0] * size[1])


def _planned(
    models: AttackedModels, targets: dict[str, Task], config: AttackConfig, workers: int
) -> AttackEffort | None:
    """How hard the attackers can try for the budget, by timing the models here; None without a budget."""
    if config.budget is None:
        return None
    biggest = max(targets.values(), key=lambda task: (task.shape[1] * task.shape[2], len(task.train)))
    paces = [measured_pace(defended.models[0], biggest, device=config.device) for defended in models.defended]
    reference = models.defended[0].models[0]
    size = count_parameters(with_new_head(reference, biggest.signature, seed=0))
    apart = measured_pace(ordinary(biggest.signature, parameters=size, seed=0), biggest, device=config.device)
    asked = _suite(config, targets)
    return plan_effort(config.budget, asked, targets, paces, apart=apart, epochs=config.epochs, workers=workers)


def _budget_record(
    config: AttackConfig, effort: AttackEffort | None, spent: dict[str, float], trainings: int
) -> BudgetRecord | None:
    if config.budget is None or effort is None:
        return None
    planned = {
        "epochs of an attack": effort.epochs,
        "examples an attacker has": effort.examples,
        "seeds": effort.seeds,
        "shares of the data": len(effort.fractions),
        "minutes": effort.seconds / 60,
    }
    return BudgetRecord(
        asked=str(config.budget), planned=planned, spent_seconds=spent, trainings={"of attackers": trainings}
    )
