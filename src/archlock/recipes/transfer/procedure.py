"""Record transfer: architectures trained on sources, then probed and fine-tuned on targets, and trained from scratch.

Benchmark tables hold trainings from scratch; none says what an attacker gets who starts from the weights. This recipe
fills such a table at reduced fidelity, in as many runs as it takes: what the store has is not done again.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archlock.evidence import EvidenceStore
from archlock.execution import Executor, resolve_device
from archlock.progress import Progress, Silent
from archlock.recipes.checking import check_minutes
from archlock.recipes.settling import say_what_is_outdated
from archlock.recipes.transfer.config import TransferConfig
from archlock.recipes.transfer.estimates import gather_estimates
from archlock.recipes.transfer.gathering import Gatherer
from archlock.recipes.transfer.outcomes import AttackWork
from archlock.recipes.transfer.recording import transfer_table
from archlock.recipes.transfer.work import TransferWork, wanted
from archlock.records import check_writable
from archlock.tables import Provenance, Table, write_table
from archlock.tasks import Task


@dataclass(frozen=True, slots=True, eq=False)
class TransferResult:
    """What a store holds now of what was asked for, as a table."""

    store: Path
    path: Path
    """Of the table."""
    table: Table


def transfer(
    sources: Sequence[Task],
    targets: Sequence[Task],
    config: TransferConfig,
    *,
    store: Path,
    out: Path,
    executor: Executor,
    weights: Path | None = None,
    minutes: float | None = None,
    progress: Progress | None = None,
    device: str = "cpu",
    command: str = "",
) -> TransferResult:
    """Measure what the store lacks, seed by seed, every job written as it comes; then write the table ``out``.

    With attackers by name a few architectures are trained and attacked before the next, so that at any time most of
    what was spent is in whole rows.

    ``weights`` is a folder to keep the models trained on the sources in; their transferability is then estimated, too
    (``archlock.transferability``). Where attackers are named it is needed, and by default beside the store. With
    ``minutes`` no training is begun after that time; the table has what is complete. The same call goes on.
    """
    progress, device = progress or Silent(), resolve_device(device)
    check_minutes(minutes)
    check_writable(out)
    architectures = wanted(config)
    if config.attackers and weights is None:
        weights = store.with_name(f"{store.stem}-weights")
    work = TransferWork.on(sources, targets, config, folder=weights, device=device)
    attackers = AttackWork.on(work, config) if config.attackers else None
    kept, seeds = EvidenceStore(store), range(config.seed, config.seed + config.seeds)
    say_what_is_outdated(kept, progress)
    end = math.inf if minutes is None else time.monotonic() + 60 * minutes
    gatherer = Gatherer(kept, executor, progress, end)
    if attackers is None:
        gatherer.adaptations(work, architectures, seeds)
    else:
        gatherer.attacked_rows(work, attackers, architectures, seeds)
    gather_estimates(architectures, work, seed=config.seed, store=kept, executor=executor, progress=progress)
    table = transfer_table(
        out.name.removesuffix(".npz"),
        architectures,
        work,
        kept,
        seeds=seeds,
        provenance=_provenance(work, config, command),
        attackers=attackers,
    )
    return TransferResult(store, write_table(out, table), table)


def _provenance(work: TransferWork, config: TransferConfig, command: str) -> Provenance:
    tasks = {task.origin: task.fingerprint for task in (*work.sources.values(), *work.targets.values())}
    who = (
        f"one learning rate each ({config.source_rate:g}, {config.target_rate:g}), so no attacker's best"
        if not config.attackers
        else f"attackers {', '.join(config.attackers)} with their own settings, up to {config.horizon:g} times as long"
    )
    few = f"{config.target_examples} at most" if config.shots is None else f"{config.shots} of each class"
    how = f"in balance over the axes, seed {config.seed}" if config.design == "balanced" else ""
    note = (
        f"Own trainings at reduced fidelity: width {config.width}, depth {config.depth}, images {config.side} x "
        f"{config.side}; sources {config.source_examples} images at most, {config.source_epochs} epochs, targets "
        f"{few}, {config.target_epochs} epochs; {who}. Architectures: "
        f"{'named' if config.codes else how or f'spread over size and shortcuts, seed {config.seed}'}. "
        f"Command: {command}"
    )
    return Provenance("archlock transfer", tuple(tasks.items()), note)
