"""The main job, end to end: from a source task to a locked, trained and attacked model, and a report.

Evidence is bought on the source and on targets the search may know; a preference model turns it into a score of every
architecture on every task; the search maximises the lock objective; finalists are trained on the source; one is chosen.
Only then are the sealed targets opened and the attackers let loose, on the locked and on the source-only model alike.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import nn

from archlock.adaptation import SOURCE, weights_file
from archlock.attacks import ATTACKS
from archlock.decoding import decode
from archlock.errors import ConfigurationError
from archlock.evidence import Key, Measurement
from archlock.execution import default_workers
from archlock.models import load_weights
from archlock.progress import Progress, Silent
from archlock.recipes.allocation import Allocation, Scale, allocate, conformed
from archlock.recipes.attacking import Defended, Suite, run_suite
from archlock.recipes.budget import Budget
from archlock.recipes.decide import Finalist, choose, finalists_of
from archlock.recipes.export import Blueprint, build_blueprint
from archlock.recipes.gathering import Subjects, gather
from archlock.recipes.learning import Means, learn_by_adaptation, learn_by_proxies
from archlock.recipes.outputs import (
    FILES,
    model_record,
    target_record,
    task_record,
    versions,
    write_models,
    write_pages,
)
from archlock.recipes.workspace import CHOICE, PLAN, Workspace
from archlock.reports import BudgetRecord, EvidenceRecord, FinalistRecord, FloorRecord, LockRecord, OutcomeRecord
from archlock.search import SourceFloor
from archlock.spaces import SPACES, Architecture
from archlock.tasks import SIMULATORS, Choice, SealedTask, Task, conform, seal, subsample
from archlock.training import evaluate


@dataclass(frozen=True, slots=True)
class LockConfig:
    """What is asked of a lock. Everything that changes the answer, besides the data, is here and nothing else."""

    scheme: str = "tu"
    """``s``: source only. ``tk``: the targets are known. ``tu``: the targets are unknown, simulated ones stand in."""
    space: str = "nasbench201"
    evidence: str = "adaptation"
    """``adaptation``: short trainings, adapted to the known targets. ``zero_cost``: no training before the finalists."""
    preference: str = "score_model"
    strategy: str = "exhaustive"
    objective: str = "constrained"
    """``constrained``: least for the attackers above the source floor. ``published``: T_rank - 2 S_rank."""
    floor: SourceFloor = SourceFloor("accuracy_loss", 0.01)
    budget: Budget = Budget(20, "minutes")
    simulated: tuple[str, ...] = ("jigsaw", "rotation")
    """Simulated targets that the search sees (scheme TU)."""
    held_out: tuple[str, ...] = ("textures",)
    """Simulated targets kept sealed for the attackers when the owner names no targets to be attacked on."""
    width: int = 16
    depth: int = 1
    epochs: int | None = None
    flip: bool = False
    attack_seeds: int = 3
    fractions: tuple[float, ...] = (0.1, 1.0)
    demo: bool = False
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("scheme", self.scheme, ("s", "tk", "tu")),
            ("evidence", self.evidence, ("adaptation", "zero_cost")),
            ("objective", self.objective, ("constrained", "published")),
        ):
            if value not in known:
                raise ConfigurationError(f"unknown {name} {value!r}; known: {', '.join(known)}")


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
    def outcomes(self) -> tuple[OutcomeRecord, ...]:
        """What every attack gained."""
        return self.record.outcomes

    def report(self, path: str | Path) -> Path:
        """Write the report as one HTML file."""
        return write_atomic(Path(path), render_html(self.record))


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """A run under way: what was asked, on what, with what means. Carries no sealed target."""

    config: LockConfig
    source: Task
    targets: Mapping[str, Task]
    """Targets that the search may know, by name."""
    workspace: Workspace
    means: Means
    allocation: Allocation


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What the search and the finalists' training came to. Only its ``choice`` opens sealed targets."""

    choice: Choice
    locked: Finalist
    source_only: Finalist
    finalists: tuple[Finalist, ...]
    percentiles: Mapping[Architecture, float]
    """Predicted source percentile of each finalist, in [0, 1]."""
    trade_off: tuple[TradeOffPoint, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Released:
    """A chosen architecture, trained on the source with every seed."""

    finalist: Finalist
    blueprint: Blueprint
    models: tuple[nn.Module, ...]
    validation: tuple[float, ...]
    test: tuple[float, ...]
    seconds: float


def lock(
    source: Task,
    config: LockConfig | None = None,
    *,
    out: str | Path,
    known: Sequence[Task] = (),
    sealed: Sequence[SealedTask] = (),
    store: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.recipes.lock(...)",
) -> LockResult:
    """Search, train, attack and report; everything is written to the directory ``out``.

    ``known`` are the targets of scheme TK. ``sealed`` are targets that the search must not see: they are opened when the
    lock is decided. Without any, the held-out simulated tasks of the configuration are attacked. The same call takes up
    a run that was interrupted and ends with the same answer. ``store`` shares evidence between runs.
    """
    config = config or LockConfig()
    run = _begin(
        source, config, Path(out), known, len(sealed), store, workers or default_workers(), progress or Silent()
    )
    decision = decide(run)
    locked = _train(run, decision.locked)
    source_only = locked if decision.source_only is decision.locked else _train(run, decision.source_only)
    opened = _open(run, sealed or _held_out(run), decision.choice)
    outcomes = _attack(run, {"locked": locked, "source_only": source_only}, opened)
    record = _record(run, decision, (locked, source_only), opened, outcomes, command)
    write_models(run.workspace.path, locked.blueprint, locked.models[0], source_only.models[0])
    write_pages(run.workspace.path, record)
    return LockResult(locked.models[0], decision.locked.architecture, record, run.workspace.path)


def decide(run: _Run) -> Decision:
    """From evidence to a choice. What it is given holds the source and the known targets, and nothing else."""
    config, allocation, space = run.config, run.allocation, SPACES[run.config.space]
    small = evidence_subjects(run.source, run.targets, allocation)
    if config.evidence == "adaptation":
        preference: Preference = learn_by_adaptation(
            space, small, config.floor, candidates=allocation.candidates, rounds=allocation.rounds, means=run.means
        )
    else:
        preference = learn_by_proxies(
            space, small.source, small.targets, config.preference, candidates=allocation.candidates, means=run.means
        )
    architectures = shortlist(config, preference, space, tuple(run.targets), allocation.finalists)
    known_targets = {} if config.evidence == "zero_cost" else run.targets
    subjects = _full_size(run, known_targets)
    known = gather(
        architectures,
        subjects,
        seeds=(config.seed,),
        stage="finalists, trained at full size",
        store=run.means.store,
        progress=run.means.progress,
        workers=run.means.workers,
    )
    finalists = finalists_of(architectures, subjects, known, seed=config.seed)
    percentiles = source_percentiles(preference, space, [f.architecture for f in finalists])
    locked, source_only = choose(finalists, config.floor, percentiles)
    decided = run.workspace.once(
        CHOICE,
        lambda: {
            "architecture": str(locked.architecture),
            "decided_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    choice = Choice(str(locked.architecture), run.source.fingerprint, decided["decided_at"])
    run.means.progress.say(
        f"decided: {locked.architecture} ({locked.source_validation:.1%} on the source validation split; the source-only "
        f"architecture {source_only.architecture.code} has {source_only.source_validation:.1%})"
    )
    points = trade_off_points(preference, space, tuple(run.targets)) if run.targets else ()
    return Decision(choice, locked, source_only, finalists, percentiles, points)
