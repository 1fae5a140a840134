"""``archlock evaluate``: contenders on all pairs of a recorded table with many seeds, judged by the truth afterwards.

A contender is given :class:`~archlock.tables.RecordedEvidence` and answers with one architecture; the truth of the pair
is sealed until then. Runs are spread over processes in jobs of one contender on one pair; what a job found is written
at once, so an evaluation that was killed goes on where it was.
"""

import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from archlock import __version__
from archlock.decoding import decode
from archlock.errors import RunError
from archlock.execution import default_workers, executor_for, workers_for
from archlock.extras import absent, install_line
from archlock.progress import Progress, Silent
from archlock.recipes.evaluate.config import EvaluateConfig
from archlock.recipes.evaluate.contenders import Contender
from archlock.recipes.evaluate.describing import described
from archlock.recipes.evaluate.estimable import doubts
from archlock.recipes.evaluate.peeking import random_feasible
from archlock.recipes.evaluate.proxy_agreement import proxy_agreements
from archlock.recipes.evaluate.scales import LIMIT_FLOORS, chosen_pairs, floor_values, limits, pair_scales
from archlock.records import check_writable, fingerprint, plain, read_json, write_atomic, write_json
from archlock.reports import (
    EVALUATION_SCHEMA,
    EvaluationRecord,
    EvaluationRow,
    EvaluationSummary,
    FloorPoint,
    PairScale,
    Queries,
    RecordedTask,
    TableRecord,
    evaluation_to_json,
    render_evaluation,
    rows_csv,
    run_keeps_floor,
    summarise,
    write_rows_parquet,
)
from archlock.tables import Pick, Table, content_checksum, open_pair, within_costs, without_gaps

RECORD: Final = "evaluation.json"
SUMMARY: Final = "summary.json"
PAGE: Final = "report.html"
FROM_SCRATCH: Final = (
    "The table records trainings from scratch: what an attacker gets who starts from released weights is not in it."
)
BOTH: Final = (
    "On the targets of {tuned} of the {all} pairs the table records fine-tuning of weights that were trained on the "
    "source, on the others training from scratch."
)
FROM_WEIGHTS: Final = (
    "On targets the table records fine-tuning of weights that were trained on the source, at reduced fidelity."
)
APART: Final = "On {tasks} another training or another split judges than the one that is sold."
NOISY: Final = (
    "On {tasks} one training is recorded: it judges, and it is sold with noise of the size of one training, so that "
    "nobody chooses by the luck that they are judged by."
)
FLATTERING: Final = (
    "On {tasks} the recorded training is sold and judges, since the table does not say how large the noise of one is: "
    "what chooses by it looks better there than it is."
)


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What an evaluation found, and where it was written."""

    record: EvaluationRecord
    summary: EvaluationSummary
    rows: Path
    page: Path


@dataclass(frozen=True, slots=True)
class Job:
    """One contender on one pair, held to one floor, with several seeds."""

    contender: Contender
    source: str
    target: str
    floor: float
    seeds: tuple[int, ...]


def evaluate(
    table: Table,
    config: EvaluateConfig,
    *,
    out: Path,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> EvaluationResult:
    """Run every contender on every pair with every seed; write rows, summary, record and page into ``out``.

    Rows do not depend on the number of workers. A run that was interrupted is taken up again.
    """
    began = time.monotonic()
    progress, workers = progress or Silent(), workers_for("cpu", workers)
    check_writable(out / PAGE)
    if config.patterns and absent("tuning"):
        progress.say(f"how much each feature explains will be left out: it needs Optuna; run: {install_line('tuning')}")
    pairs = chosen_pairs(table, config.pairs)
    table, limited = within_costs(table, config.max_costs)
    table, gaps = without_gaps(table, pairs, surrogates=any(one.scheme == "tu" for one in config.contenders))
    scales = pair_scales(table, pairs, config.floor)
    sources = tuple(source for source, _ in pairs)
    values = floor_values(table, sources, config.floor)
    warnings = (*limited, *gaps, *_doubts(table, sources, config))
    for warning in warnings:
        progress.say(warning)
    jobs = _jobs(config, pairs)
    found = _run(table, jobs, out / "parts", workers, progress)
    rows = tuple(row for job in jobs if job.floor == config.floor for row in found[job])
    worths = {scale.pair: scale for scale in scales}
    patterns, importances = described(table, pairs, config.floor, progress) if config.patterns else ((), ())
    record = EvaluationRecord(
        version=__version__,
        command=command,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.monotonic() - began,
        machine=f"{platform.system()} {platform.machine()}, {default_workers()} processors, Python "
        f"{platform.python_version()}",
        seeds=config.seeds,
        floor=100 * config.floor,
        table=_table_record(table),
        rows=tuple(_scored(row, worths, 100 * config.floor) for row in rows),
        scales=scales,
        floors=values,
        trade_off=_trade_off(config, found),
        limits=limits(table, pairs, (*LIMIT_FLOORS, config.floor, *config.trade_off)),
        patterns=patterns,
        importances=importances,
        proxies=proxy_agreements(table, tuple(dict.fromkeys(task for pair in pairs for task in pair))),
        notes=(*warnings, *begun(table, pairs), *how_judged(table, pairs)),
    )
    return write_evaluation(record, out, parquet=config.parquet)


def begun(table: Table, pairs: Sequence[tuple[str, str]]) -> tuple[str]:
    """From which weights the trainings began that judge on the targets of these pairs, in one sentence."""
    tuned = sum(bool(table.truth(target, source).start) for source, target in pairs)
    if 0 < tuned < len(pairs):
        return (BOTH.format(tuned=tuned, all=len(pairs)),)
    return (FROM_WEIGHTS,) if tuned else (FROM_SCRATCH,)


def how_judged(table: Table, pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """How far what is sold and what judges are apart on the tasks of these pairs, in a sentence each."""
    asked = dict.fromkeys([(source, "") for source, _ in pairs] + [(target, source) for source, target in pairs])
    kinds: dict[str, dict[str, None]] = {APART: {}, NOISY: {}, FLATTERING: {}}
    for task, start in asked:
        sold = table.truth(task, start)
        kind = APART if table.judge(task, start) != sold else NOISY if sold.noise else FLATTERING
        kinds[kind][task] = None
    return tuple(kind.format(tasks=", ".join(tasks)) for kind, tasks in kinds.items() if tasks)


def write_evaluation(record: EvaluationRecord, out: Path, *, parquet: bool = False) -> EvaluationResult:
    """Write what was found: the record, the rows, the summary, and the page."""
    summary = summarise(record)
    evaluation_to_json(out / RECORD, record)
    write_json(out / SUMMARY, summary)
    rows = out / ("rows.parquet" if parquet else "rows.csv")
    if parquet:
        write_rows_parquet(rows, record)
    else:
        write_atomic(rows, rows_csv(record))
    page = write_atomic(out / PAGE, render_evaluation(record, summary))
    return EvaluationResult(record, summary, rows, page)


def _jobs(config: EvaluateConfig, pairs: Sequence[tuple[str, str]]) -> tuple[Job, ...]:
    floors = [(config.floor, config.seeds)]
    floors += [(floor, config.trade_off_seeds) for floor in config.trade_off if floor != config.floor]
    return tuple(
        Job(contender, source, target, floor, tuple(range(config.seed, config.seed + seeds)))
        for floor, seeds in floors
        for contender in config.contenders
        for source, target in pairs
    )


def _run(
    table: Table, jobs: Sequence[Job], parts: Path, workers: int, progress: Progress
) -> dict[Job, tuple[EvaluationRow, ...]]:
    checksum = content_checksum(table)
    files = {
        job: parts / f"{fingerprint([checksum, __version__, EVALUATION_SCHEMA, _depends_on(job)])}.json" for job in jobs
    }
    found = {job: _read_part(path) for job, path in files.items() if path.exists()}
    missing = [job for job in jobs if job not in found]
    progress.begin("runs on recorded tables", len(jobs), len(jobs) - len(missing))
    for index, rows in executor_for(workers).run(run_job, table, missing):
        job = missing[index]
        found[job] = rows
        write_json(files[job], rows)
        progress.advance(note=f"{job.contender.label}, {job.source} to {job.target}")
    return found


def _depends_on(job: Job) -> dict[str, object]:
    """What the rows of a job depend on; of a method what it says of itself, without its place in memory."""
    contender = re.sub(r" at 0x[0-9a-f]+", "", repr(job.contender))
    return {
        **({"known_feasible": job.contender.known_feasible} if job.contender.known_feasible else {}),
        "contender": contender,
        "source": job.source,
        "target": job.target,
        "floor": job.floor,
        "seeds": list(job.seeds),
    }


def _read_part(path: Path) -> tuple[EvaluationRow, ...]:
    try:
        return decode(tuple[EvaluationRow, ...], read_json(path))
    except RunError as error:
        raise RunError(f"{path} is damaged ({error}); delete it to have these runs made again") from error


def run_job(table: Table, job: Job) -> tuple[EvaluationRow, ...]:
    """The rows of one job; lock scores are filled in by the evaluation, which knows the scale."""
    return tuple(_run_once(table, job, seed) for seed in job.seeds)


def _run_once(table: Table, job: Job, seed: int) -> EvaluationRow:
    contender = job.contender
    count = contender.known_feasible
    feasible = random_feasible(table, job.source, floor=job.floor, count=count, seed=seed) if count else ()
    evidence, truth = open_pair(
        table,
        job.source,
        job.target,
        scheme=contender.scheme,
        allowance=contender.allowance,
        known_feasible=feasible,
        seed=seed,
    )
    began = time.perf_counter()
    architecture = contender.method(evidence, floor=job.floor, seed=seed)
    seconds = time.perf_counter() - began
    judged = truth.judge(Pick(architecture, seed))
    return EvaluationRow(
        table=table.name,
        source=job.source,
        target=job.target,
        scheme=contender.scheme,
        method=contender.label,
        preference=contender.preference,
        strategy=contender.strategy,
        evidence=contender.evidence,
        seed=seed,
        architecture=architecture.code,
        source_percentile=judged.source_percentile,
        target_percentile=judged.target_percentile,
        source_value=judged.source_value,
        target_value=judged.target_value,
        source_loss=judged.source_loss,
        target_loss=judged.target_loss,
        lock_score=None,
        queries=Queries(**plain(evidence.spent)),
        seconds=seconds,
    )


def _doubts(table: Table, sources: tuple[str, ...], config: EvaluateConfig) -> tuple[str, ...]:
    """Why floors that are asked for cannot be estimated well."""
    return tuple(
        doubt
        for floor in dict.fromkeys((config.floor, *config.trade_off))
        for doubt in doubts(
            floor_values(table, sources, floor), config.contenders, floor=floor, architectures=len(table.codes)
        )
    )


def _scored(row: EvaluationRow, scales: dict[str, PairScale], floor: float) -> EvaluationRow:
    return replace(row, lock_score=scales[row.pair].lock_score(row.target_percentile, kept=run_keeps_floor(row, floor)))


def _trade_off(config: EvaluateConfig, found: dict[Job, tuple[EvaluationRow, ...]]) -> tuple[FloorPoint, ...]:
    floors = sorted({config.floor, *config.trade_off})
    points = []
    for contender in config.contenders if len(floors) > 1 else ():
        for floor in floors:
            rows = [r for job, part in found.items() for r in part if job.contender == contender and job.floor == floor]
            points.append(
                FloorPoint(
                    contender.label,
                    100 * floor,
                    sum(row.source_percentile for row in rows) / len(rows),
                    sum(row.target_percentile for row in rows) / len(rows),
                    sum(run_keeps_floor(row, 100 * floor) for row in rows) / len(rows),
                )
            )
    return tuple(points)


def _table_record(table: Table) -> TableRecord:
    columns = [table.judge(task, table.first_start(task)) for task in table.tasks]
    tasks = tuple(
        RecordedTask(column.task, column.metric, column.split, column.unit, column.epochs, column.runs)
        for column in columns
    )
    files = ", ".join(name for name, _ in table.provenance.files)
    provenance = f"{table.provenance.reader}: {files}. {table.provenance.note}".strip()
    return TableRecord(table.name, table.space_name, len(table.codes), tasks, provenance, content_checksum(table))
