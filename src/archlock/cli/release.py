"""``archlock release``."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

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
    Size,
    SkipBad,
    Workers,
    keyword_arguments,
    sides,
    stderr,
)
from archlock.cli.progress import progress_on


def release(
    model: Annotated[str, typer.Argument(help=f"{MODEL}.")],
    out: Annotated[Path, typer.Option(help="New or empty directory for the model, its card and friction.json.")],
    friction: Annotated[
        bool,
        typer.Option("--friction", help="Fold, rescale and narrow: the same function, hard to fine-tune as it stands."),
    ] = False,
    target: Annotated[
        str | None,
        typer.Option(
            help=f"Measure what naive and informed attackers get of both forms on these labelled images: {DATA}."
        ),
    ] = None,
    spread: Annotated[
        float, typer.Option(help="Standard deviation of the logarithm of the channels' scales; 0: none is rescaled.")
    ] = 1.5,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of a training of the attackers.")] = 6,
    examples: Annotated[
        int | None, typer.Option(min=2, help="Training images of the attackers, at most. Default: all.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions of every attack, on both forms alike.")] = 3,
    module: Module = None,
    module_args: ModuleArgs = None,
    size: Size = None,
    channels: Channels = None,
    skip_bad: SkipBad = False,
    cache: CacheFolder = None,
    seed: Seed = 0,
    device: Device = "auto",
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a trained model in another form that answers the same: with friction against plain fine-tuning.

    It costs the unprepared time and those who know what was done nothing, and is no lock; the card says so, with both
    figures side by side.

    Example: archlock release runs/mine --friction --target other_photos/ --out releases/mine
    """
    from archlock.errors import ConfigurationError
    from archlock.execution import resolve_device
    from archlock.recipes import ReleaseConfig, release_with_friction
    from archlock.records import plain
    from archlock.reports import friction_lines

    if not friction:
        raise ConfigurationError(
            "archlock release writes a model in another form; say which with --friction (as it is, a lock run has it "
            "as locked.safetensors)"
        )
    config = ReleaseConfig(spread, epochs, examples, seeds, seed, resolve_device(device))
    opening = {"size": None if size is None else sides(size), "channels": channels}
    opened = opened_model(model, module, module_args, opening)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        read = reader_of(opened, skip_bad=skip_bad, cache=cache, seed=seed, progress=progress)
        result = release_with_friction(
            opened,
            out=out,
            target=None if target is None else read([target])[0],
            config=config,
            workers=workers,
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
            factory=module,
            arguments=keyword_arguments(module_args),
        )
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    typer.echo(friction_lines(result.record))
    typer.echo(f"card: {result.card.resolve()}")
