"""``archlock transfer``."""

import json
import math
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from archlock.cli.options import DATA, CacheFolder, Device, Json, Quiet, Seed, SkipBad, Space, Workers, stderr
from archlock.cli.progress import progress_on


def transfer(
    source: Annotated[list[str], typer.Option(help=f"Task to train on first: {DATA}; may be repeated.")],
    target: Annotated[
        list[str],
        typer.Option(help="Task to adapt to: data as for --source; may be repeated, and may be a source too."),
    ],
    out: Annotated[Path, typer.Option(help="Table to write (.npz), for archlock evaluate --table.")],
    store: Annotated[
        Path | None, typer.Option(help="Evidence store that is filled; default: beside the table, ending in .sqlite.")
    ] = None,
    space: Space = "nasbench201",
    architectures: Annotated[int, typer.Option(min=1, help="Functions to take, spread over sizes and kinds.")] = 152,
    code: Annotated[
        list[str] | None,
        typer.Option(help="This architecture instead, as in a row of a table to make again; may be repeated."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions; the first is done for all before the next.")] = 1,
    weights: Annotated[
        Path | None,
        typer.Option(help="Directory to keep the source models in; LogME and others are then estimated, too."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Begin nothing new after so long; the same command goes on later.")
    ] = None,
    width: Annotated[int, typer.Option(help="Channels after the stem.")] = 8,
    depth: Annotated[int, typer.Option(help="Cells in a row at one size.")] = 1,
    side: Annotated[int, typer.Option(help="Height and width of all images.")] = 12,
    source_examples: Annotated[int, typer.Option(help="Training images of a source, at most.")] = 2000,
    source_epochs: Annotated[int, typer.Option(help="Epochs on a source.")] = 12,
    target_examples: Annotated[int, typer.Option(help="Training images of a target, at most.")] = 800,
    source_rate: Annotated[float, typer.Option(help="Learning rate on a source.")] = 0.2,
    source_batch: Annotated[int, typer.Option(help="Images in a step on a source.")] = 64,
    source_shift: Annotated[
        float, typer.Option(help="Shift images of a source by up to this share of their side.")
    ] = 0.0,
    source_flip: Annotated[
        bool, typer.Option("--source-flip", help="Mirror images of a source; not for digits and signs.")
    ] = False,
    source_clip: Annotated[float | None, typer.Option(help="Largest norm of a gradient on a source.")] = None,
    target_epochs: Annotated[int, typer.Option(help="Epochs of a fine-tuning, and from scratch.")] = 8,
    attacker: Annotated[
        list[str] | None,
        typer.Option(
            help="Who adapts the source models, as in archlock attack; may be repeated. Default: one probe, one "
            "fine-tuning and one training from scratch, at one setting each."
        ),
    ] = None,
    shots: Annotated[int | None, typer.Option(help="Images of each class that attackers have; default: all.")] = None,
    horizon: Annotated[
        float, typer.Option(help="How many times --target-epochs attackers go on for at most, while it pays.")
    ] = 4.0,
    design: Annotated[
        str, typer.Option(help="How architectures are spread: by cost, or balanced over the choices of the space.")
    ] = "cost",
    least_cost: Annotated[float, typer.Option(help="Least relative cost in a balanced design.")] = 0.0,
    most_cost: Annotated[float, typer.Option(help="Largest relative cost in a balanced design.")] = math.inf,
    near: Annotated[
        int | None,
        typer.Option(help="A balanced design of what is at most so many changes away from a sensible architecture."),
    ] = None,
    skip_bad: SkipBad = False,
    cache: CacheFolder = None,
    seed: Seed = 0,
    workers: Workers = None,
    device: Device = "cpu",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Record how well architectures transfer: trained on sources, then probed, fine-tuned, and compared with scratch.

    Example: archlock transfer --source cifar10.npz --target gtsrb.npz --target digits --out mine.npz --minutes 60
    """
    from archlock.execution import executor_for, resolve_device, workers_for
    from archlock.recipes import TransferConfig
    from archlock.recipes import transfer as run_transfer
    from archlock.records import plain
    from archlock.tables import summarise
    from archlock.tasks import LARGEST, open_tasks

    place = resolve_device(device)
    config = TransferConfig(
        space,
        architectures,
        seeds,
        width,
        depth,
        side,
        source_examples,
        source_epochs,
        target_examples,
        target_epochs,
        source_rate,
        seed=seed,
        codes=tuple(code or ()),
        attackers=tuple(attacker or ()),
        shots=shots,
        horizon=horizon,
        source_batch=source_batch,
        source_shift=source_shift,
        source_flip=source_flip,
        source_clip=source_clip,
        design=design,  # type: ignore[arg-type]
        costs=(least_cost, most_cost),
        near=near,
    )
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        asked = side if side > LARGEST else None  # smaller ones are made of what every source reads by itself
        texts = list(dict.fromkeys((*source, *target)))
        tasks = open_tasks(texts, image_size=asked, skip_bad=skip_bad, cache=cache, seed=seed)
        opened = dict(zip(texts, tasks, strict=True))
        result = run_transfer(
            [opened[text] for text in source],
            [opened[text] for text in target],
            config,
            store=store or out.with_suffix(".sqlite"),
            out=out,
            executor=executor_for(workers_for(place, workers)),
            weights=weights,
            minutes=minutes,
            progress=progress,
            device=place,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    if as_json:
        typer.echo(json.dumps(plain(summarise(result.table))))
        return
    pairs = len(result.table.pairs)
    typer.echo(f"{len(result.table.codes)} architectures complete, {pairs} pairs of source and target")
    typer.echo(f"table: {result.path.resolve()}")
    typer.echo(f"store: {result.store.resolve()}")
