"""Attack what a run released: attackers on new targets, on the locked and on the source-only model alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from archlock.attacks import ATTACKS
from archlock.errors import ConfigurationError, RunError
from archlock.execution import default_workers
from archlock.models import load_weights
from archlock.progress import Progress, Silent
from archlock.recipes.export import Blueprint, build_blueprint, load_blueprint
from archlock.recipes.outputs import REFERENCE
from archlock.recipes.recording import target_record, versions
from archlock.recipes.suite import Defended, Suite, attack_plan, run_suite
from archlock.recipes.workspace import REPORT, RESULT, Workspace
from archlock.records import LATER, write_atomic
from archlock.reports import AttackRecord, LockRecord, OutcomeRecord, Role, from_json, render_html, to_json
from archlock.tasks import Task, conform, subsample


@dataclass(frozen=True, slots=True)
class AttackConfig:
    """Who attacks and how hard. Everything that changes the answer, besides model and targets, is here."""

    attackers: tuple[str, ...] = tuple(ATTACKS)
    fractions: tuple[float, ...] = (0.1, 1.0)
    seeds: int = 3
    epochs: int | None = None
    """Epochs of a training at fraction 1; None: by the amount of data."""
    examples: int | None = None
    """Most training examples of a target at fraction 1; None: all."""
    seed: int = 0
    device: str = "cpu"
    trials: int | None = field(default=None, metadata=LATER)
    """Settings that each attacker tries (rate, optimiser) with the first seed; None: his own two or three rates."""
    horizons: tuple[float, ...] = field(default=(1.0,), metadata=LATER)
    """Lengths of the attackers' trainings, in multiples of their epochs."""
    shots: tuple[int, ...] = field(default=(), metadata=LATER)
    """Examples of each class that attackers get, beside the fractions."""

    def __post_init__(self) -> None:
        for name in self.attackers:
            ATTACKS[name]


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


def attack(
    run: str | Path,
    targets: Sequence[Task],
    config: AttackConfig | None = None,
    *,
    out: str | Path | None = None,
    store: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.attack(...)",
) -> AttackResult:
    """Attack the models of a finished lock run on targets of your own; writes result and report to ``out``.

    ``out`` is by default a directory named after the targets inside ``run``. The targets are brought to the size of the
    model's images. The same call takes up what was interrupted.
    """
    config = config or AttackConfig()
    released = Path(run)
    record = from_json(released / RESULT)
    if not isinstance(record, LockRecord):
        raise RunError(f"{released} holds an attack, not a lock; give the directory of the lock run that it attacked")
    if not targets:
        raise ConfigurationError("an attack needs at least one target; name one with --target")
    defended = released_models(released, record)
    blueprint = load_blueprint(released / "architecture.json")
    prepared = {task.name: _prepared(task, blueprint, config) for task in targets}
    if len(prepared) < len(targets):
        raise ConfigurationError(f"targets must have different names; got {', '.join(task.name for task in targets)}")
    folder = Path(out) if out else released / "attacks" / "-".join(sorted(task.name for task in targets))
    identity = {"targets": [t.fingerprint for t in prepared.values()], "config": config, "run": record.created}
    workspace = Workspace.open(folder, identity, store=store)
    largest = max(len(task.train) for task in prepared.values())
    suite = Suite(
        attack_plan(largest, config.epochs),
        config.attackers,
        config.fractions,
        config.seeds,
        config.trials,
        config.horizons,
        config.shots,
    )
    outcomes = run_suite(
        list(defended.values()),
        prepared,
        suite,
        store=workspace.store,
        progress=progress or Silent(),
        workers=workers or default_workers(),
        seed=config.seed,
        device=config.device,
    )
    found = AttackRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=config.seed,
        command=command,
        versions=versions(),
        source=record.source,
        models=(record.locked, record.source_only),
        targets=tuple(target_record(n, t, seen_by_search=False, simulated=False) for n, t in prepared.items()),
        outcomes=outcomes,
        spent_seconds={"attacks": sum(outcome.seconds for outcome in outcomes)},
    )
    to_json(folder / RESULT, found)
    write_atomic(folder / REPORT, render_html(found))
    return AttackResult(found, folder)


def released_models(run: Path, record: LockRecord) -> dict[Role, Defended]:
    """The trained models of a lock run, one per source training, by role."""
    found: dict[Role, Defended] = {}
    for model in (record.locked, record.source_only):
        blueprint = load_blueprint(run / REFERENCE / f"{model.role}.json")
        files = (run / REFERENCE).glob(f"{model.role}-*.safetensors")
        weights = sorted(files, key=lambda path: (len(path.name), path.name))  # by number: 2 before 10
        models = tuple(load_weights(build_blueprint(blueprint), path).eval() for path in weights)
        if not models:
            raise RunError(f"{run / REFERENCE} holds no weights of the {model.role} model; repeat the lock command")
        found[model.role] = Defended(model.role, model.architecture, models)
    return found


def _prepared(task: Task, blueprint: Blueprint, config: AttackConfig) -> Task:
    fitting = conform(task, blueprint.signature.shape)
    return fitting if config.examples is None else subsample(fitting, config.examples, seed=config.seed)
