"""``archlock conceal``."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from archlock.cli.opening import opened_model
from archlock.cli.options import (
    DATA,
    MODEL,
    Channels,
    Json,
    Module,
    ModuleArgs,
    Quiet,
    ReaderName,
    RecordingsIn,
    Seed,
    Size,
    Workers,
    keyword_arguments,
    sides,
    stderr,
    warn,
)
from archlock.cli.progress import progress_on


def conceal(
    model: Annotated[str, typer.Argument(help=f"{MODEL}.")],
    out: Annotated[
        Path, typer.Option(help="Directory for the hidden model and its report; the same command goes on after a kill.")
    ],
    budget: Annotated[
        str, typer.Option(help="How many times as slow it may be (measured, before and after in turn), as in 1.5x.")
    ] = "1.5x",
    manoeuvre: Annotated[
        list[str] | None,
        typer.Option(
            help="By what: branch, kernel, deepen, dummy, group; may be repeated. Default: all of these. fold is done "
            "always; arena is simulated and must be asked for."
        ),
    ] = None,
    observer: Annotated[
        list[str] | None,
        typer.Option(
            help="From whom: timer, memory or both; may be repeated, then who reads best counts. Default: timer."
        ),
    ] = None,
    networks: Annotated[
        int, typer.Option(help="Random networks that each reader is taught by; recorded anew for every policy.")
    ] = 140,
    rounds: Annotated[int, typer.Option(min=1, help="Of search; in each a reader is taught on the policy of it.")] = 3,
    plans: Annotated[int, typer.Option(min=1, help="Disguises that are tried in a round.")] = 24,
    recordings: Annotated[
        int, typer.Option(min=1, help="Of the model before and after, each in a process of its own.")
    ] = 3,
    worse: Annotated[
        int,
        typer.Option(
            min=1,
            help="Of so many of the best disguises take the one whose visible architecture trains worst on --source "
            "(ObfuNAS). Default: the best, nothing is trained.",
        ),
    ] = 1,
    reader: ReaderName = "windowed_trees",
    source: Annotated[
        str | None,
        typer.Option(help=f"The model's own data: answers are compared on them, not on random images: {DATA}."),
    ] = None,
    recordings_in: RecordingsIn = None,
    module: Module = None,
    module_args: ModuleArgs = None,
    size: Size = None,
    channels: Channels = None,
    seed: Seed = 0,
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The same function, harder to read off its execution, within a budget of time.

    Normalisation is folded, and convolutions are computed in other ways. The search knows readers who were taught on
    networks that were disguised alike; the report has what such a reader still reads. Every command opens what is
    written.

    Example: archlock conceal runs/mine --budget 1.5x --out hidden
    """
    from archlock.recipes import ConcealConfig, parse_slowdown
    from archlock.recipes import conceal as run_conceal
    from archlock.records import plain
    from archlock.reports import conceal_lines, conceal_warnings

    config = ConcealConfig(
        budget=parse_slowdown(budget),
        manoeuvres=tuple(manoeuvre or ()),
        observers=tuple(observer or ("timer",)),
        networks=networks,
        rounds=rounds,
        plans=plans,
        recordings=recordings,
        worse=worse,
        reader=reader,
        seed=seed,
    )
    opening: dict[str, Any] = {"size": None if size is None else sides(size), "channels": channels}
    opened = opened_model(model, module, module_args, opening)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        result = run_conceal(
            opened,
            config,
            out=out,
            source=source,
            factory=module,
            arguments=keyword_arguments(module_args),
            recordings_in=recordings_in,
            workers=workers,
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    warn(conceal_warnings(result.record))
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    typer.echo(conceal_lines(result.record))
    typer.echo(f"model and report: {result.page.parent.resolve()}")
