"""``archlock measure``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from archlock.cli.opening import opened_model, reader_of
from archlock.cli.options import (
    DATA,
    MODEL,
    CacheFolder,
    Channels,
    Device,
    Json,
    Module,
    ModuleArgs,
    Quiet,
    Seed,
    Signals,
    Size,
    SkipBad,
    Space,
    Workers,
    sides,
    stderr,
)
from archlock.cli.progress import progress_on
from archlock.cli.state import state_table


def measure(
    space: Space = "",
    task: Annotated[list[str] | None, typer.Option(help=f"What to measure on: {DATA}; may be repeated.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Evidence store (SQLite), made or added to; the same command goes on after a kill."),
    ] = None,
    proxies: Annotated[
        str, typer.Option(help="all, published (the seven of the paper), none, or names separated by commas.")
    ] = "all",
    epochs: Annotated[int, typer.Option(min=0, help="Also train everything for so many epochs; 0: do not.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of every architecture.")] = 1,
    examples: Annotated[int, typer.Option(help="Training images at most, in such trainings and with --state.")] = 2000,
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
    state: Annotated[
        bool, typer.Option("--state", help="Measure the state of one trained model (--model) instead, layer by layer.")
    ] = False,
    model: Annotated[str | None, typer.Option(help=f"With --state: {MODEL[0].lower()}{MODEL[1:]}.")] = None,
    source: Annotated[
        str | None,
        typer.Option(help=f"With --state: labelled images, of the model's own classes or of any others: {DATA}."),
    ] = None,
    module: Module = None,
    module_args: ModuleArgs = None,
    size: Size = None,
    channels: Channels = None,
    skip_bad: SkipBad = False,
    cache: CacheFolder = None,
    signals: Signals = False,
    seed: Seed = 0,
    workers: Workers = None,
    device: Device = "cpu",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure proxies and short trainings of every architecture of a space on your data; every function once.

    Example: archlock measure --space nasbench201 --task digits --proxies all --sample 200 --out proxies.sqlite

    Or, with --state, what is left in a trained model for other tasks, layer by layer: rank, collapse, dead units.

    Example: archlock measure --state --model runs/mine --source photos/
    """
    from archlock.errors import ConfigurationError

    if state or model is not None or source is not None:
        of_spaces = {"--space": space, "--task": task, "--out": out, "--csv": table, "--cluster": cluster}
        given = ", ".join(option for option, value in of_spaces.items() if value)
        if given or not state or model is None or source is None:
            wrong = f"leave out {given}, which measures a space" if given else "all three are needed"
            raise ConfigurationError(
                "the state of a model is measured by --state, --model MODEL and --source DATA (labelled images, its "
                f"own or others); {wrong}"
            )
        opening = {"size": None if size is None else sides(size), "channels": channels}
        _measure_state(model, source, module, module_args, opening, examples, skip_bad, cache, seed, device, as_json)
        return
    if not space or not task or out is None:
        raise ConfigurationError(
            "a space is measured by --space, --task and --out, and the state of a trained model by --state, --model "
            "and --source; all three are needed"
        )
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
        tasks = open_tasks(task, skip_bad=skip_bad, cache=cache, signals=signals, seed=seed)
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


def _measure_state(
    model: str,
    source: str,
    module: str | None,
    module_args: str | None,
    opening: dict[str, Any],
    examples: int,
    skip_bad: bool,
    cache: Path | None,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """The state of one trained model, as a table or as JSON."""
    from archlock.execution import resolve_device
    from archlock.recipes import measure_state
    from archlock.records import plain

    stderr()  # (remarks on data are shown)
    opened = opened_model(model, module, module_args, opening)
    (data,) = reader_of(opened, skip_bad=skip_bad, cache=cache, seed=seed)([source])
    found = measure_state(opened, data, examples=examples, seed=seed, device=resolve_device(device))
    typer.echo(json.dumps(plain(found)) if as_json else state_table(found))
