"""The same attackers on a model before and after something was done to it: does that open a lock, or close one?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torch import nn

from archlock.attacks import DEFAULT, check_fits
from archlock.errors import ConfigurationError
from archlock.evidence import EvidenceStore
from archlock.execution import resolve_device, workers_for
from archlock.progress import Progress, Silent
from archlock.recipes.attackers import attack_plan, check_attackers, suite_of
from archlock.recipes.checking import check_seed, check_whole
from archlock.recipes.doubles import doubles
from archlock.recipes.naming import by_name
from archlock.recipes.opening import OpenedModel
from archlock.recipes.suite import run_suite
from archlock.recipes.suite_jobs import Defended
from archlock.recipes.task_records import Attacked, target_record
from archlock.reports import BeforeAfterRecord
from archlock.tasks import Task, share_of

NAMES: Final = ("before", "after")
ABOUT: Final = "the target "
"""How notes on what a target has in common with others begin."""


@dataclass(frozen=True, slots=True)
class PairedAttacks:
    """Who attacks both models and how hard. Everything that changes the answer, besides models and targets."""

    panel: str = DEFAULT
    attackers: tuple[str, ...] = ()
    """Those instead of the panel's."""
    fractions: tuple[float, ...] = (1.0,)
    seeds: int = 3
    epochs: int | None = None
    """Epochs of a training at fraction 1; None: by the amount of data."""
    examples: int | None = None
    """Most training examples of a target; None: all."""
    horizons: tuple[float, ...] = ()
    shots: tuple[int, ...] = ()
    trials: int | None = None
    curves: bool = False
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_attackers(self)
        check_whole(1, seeds=self.seeds, epochs=self.epochs)
        check_whole(2, examples=self.examples)
        check_seed(self.seed)


def targets_of(opened: OpenedModel, targets: Sequence[Task | str | Path], *, seed: int) -> tuple[Task, ...]:
    """Targets as the model takes them; texts are read as for ``open_task``, each under a name of its own.

    What the model cannot take raises UnsupportedError, two targets of one name ConfigurationError.
    """
    read = iter(opened.read_all([str(data) for data in targets if not isinstance(data, Task)], seed=seed))
    fitting = tuple(opened.fitting(data if isinstance(data, Task) else next(read)) for data in targets)
    if fitting:
        by_name(fitting, "a comparison of attacks")
    for task in fitting:
        check_fits(opened.module, task)
    return fitting


def in_common_notes(source: Task, targets: Sequence[Task]) -> tuple[str, ...]:
    """A sentence for every target that is the source, another target, or shares images with the source."""
    said = []
    for name, (shared, same) in doubles(source, {task.name: task for task in targets}).items():
        if same == "source":
            said.append(
                f"{ABOUT}{name} is the same data as the source: what attackers reach there is the model's own task"
            )
        elif same:
            said.append(f"{ABOUT}{name} is the same data as the target {same}, so it counts twice")
        elif shared is not None and shared.shared:
            words = source.words
            said.append(f"{ABOUT}{name} shares {shared.shared} of its {shared.images} {words} with the source")
    return tuple(said)


def before_after(
    before: nn.Module,
    after: nn.Module,
    targets: Sequence[Task],
    settings: PairedAttacks,
    *,
    store: EvidenceStore,
    names: tuple[str, str] = NAMES,
    progress: Progress | None = None,
    workers: int | None = None,
) -> BeforeAfterRecord:
    """Every attacker on both models, on every target with every seed; what the store knows is not done again.

    Both models take images of the targets' shape and are left as they were. The same seed means the same images and
    random numbers for both, and every attacker looks for settings on each for itself. No target raises
    ConfigurationError; a model that cannot be attacked is an outcome that says so.
    """
    device = resolve_device(settings.device)
    if len(names) != len(set(names)):
        raise ConfigurationError(f"the model before and the one after need different names; got {names}")
    given = by_name(targets, "a comparison of attacks")
    if settings.examples is not None:
        given = {name: share_of(task, settings.examples, seed=settings.seed) for name, task in given.items()}
    plan = attack_plan(max(len(task.train) for task in given.values()), settings.epochs)
    outcomes = run_suite(
        [Defended("source_only", names[0], (before,)), Defended("locked", names[1], (after,))],
        given,
        suite_of(settings, plan, seeds=settings.seeds),
        store=store,
        progress=progress or Silent(),
        workers=workers_for(device, workers),
        seed=settings.seed,
        device=device,
        stage="attacks before and after",
    )
    return BeforeAfterRecord(
        names=names,
        targets=tuple(target_record(name, Attacked(task)) for name, task in given.items()),
        outcomes=outcomes,
        epochs=plan.epochs,
        seconds=sum(one.seconds for one in outcomes),
    )
