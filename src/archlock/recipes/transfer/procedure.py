"""Record transfer: architectures trained on sources, then probed and fine-tuned on targets, and trained from scratch.

Benchmark tables hold trainings from scratch; none says what an attacker gets who starts from the weights. This recipe
fills such a table at reduced fidelity, in as many runs as it takes: what the store has is not done again.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from archlock.evidence import EvidenceStore
from archlock.execution import Executor, resolve_device
from archlock.progress import Progress, Silent
from archlock.recipes.checking import check_minutes
from archlock.recipes.settling import say_what_is_outdated, settle
from archlock.recipes.transfer.config import TransferConfig
from archlock.recipes.transfer.estimates import gather_estimates
from archlock.recipes.transfer.recording import transfer_table
from archlock.recipes.transfer.work import Job, TransferWork, measure_job, wanted
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

    ``weights`` is a folder to keep the models trained on the sources in; their transferability is then estimated, too
    (``archlock.transferability``). With ``minutes`` no training is begun after that time; the table has what is
    complete. The same call goes on.
    """
    progress, device = progress or Silent(), resolve_device(device)
    check_minutes(minutes)
    check_writable(out)
    architectures = wanted(config)
    work = TransferWork.on(sources, targets, config, folder=weights, device=device)
    kept, seeds = EvidenceStore(store), range(config.seed, config.seed + config.seeds)
    say_what_is_outdated(kept, progress)
    jobs: list[Job] = [
        (one, seed, source) for seed in seeds for one in architectures for source in (*work.sources, None)
    ]
    known = {(seed, source): work.measured(kept, source, seed) for seed in seeds for source in (*work.sources, None)}
    left = [(one, seed, source) for one, seed, source in jobs if str(one) not in known[seed, source]]
    progress.begin("transfer", len(jobs), len(jobs) - len(left))
    for index, found in executor.run(measure_job, work, _until(left, minutes)):
        settle(kept, found, progress)
        progress.advance(1, f"{left[index][0].code} {left[index][2] or 'from scratch'}")
    gather_estimates(architectures, work, seed=config.seed, store=kept, executor=executor, progress=progress)
    table = transfer_table(
        out.name.removesuffix(".npz"),
        architectures,
        work,
        kept,
        seeds=seeds,
        provenance=_provenance(work, config, command),
    )
    return TransferResult(store, write_table(out, table), table)


def _until(jobs: Sequence[Job], minutes: float | None) -> Iterator[Job]:
    """The jobs, as long as there is time."""
    end = math.inf if minutes is None else time.monotonic() + 60 * minutes
    yield from takewhile(lambda _: time.monotonic() < end, jobs)


def _provenance(work: TransferWork, config: TransferConfig, command: str) -> Provenance:
    tasks = {task.origin: task.fingerprint for task in (*work.sources.values(), *work.targets.values())}
    note = (
        f"Own trainings at reduced fidelity: width {config.width}, depth {config.depth}, images {config.side} x "
        f"{config.side}; sources {config.source_examples} images at most, {config.source_epochs} epochs, targets "
        f"{config.target_examples} at most, {config.target_epochs} epochs; one learning rate each "
        f"({config.source_rate:g}, {config.target_rate:g}), so no attacker's best. Architectures: "
        f"{'named' if config.codes else f'spread over size and shortcuts, seed {config.seed}'}. Command: {command}"
    )
    return Provenance("archlock transfer", tuple(tasks.items()), note)
