"""``archlock peep``."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archlock.cli.opening import opened_model, reader_of
from archlock.cli.options import (
    DATA,
    MODEL,
    CacheFolder,
    Channels,
    Json,
    Module,
    ModuleArgs,
    Quiet,
    ReaderName,
    RecordingsIn,
    Seed,
    Size,
    SkipBad,
    Workers,
    sides,
    stderr,
    warn,
)
from archlock.cli.progress import progress_on

if TYPE_CHECKING:
    from archlock.recipes import OpenedModel


def peep(
    models: Annotated[
        list[str] | None, typer.Argument(help=f"{MODEL}. With --candidates: the candidates, several of these.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory for the record, the report and traces; the same command goes on.")
    ] = None,
    candidates: Annotated[
        bool, typer.Option("--candidates", help="Which of the models is running? The one in question is --suspect.")
    ] = False,
    suspect: Annotated[
        str | None,
        typer.Option(help="With --candidates: a model, or a trace (.jsonl) that was recorded on this machine."),
    ] = None,
    observer: Annotated[
        list[str] | None,
        typer.Option(help="Who observes: service, memory, timer, both; may be repeated. Default: all of them."),
    ] = None,
    networks: Annotated[
        int, typer.Option(help="Random networks that the reader is taught and checked by; recorded once on a machine.")
    ] = 250,
    recordings: Annotated[
        int | None,
        typer.Option(min=1, help="Of each model, each in a process of its own. Default: 3, with --candidates 5."),
    ] = None,
    reader: ReaderName = "windowed_trees",
    noise: Annotated[
        float, typer.Option(min=0, help="Simulated: times are disturbed by a factor of this deviation, as in 0.1.")
    ] = 0.0,
    source: Annotated[
        str | None,
        typer.Option(help=f"Train what was read from scratch on these data, beside the true architecture: {DATA}."),
    ] = None,
    recordings_in: RecordingsIn = None,
    module: Module = None,
    module_args: ModuleArgs = None,
    size: Size = None,
    channels: Channels = None,
    skip_bad: SkipBad = False,
    cache: CacheFolder = None,
    seed: Seed = 0,
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """What the execution of a model betrays of its architecture, and to whom.

    The model runs here, and is observed as a remote user, an allocator, a clock or both would see it. A reader that was
    taught by random networks recorded alike reads its operators.

    Examples: archlock peep runs/mine --observer timer --observer both --out peeps/mine
              archlock peep --candidates a/ b/ c/ --suspect runs/other --out peeps/which
    """
    from archlock.errors import ConfigurationError

    given = models or []
    if out is None:
        raise ConfigurationError(
            "the record and the report are written to a directory; give --out, as in --out peeps/mine"
        )
    if candidates != (suspect is not None):
        raise ConfigurationError(
            "--candidates and --suspect go together, as in --candidates a/ b/ --suspect runs/other"
        )
    if not given or (len(given) > 1 and not candidates):
        raise ConfigurationError(
            f"give one model, or several with --candidates and --suspect; got {len(given) or 'none'}"
        )
    opening: dict[str, Any] = {"size": None if size is None else sides(size), "channels": channels}

    def opened(text: str) -> "OpenedModel":
        return opened_model(text, module, module_args, opening)

    shown = {"as_json": as_json, "quiet": quiet}
    observers = tuple(observer or ())
    if suspect is not None:
        _which(given, suspect, opened, out=out, observers=observers, recordings=recordings, **shown)
        return
    settings = {"networks": networks, "recordings": recordings or 3, "reader": reader, "noise": noise, "seed": seed}
    rest = {"recordings_in": recordings_in, "workers": workers, "out": out}
    reading = {"skip_bad": skip_bad, "cache": cache, "seed": seed}
    _peep(opened(given[0]), source, reading, {"observers": observers, **settings}, rest, **shown)


def _peep(
    opened: "OpenedModel",
    source: str | None,
    reading: dict[str, Any],
    settings: dict[str, Any],
    rest: dict[str, Any],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    from archlock.recipes import PeepConfig
    from archlock.recipes import peep as run_peep
    from archlock.records import plain
    from archlock.reports import peep_lines, peep_warnings

    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        result = run_peep(
            opened,
            PeepConfig.of(**settings),
            source=None if source is None else reader_of(opened, **reading, progress=progress)([source])[0],
            **rest,
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    warn(peep_warnings(result.record))
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    typer.echo(peep_lines(result.record))
    typer.echo(f"report: {result.page.resolve()}")


def _which(
    given: list[str],
    suspect: str,
    opened: Any,
    *,
    out: Path,
    observers: tuple[str, ...],
    recordings: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    from archlock.recipes import candidates_named, which_is_running
    from archlock.records import plain
    from archlock.reports import candidates_lines

    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        result = which_is_running(
            {name: opened(text) for name, text in candidates_named(given).items()},
            suspect if suspect.endswith(".jsonl") else opened(suspect),
            out=out,
            observers=observers,
            recordings=5 if recordings is None else recordings,
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    warn(result.record.notes)
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    typer.echo(candidates_lines(result.record))
    typer.echo(f"report: {result.page.resolve()}")
