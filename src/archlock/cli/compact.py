"""``archlock compact``."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from archlock.cli.opening import opened_model, reader_of
from archlock.cli.options import (
    DATA,
    MODEL,
    Attackers,
    AttackSeeds,
    CacheFolder,
    Channels,
    Device,
    Json,
    Module,
    ModuleArgs,
    PanelName,
    Quiet,
    Runtime,
    Seed,
    Size,
    SkipBad,
    Workers,
    keyword_arguments,
    sides,
    stderr,
    warn,
)
from archlock.cli.progress import progress_on


def compact(
    model: Annotated[str, typer.Argument(help=f"{MODEL}.")],
    out: Annotated[
        Path,
        typer.Option(help="Directory for the smaller model and its report; the same command goes on after a kill."),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            help=f"The data the model was trained for: {DATA}; classes in the order of its outputs. "
            "A lock run knows it."
        ),
    ] = None,
    keep: Annotated[str, typer.Option(help="The share that stays, as in 50%.")] = "50%",
    cost: Annotated[
        Literal["groups", "macs", "parameters"],
        typer.Option(help="Share of what: of the channels and heads that can go, or of the whole network."),
    ] = "groups",
    method: Annotated[
        Literal["hesso", "hesso-cric", "magnitude", "taylor"],
        typer.Option(
            help="hesso: what matters least fades while the network trains. hesso-cric: trial cycles decide before. "
            "magnitude, taylor: it goes before the training, by norm or by first order."
        ),
    ] = "hesso",
    epochs: Annotated[
        int | None, typer.Option(min=2, help="Of the whole training. Default: 200,000 images in all, 4 to 20 epochs.")
    ] = None,
    rates: Annotated[
        str, typer.Option(help="Peak learning rates, with commas: each is tried, validation chooses. Default: one.")
    ] = "",
    optimiser: Annotated[
        Literal["sgd", "adamw"] | None,
        typer.Option(help="Default: sgd for networks with batch normalisation, adamw for others."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=2, help="Images of a training step.")] = 64,
    flip: Annotated[bool, typer.Option("--flip", help="Mirror training images at random.")] = False,
    periods: Annotated[int, typer.Option(min=1, help="In which units fade (hesso).")] = 10,
    pruning_steps: Annotated[
        int | None, typer.Option(min=1, help="Of training, in which units fade. Default: up to a quarter of all.")
    ] = None,
    divisible: Annotated[int, typer.Option(min=1, help="Every group keeps a multiple of so many units.")] = 1,
    examples: Annotated[int | None, typer.Option(min=2, help="Training images, at most. Default: all.")] = None,
    runtime: Runtime = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", help="Attack the model before and after on these labelled images; may be repeated."),
    ] = None,
    panel: PanelName = "informed",
    attacker: Attackers = None,
    attack_seeds: AttackSeeds = 3,
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
    """A smaller model of the same use: channels and heads are removed while it trains, until a share is left.

    Every command opens what is written. Validation decides, the test split is read once.

    Example: archlock compact runs/mine --keep 50% --out runs/mine-small
    """
    from archlock.attacks import ATTACKS
    from archlock.cli.options import multiples
    from archlock.recipes import CompactConfig, PairedAttacks, parse_share, source_of
    from archlock.recipes import compact as run_compact
    from archlock.records import plain
    from archlock.reports import compact_lines, compact_remarks

    config = CompactConfig(
        keep=parse_share(keep),
        cost=cost,
        method=method,
        epochs=epochs,
        batch_size=batch_size,
        rates=multiples(rates, name="rates", example="0.01,0.05") if rates else (),
        optimiser=optimiser,
        flip=flip,
        periods=periods,
        pruning_steps=pruning_steps,
        divisible=divisible,
        examples=examples,
        runtime=runtime,
        seed=seed,
        device=device,
    )
    opening = {"size": None if size is None else sides(size), "channels": channels}
    opened = opened_model(model, module, module_args, opening)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        read = reader_of(opened, skip_bad=skip_bad, cache=cache, seed=seed, progress=progress)
        result = run_compact(
            opened,
            source_of(model, opened, None, seed=seed) if source is None else read([source])[0],
            config,
            out=out,
            targets=read(target or ()),
            attacks=PairedAttacks(
                panel=panel,
                attackers=tuple(ATTACKS) if attacker == ["all"] else tuple(attacker or ()),
                seeds=attack_seeds,
            ),
            workers=workers,
            factory=module,
            arguments=keyword_arguments(module_args),
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    warn(compact_remarks(result.record))
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    typer.echo(compact_lines(result.record))
    typer.echo(f"model and report: {result.page.parent.resolve()}")
