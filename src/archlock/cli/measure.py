"""``archlock measure``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from archlock.cli.options import DATA, Device, Json, Quiet, Seed, SkipBad, Space, Workers, stderr
from archlock.cli.progress import progress_on


def measure(
    space: Space,
    task: Annotated[list[str], typer.Option(help=f"What to measure on: {DATA}; may be repeated.")],
    out: Annotated[
        Path, typer.Option(help="Evidence store (SQLite), made or added to; the same command goes on after a kill.")
    ],
    proxies: Annotated[
        str, typer.Option(help="all, published (the seven of the paper), none, or names separated by commas.")
    ] = "all",
    epochs: Annotated[int, typer.Option(min=0, help="Also train everything for so many epochs; 0: do not.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of every architecture.")] = 1,
    examples: Annotated[int, typer.Option(help="Training images at most, in such trainings.")] = 2000,
    sample: Annotated[
        int | None, typer.Option(min=1, help="So many architectures at random; default: the whole space.")
    ] = None,
    width: Annotated[int, typer.Option(help="Channels after the stem, for proxies; published: 16.")] = 8,
    depth: Annotated[int, typer.Option(help="Cells in a row, for proxies; published: 5. Do not make it smaller.")] = 5,
    batch: Annotated[int, typer.Option(help="Images in a mini-batch; published: 64. epe_nas wants that many.")] = 16,
    side: Annotated[int, typer.Option(help="Height and width of images at most, for proxies; published: 32.")] = 16,
    trained_width: Annotated[int, typer.Option(help="Channels after the stem, for trainings.")] = 16,
    trained_depth: Annotated[int, typer.Option(help="Cells in a row, for trainings.")] = 1,
    trained_side: Annotated[int, typer.Option(help="Height and width of images at most, for trainings.")] = 32,
    table: Annotated[
        Path | None, typer.Option("--csv", help="Write the values as a CSV file too, one architecture in a row.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Address of a Dask scheduler (tcp://host:8786), or slurm; default: processes on this machine."
        ),
    ] = None,
    chunk: Annotated[int, typer.Option(min=1, help="Architectures that a worker gets at a time.")] = 8,
    skip_bad: SkipBad = False,
    seed: Seed = 0,
    workers: Workers = None,
    device: Device = "cpu",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure proxies and short trainings of every architecture of a space on your data; every function once.

    Example: archlock measure --space nasbench201 --task digits --proxies all --sample 200 --out proxies.sqlite
    """
    from archlock.execution import open_executor, resolve_device, workers_for
    from archlock.recipes import MeasureConfig, ProxySettings, TrainingConfig, proxies_named
    from archlock.recipes import measure as run_measure
    from archlock.records import plain
    from archlock.tasks import open_tasks

    names, place = proxies_named(proxies), resolve_device(device)
    config = MeasureConfig(
        space,
        proxies=ProxySettings(names, width, depth, batch, side) if names else None,
        trainings=TrainingConfig(epochs, trained_width, trained_depth, trained_side, examples, seeds)
        if epochs
        else None,
        sample=sample,
        seed=seed,
        chunk=chunk,
    )
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        tasks = open_tasks(task, skip_bad=skip_bad, seed=seed)
        with open_executor(cluster, workers=workers_for(place, workers)) as executor:
            result = run_measure(
                tasks, config, store=out, executor=executor, table=table, progress=progress, device=place
            )
    if as_json:
        typer.echo(json.dumps(plain(result)))
        return
    typer.echo(
        f"{result.architectures} architectures of {result.space} are {result.functions} functions; "
        f"{result.seconds:.0f} s"
    )
    typer.echo(f"{'measure':24}{'task':20}{'valid':>7}{'failed':>8}{'unsupported':>13}{'seconds':>10}")
    for one in result.tallies:
        counts = f"{one.valid:7}{one.failed:8}{one.unsupported:13}"
        typer.echo(f"{one.measure:24}{one.task:20}{counts}{one.seconds:10.1f}")
    typer.echo(f"store: {result.store.resolve()}")
    if table is not None:
        typer.echo(f"table: {table.resolve()}")
