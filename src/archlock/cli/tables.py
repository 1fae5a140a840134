"""``archlock tables``: import, list and show recorded benchmarks."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archlock.cli.options import SPACE, Json, Quiet, stderr
from archlock.cli.progress import progress_on

if TYPE_CHECKING:
    from archlock.tables import Table, TableSummary

tables = typer.Typer(
    help="Recorded benchmarks: import what others measured, list it, show what exactly it is.", no_args_is_help=True
)
imports = typer.Typer(
    help="Turn a benchmark's own files into one compact table. Example: archlock tables import nats "
    "NATS-tss-v1_0-3ffb9-simple",
    no_args_is_help=True,
)
tables.add_typer(imports, name="import")

Name = Annotated[str | None, typer.Option(help="Name of the table; default: that of the benchmark or of the file.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a table of the same name.")]


@imports.command("nats")
def import_nats(
    path: Annotated[Path, typer.Argument(help="The unpacked folder NATS-tss-v1_0-3ffb9-simple.")],
    name: Name = None,
    replace: Replace = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Import NATS-Bench, topology space: 15,625 cells on three data sets, trained for 12 and 200 epochs.

    Example: archlock tables import nats NATS-tss-v1_0-3ffb9-simple
    """
    from archlock.tables import check_free, read_nats

    name = name or "nats"
    check_free(name, replace=replace)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        table = read_nats(path, name=name, progress=progress)
    _keep([table], replace=replace, as_json=as_json)


@imports.command("nats-sizes")
def import_nats_sizes(
    path: Annotated[Path, typer.Argument(help="The unpacked folder NATS-sss-v1_0-50262-simple.")],
    name: Name = None,
    replace: Replace = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Import NATS-Bench, size space: 32,768 choices of channels on three data sets, trained for 12 and 90 epochs.

    Example: archlock tables import nats-sizes NATS-sss-v1_0-50262-simple
    """
    from archlock.tables import check_free, read_nats_sizes

    name = name or "nats_sizes"
    check_free(name, replace=replace)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        table = read_nats_sizes(path, name=name, progress=progress)
    _keep([table], replace=replace, as_json=as_json)


@imports.command("nasbench201")
def import_nasbench201(
    path: Annotated[Path, typer.Argument(help="The file NAS-Bench-201-v1_1-096897.pth.")],
    name: Name = None,
    replace: Replace = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Import NAS-Bench-201 v1.1. Needs tens of gigabytes of memory; NATS-Bench has the same trainings and needs little.

    Example: archlock tables import nasbench201 NAS-Bench-201-v1_1-096897.pth
    """
    from archlock.tables import check_free, read_nasbench201

    name = name or "nasbench201"
    check_free(name, replace=replace)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        table = read_nasbench201(path, name=name, progress=progress)
    _keep([table], replace=replace, as_json=as_json)


@imports.command("transnas")
def import_transnas(
    path: Annotated[Path, typer.Argument(help="The file transnas-bench_v10141024.pth.")],
    replace: Replace = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Import TransNAS-Bench-101: one table for each of its spaces, transnas101_micro and transnas101_macro.

    Example: archlock tables import transnas transnas-bench_v10141024.pth
    """
    from archlock.tables import check_free, read_transnas

    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        read = read_transnas(path, progress=progress)
    for table in read:
        check_free(table.name, replace=replace)
    _keep(read, replace=replace, as_json=as_json)


@imports.command("hw")
def import_hw(
    path: Annotated[Path, typer.Argument(help="The file HW-NAS-Bench-v1_0.pickle.")],
    name: Name = None,
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """Import HW-NAS-Bench: latency and energy of the cells of NAS-Bench-201 on six devices.

    Example: archlock tables import hw HW-NAS-Bench-v1_0.pickle
    """
    from archlock.tables import check_free, read_hw

    name = name or "hw"
    check_free(name, replace=replace)
    _keep([read_hw(path, name=name)], replace=replace, as_json=as_json)


@imports.command("csv")
def import_csv(
    path: Annotated[Path, typer.Argument(help="A .csv, .csv.gz, .tsv or .parquet file, one architecture in a row.")],
    preset: Annotated[
        str | None,
        typer.Option(
            help="A known layout, which says what all columns mean: nasbench201, transnas101_micro or nasbench_macro."
        ),
    ] = None,
    space: Annotated[str | None, typer.Option(help=f"Of the architectures: {SPACE}.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Column with the architectures, as codes or official strings.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="What to take: TASK\\[@EPOCHS]=COLUMN\\[:ROLE]\\[:lower]\\[:unit=...]. Roles: truth, judge, evidence, "
            "proxy (with '*' for its name), cost, repeat. Further keys: metric, split, checkpoint, runs, noise, name. "
            "May be repeated."
        ),
    ] = None,
    join: Annotated[list[Path] | None, typer.Option(help="A further file with columns; may be repeated.")] = None,
    on: Annotated[str | None, typer.Option(help="Column by which files are joined; default: the key.")] = None,
    name: Name = None,
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """Import a CSV or Parquet file.

    Example: archlock tables import csv mine.csv --space nasbench201 --key code
    --column 'cifar10=test_200:unit=%' --column 'cifar10@12=valid_12:evidence' --column 'cifar10=*_cifar10:proxy'

    Files of a known layout need no columns: archlock tables import csv nasbench201.csv.gz --join nasbench201_zc.csv.gz
    --preset nasbench201
    """
    from archlock.errors import ConfigurationError
    from archlock.tables import check_free, read_delimited, read_preset, table_name

    if preset and (space or key or column or on):
        raise ConfigurationError(
            "--preset sets the space, the key and the columns; leave out --space, --key and --column, or --preset"
        )
    check_free(name or preset or table_name(path), replace=replace)
    if preset:
        table = read_preset(preset, path, joins=join or [], name=name)
    elif space and key and column:
        table = read_delimited(path, space=space, key=key, columns=column, joins=join or [], on=on, name=name)
    else:
        raise ConfigurationError("say what the file holds with --space, --key and --column, or name its --preset")
    _keep([table], replace=replace, as_json=as_json)


@tables.command("list")
def list_command(as_json: Json = False) -> None:
    """List the tables: imported ones, and those that come with ArchLock."""
    from archlock.errors import TableError
    from archlock.records import plain
    from archlock.tables import embedded_tables, library_folder, list_tables, read_table, summarise

    summaries: list[TableSummary] = []
    damaged: dict[str, str] = {}
    for name, path in (list_tables() | embedded_tables()).items():
        try:
            summaries.append(summarise(read_table(path)))
        except TableError as error:
            damaged[name] = str(error)
    if as_json:
        short = [
            {"name": s.name, "space": s.space, "architectures": s.architectures, "tasks": s.tasks, "sha256": s.sha256}
            for s in summaries
        ]
        typer.echo(json.dumps({"folder": str(library_folder()), "tables": plain(short), "damaged": damaged}))
        return
    for summary in summaries:
        tasks = ", ".join(summary.tasks)
        typer.echo(f"{summary.name}: {summary.architectures} architectures of {summary.space}, on {tasks}")
    for name, reason in damaged.items():
        typer.echo(f"{name}: {reason}")
    if not list_tables():
        typer.echo(f"no table is imported yet (looked in {library_folder()}); see archlock tables import --help")


@tables.command("show")
def show_command(
    table: Annotated[str, typer.Argument(help="Name of an imported table, or path of its file.")],
    as_json: Json = False,
) -> None:
    """Show what a table holds: every measurement in full, where it comes from, and its best value.

    Example: archlock tables show nasbench201
    """
    from archlock.records import plain
    from archlock.tables import ROLES, open_by_name_or_path, summarise

    summary = summarise(open_by_name_or_path(table))
    if as_json:
        typer.echo(json.dumps(plain(summary)))
        return
    typer.echo(f"{summary.name}: {summary.architectures} architectures of {summary.space}")
    typer.echo(f"content SHA-256 {summary.sha256}")
    for file, sha256 in summary.provenance.files:
        typer.echo(f"from {file} (SHA-256 {sha256}), reader {summary.provenance.reader}")
    for line in summary.provenance.note.splitlines():
        typer.echo(f"note: {line}")
    for task, counts in summary.tasks.items():
        typer.echo(f"task {task}: " + ", ".join(f"{counts[role]} {role}" for role in ROLES if counts[role]))
    for one in summary.columns:
        best = "nothing" if one.best is None else f"best {one.best:g}"
        where = f" of {one.column.task}" if one.column.task else ""
        typer.echo(f"  {one.column.name}: {one.column.role}{where}, {one.measurement}; {one.recorded} values, {best}")


def _keep(read: Sequence["Table"], *, replace: bool, as_json: bool) -> None:
    """Save imported tables and say so; what is odd about them is said in any case, on standard error."""
    from archlock.records import plain
    from archlock.tables import ODD, save_table, summarise

    kept = [{"path": str(save_table(table, replace=replace)), "table": summarise(table)} for table in read]
    for table in read:
        for line in table.provenance.note.splitlines():
            if line.startswith(ODD):
                typer.echo(f"{table.name}: {line[0].lower()}{line[1:]}", err=True)
    if as_json:
        typer.echo(json.dumps(plain({"imported": kept})))
        return
    for table, where in zip(read, kept, strict=True):
        typer.echo(f"imported {table.name}: {len(table.codes)} architectures, {len(table.columns)} columns")
        for line in table.provenance.note.splitlines():
            if not line.startswith(ODD):
                typer.echo(f"note: {line}")
        typer.echo(f"table: {where['path']}")
