"""The main job, end to end: from a source task to a locked, trained and attacked model, and a report.

The engine buys evidence on the source and on targets that the search may know, short trainings first and then full
ones, and chooses the lock; a search of its own, without targets, chooses the source-only architecture. Random
architectures above the source floor are trained beside it. Only then are the sealed targets opened and the attackers
let loose, on the locked model, the source-only one and the random ones alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from torch import nn

from archlock.attacks import ATTACKS
from archlock.execution import resolve_device, workers_for, workers_kept
from archlock.progress import Progress, Silent
from archlock.recipes.attackers import Suite, suite_of
from archlock.recipes.doubles import doubles
from archlock.recipes.further_training import MOST_EXAMPLES, further_training
from archlock.recipes.lock.arms import train_arms
from archlock.recipes.lock.config import LockConfig, LockSettings
from archlock.recipes.lock.data import data_named
from archlock.recipes.lock.decide import decide
from archlock.recipes.lock.leaking import leak_of, refuse_peep
from archlock.recipes.lock.lessons import refuse_lessons
from archlock.recipes.lock.nontransferable import recorded, retrain
from archlock.recipes.lock.outputs import (
    PLAIN_REFERENCE,
    left_out,
    will_be_left_out,
    write_models,
    write_pages,
    write_reference,
)
from archlock.recipes.lock.recording import lock_record
from archlock.recipes.lock.release import Released, release
from archlock.recipes.lock.run import Run, begin
from archlock.recipes.naming import named
from archlock.recipes.settings import one_of, showing
from archlock.recipes.suite import run_suite
from archlock.recipes.suite_jobs import Defended
from archlock.recipes.task_records import Attacked
from archlock.recipes.workspace import REPORT
from archlock.records import write_atomic
from archlock.reports import FurtherRecord, LockRecord, OutcomeRecord, Role, render_html
from archlock.spaces import Architecture
from archlock.tasks import SIMULATORS, Choice, SealedTask, Task, conform_to, enlarged, seal, share_of


@dataclass(frozen=True, slots=True, eq=False)
class LockResult:
    """What a lock run ends with."""

    model: nn.Module
    """The locked model, trained, in evaluation mode: float32 images in [0, 1] in, logits out."""
    architecture: Architecture
    record: LockRecord
    path: Path
    """The run directory."""

    @property
    def page(self) -> Path:
        """The report."""
        return self.path / REPORT

    @property
    def outcomes(self) -> tuple[OutcomeRecord, ...]:
        """What every attack gained."""
        return self.record.outcomes

    def report(self, path: str | Path) -> Path:
        """Write the report as one HTML file."""
        return write_atomic(Path(path), render_html(self.record))


@showing(LockConfig, LockSettings)
def lock(
    source: Task | str | Path,
    config: LockConfig | None = None,
    *,
    out: str | Path | None = None,
    known: Sequence[Task | str | Path] = (),
    sealed: Sequence[SealedTask | str | Path] = (),
    store: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.lock(...)",
    **settings: Unpack[LockSettings],
) -> LockResult:
    """Search, train, attack and report; everything is written to the directory ``out`` (``runs/NAME`` of the source).

    Settings are those of :class:`LockConfig`, as a ``config`` or by name: ``lock(source, scheme="tu", seed=0)``.
    ``source`` is a task, or what names one (:func:`~archlock.tasks.open_task`), and so are targets. ``known`` are those
    of scheme TK. ``sealed`` are targets the search must not see: they are opened when the lock is decided. Without any,
    the held-out simulated tasks of the configuration are attacked. The same call takes up a run that was interrupted
    and ends with the same answer. ``store`` shares evidence between runs.
    """
    config, progress = one_of(config, settings, LockConfig.of), progress or Silent()
    config = replace(config, device=resolve_device(config.device))
    task, targets, audited = data_named(source, known, sealed, seed=config.seed)
    refuse_peep(config, task)
    hidden = audited or _held_out(task, config)
    texts = [str(one) for one in (*known, *sealed) if isinstance(one, str | Path)]
    names = [*(one.name for one in targets), *(one.name for one in hidden)]
    refuse_lessons(config, task, [*names, *texts])
    for line in will_be_left_out():
        progress.say(line)
    run = begin(
        task,
        config,
        Path(out) if out else Path("runs") / task.name,
        known=targets,
        sealed=len(hidden),
        store=store,
        workers=workers_for(config.device, workers),
        progress=progress,
    )
    with workers_kept():
        return _carried_out(run, hidden, simulated=not audited, command=command)


def _carried_out(run: Run, hidden: Sequence[SealedTask], *, simulated: bool, command: str) -> LockResult:
    """Decide, train, open the sealed targets, attack, and write."""
    decision = decide(run)
    arms = train_arms(run, decision)
    plain: dict[Role, Released] = {
        "locked": release(run, decision.locked),
        "source_only": release(run, decision.source_only),
        **arms.released,
    }
    retrained = retrain(run, decision, plain)
    every = plain if retrained is None else retrained.released
    opened = open_targets(run, hidden, decision.choice, simulated=simulated)
    attacked, defended = {name: target.task for name, target in opened.items()}, _defended(every)
    outcomes = _attack(run, defended, attacked)
    before = None
    if retrained is not None:
        before = recorded(run, plain, retrained, _attack_plain(run, _defended(plain), attacked))
    further = _train_on(run, defended)
    leak = leak_of(run, every, command=command)
    record = lock_record(run, decision, every, arms, opened, outcomes, further, before, leak, command=command)
    for line in left_out():
        run.resources.progress.say(line)
    write_models(run.workspace.path, every)
    if retrained is not None:
        write_reference(run.workspace.path / PLAIN_REFERENCE, plain)
    write_pages(run.workspace.path, record)
    return LockResult(every["locked"].models[0], decision.locked.architecture, record, run.workspace.path)


def _held_out(source: Task, config: LockConfig) -> tuple[SealedTask, ...]:
    """Simulated targets that the search does not see, sealed like any other."""

    def sealed(name: str) -> SealedTask:
        return seal(lambda: SIMULATORS[name].simulate(source, seed=config.seed), name=name)

    seen, held_out = config.stand_ins_for(source.form)
    names = [name for name in held_out if name not in seen and SIMULATORS[name].supports(source)]
    return tuple(sealed(name) for name in names)


def open_targets(
    run: Run, hidden: Sequence[SealedTask], choice: Choice, *, simulated: bool = False
) -> dict[str, Attacked]:
    """Every target to attack, by name: the known ones, and the sealed ones opened with the choice.

    The search saw the known ones, and a sealed one that turns out to be one of them. ``simulated`` sealed targets have
    the names of their simulators.
    """
    found = [Attacked(task, seen_by_search=True) for task in run.targets.values()] if run.config.scheme == "tk" else []
    seen = {task.fingerprint for task in run.targets.values()}
    for target in hidden:
        task = target.open(choice)
        fits = simulated and task.shape == run.source.shape  # in the source's own units, or near them on purpose
        task = task if fits else conform_to(task, run.source.signature)
        drawn = simulated and SIMULATORS[target.name].draws
        found.append(Attacked(task, task.fingerprint in seen, simulated, drawn))
    given = dict(zip(named([one.task for one in found]), found, strict=True))
    brought = {name: one.task for name, one in given.items() if not one.simulated}
    in_common, most = doubles(run.source, brought), run.allocation.attack_examples
    for name, (_, same) in in_common.items():
        if same:
            run.resources.progress.say(f"warning: the target {name} is the same data as {same}, under another name")
    return {
        name: replace(
            one,
            task=share_of(one.task, most, seed=run.config.seed),
            in_common=in_common.get(name, (None, ""))[0],
            same_as=in_common.get(name, (None, ""))[1],
        )
        for name, one in given.items()
    }


def _defended(released: Mapping[Role, Released]) -> list[Defended]:
    return [Defended(role, str(one.finalist.architecture), one.models, one.diverged) for role, one in released.items()]


def _attack(run: Run, defended: Sequence[Defended], targets: Mapping[str, Task]) -> tuple[OutcomeRecord, ...]:
    return _run_suite(run, defended, targets, _suite(run), "attacks")


def _attack_plain(run: Run, defended: Sequence[Defended], targets: Mapping[str, Task]) -> tuple[OutcomeRecord, ...]:
    """On the plainly trained; whoever uses no weights does the same as on the others, and is not asked again."""
    suite = _suite(run)
    able = tuple(name for name in suite.attackers if ATTACKS[name].uses_weights)
    if not able:
        return ()
    return _run_suite(run, defended, targets, replace(suite, attackers=able), "attacks on the plainly trained")


def _suite(run: Run) -> Suite:
    return suite_of(run.config, run.allocation.attack_plan, seeds=run.config.attack_seeds)


def _run_suite(
    run: Run, defended: Sequence[Defended], targets: Mapping[str, Task], suite: Suite, stage: str
) -> tuple[OutcomeRecord, ...]:
    return run_suite(
        defended,
        targets,
        suite,
        store=run.resources.store,
        progress=run.resources.progress,
        workers=run.resources.workers,
        seed=run.config.seed,
        device=run.config.device,
        stage=stage,
    )


def _train_on(run: Run, defended: Sequence[Defended]) -> tuple[FurtherRecord, ...]:
    """With images of the source that no model was trained on, those that decisions were made by, and others."""
    most = min(run.allocation.attack_examples, MOST_EXAMPLES)
    more, unseen = enlarged(run.source, most, seed=run.config.seed)
    return further_training(
        defended,
        more,
        unseen=unseen,
        epochs=run.allocation.final.source_plan.epochs,
        seeds=run.config.attack_seeds,
        store=run.resources.store,
        progress=run.resources.progress,
        workers=run.resources.workers,
        seed=run.config.seed,
        device=run.config.device,
    )
