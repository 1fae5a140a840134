"""``archlock evaluate``."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archlock.cli.options import Json, Quiet, Seed, Workers, stderr
from archlock.cli.progress import progress_on

if TYPE_CHECKING:
    from archlock.recipes import EvaluateConfig
    from archlock.tables import Table


def evaluate(
    out: Annotated[
        Path, typer.Option(help="Directory for rows, summary and report; the same command takes it up after a kill.")
    ],
    table: Annotated[
        str | None, typer.Option(help="Name of an imported table (archlock tables list), or its file.")
    ] = None,
    paper: Annotated[
        bool,
        typer.Option(
            "--paper",
            help="The published figures next to ours; without --table, for every imported table that has some.",
        ),
    ] = False,
    pairs: Annotated[str, typer.Option(help="all, or source:target separated by commas.")] = "all",
    schemes: Annotated[
        str, typer.Option(help="s: source only; tk: target known; tu: unknown, the table's other tasks stand in.")
    ] = "s,tk,tu",
    method: Annotated[
        list[str] | None,
        typer.Option(help="Methods to compare (docs/how-to/evaluate.md has them); may be repeated. Default: our own."),
    ] = None,
    preference: Annotated[
        str | None, typer.Option(help="Instead of a method: a preference learned from a random few-shot sample.")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="Instead of a method: the strategy that searches such a preference. Without --preference epnas, "
            "differential_evolution and shgo search trainings themselves; epnas brings what it is compared with."
        ),
    ] = None,
    evidence: Annotated[
        Literal["few_shot", "zero_cost"],
        typer.Option(help="few_shot: recorded trainings. zero_cost: no training but the finalists', on the source."),
    ] = "few_shot",
    budget: Annotated[str, typer.Option(help="Trainings and finalists per task, for example 150+40.")] = "150+40",
    floor: Annotated[float, typer.Option(help="Source percentile to keep.")] = 97.0,
    trade_off: Annotated[
        str, typer.Option(help="Further source floors for the trade-off, as percentiles separated by commas.")
    ] = "",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of every method on every pair.")] = 20,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write rows.parquet instead of rows.csv.")] = False,
    patterns: Annotated[
        bool,
        typer.Option("--patterns/--no-patterns", help="Also report which structures lock, from the table's truth."),
    ] = True,
    max_cost: Annotated[
        list[str] | None,
        typer.Option(
            help="A limit on a recorded cost, in its unit, as in edgegpu_latency_cifar10=4.3; may be repeated. "
            "Everything is then counted among the architectures that keep it."
        ),
    ] = None,
    seed: Seed = 0,
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare lock methods on a recorded benchmark, over all pairs of tasks, with many seeds.

    No method can look at the truth it is judged by: it looks up evidence, every look-up is counted, and the truth opens
    when it has decided.

    Example: archlock evaluate --table transnas101_micro --seeds 20 --out eval
    """
    from archlock.errors import ConfigurationError
    from archlock.recipes import METHODS_COMPARED, EvaluateConfig, chosen_contenders, parse_budget, parse_costs
    from archlock.tables import open_by_name_or_path

    if paper and max_cost:
        raise ConfigurationError("published figures know no limits; leave out --max-cost, or --paper")
    names = [table] if table is not None else tables_of_the_paper(paper=paper)
    config = EvaluateConfig(
        contenders=chosen_contenders(
            tuple(part.strip() for part in schemes.split(",")),
            METHODS_COMPARED if paper else tuple(method or ()),
            evidence=evidence,
            allowance=parse_budget(budget),
            preference=None if paper else preference,
            strategy=None if paper else strategy,
        ),
        pairs=pairs,
        seeds=seeds,
        floor=share(floor),
        trade_off=shares(trade_off),
        seed=seed,
        parquet=parquet,
        patterns=patterns,
        max_costs=parse_costs(max_cost or ()),
    )
    for opened in [open_by_name_or_path(name) for name in names]:
        folder = out if table is not None else out / opened.name
        _evaluate(opened, config, folder, workers=workers, paper=paper, as_json=as_json, quiet=quiet)


def tables_of_the_paper(*, paper: bool) -> list[str]:
    """Names of the imported tables that figures are published for."""
    from archlock.errors import ConfigurationError
    from archlock.recipes import has_published_figures
    from archlock.tables import list_tables, read_table

    if not paper:
        raise ConfigurationError(
            "no table is named; give --table NAME of an imported one (archlock tables list), or --table FILE"
        )
    found = [name for name, path in list_tables().items() if has_published_figures(read_table(path))]
    if not found:
        raise ConfigurationError(
            "--paper needs an imported table with published figures: NAS-Bench-201 or TransNAS-Bench-101 micro; got "
            "none. Import one: archlock tables import --help"
        )
    return found


def _evaluate(
    opened: "Table",
    config: "EvaluateConfig",
    out: Path,
    *,
    workers: int | None,
    paper: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """One table: run, print, and write what is not in the run's own files."""
    from archlock.recipes import compared, comparison_text
    from archlock.recipes import evaluate as run_evaluate
    from archlock.records import plain, write_atomic
    from archlock.reports import evaluation_summary

    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        result = run_evaluate(
            opened,
            config,
            out=out,
            workers=workers,
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    figures = compared(opened, result, seeds=config.seeds) if paper else ()
    floor = 100 * config.floor
    if paper:
        write_atomic(out / "paper.txt", comparison_text(figures, floor=floor) + "\n")
    if as_json:
        typer.echo(json.dumps({**plain(result.summary), **({"paper": plain(figures)} if paper else {})}))
        return
    typer.echo(evaluation_summary(result.record, result.summary))
    if paper:
        typer.echo(comparison_text(figures, floor=floor))
    typer.echo(f"rows: {result.rows.resolve()}")
    typer.echo(f"report: {result.page.resolve()}")


def shares(text: str) -> tuple[float, ...]:
    """``90,95`` as (0.9, 0.95); anything else raises ConfigurationError."""
    from archlock.errors import ConfigurationError

    try:
        percentiles = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigurationError(
            f"floors are percentiles separated by commas, for example 90,95; got {text!r}"
        ) from None
    return tuple(share(percentile) for percentile in percentiles)


def share(percentile: float) -> float:
    """97 as 0.97; what is a share already raises ConfigurationError, since as a percentile it rules nothing out."""
    from archlock.errors import ConfigurationError

    if 0 < percentile <= 1:
        raise ConfigurationError(
            f"a source floor is a percentile from 0 to below 100; {percentile:g} of 100 hardly rules anything out: "
            f"write {100 * percentile:g} for that share of the table"
        )
    return percentile / 100
