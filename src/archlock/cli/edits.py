"""``archlock edits``."""

import json
from pathlib import Path
from typing import Annotated

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
    Seed,
    Size,
    SkipBad,
    keyword_arguments,
    sides,
    stderr,
    warn,
)


def edits(
    model: Annotated[str, typer.Argument(help=f"{MODEL}.")],
    source: Annotated[
        str | None,
        typer.Option(
            help=f"Say how much of what it does hangs on each, on labelled images that it was made for: {DATA}."
        ),
    ] = None,
    narrow: Annotated[
        list[str] | None,
        typer.Option(help="With --out: GROUP=KEEP, a number of units or a share such as 0.5; may be repeated."),
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(help="With --out: a block to leave out; may be repeated.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="New or empty directory for the smaller model (--narrow, --drop).")
    ] = None,
    module: Module = None,
    module_args: ModuleArgs = None,
    size: Size = None,
    channels: Channels = None,
    skip_bad: SkipBad = False,
    cache: CacheFolder = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """What of any trained model can be removed or left out, exactly or not, what it costs, and what stays and why.

    With --narrow and --drop it is removed and the smaller model is written; nothing is trained.

    Examples: archlock edits path/to/model --size 224,224
              archlock edits runs/mine --narrow cells.0.operations.0-1.convolution=0.5 --out runs/narrow
    """
    from archlock.errors import ConfigurationError
    from archlock.recipes import edit, edits_lines, list_edits
    from archlock.records import plain

    if (out is None) != (not narrow and not drop):
        raise ConfigurationError(
            "--narrow and --drop make a smaller model, which is written to --out; give "
            + ("--out as well" if out is None else "one of them, or leave out --out to list what there is")
        )
    opening = {"size": None if size is None else sides(size), "channels": channels}
    opened = opened_model(model, module, module_args, opening)
    warn(opened.notes)
    if out is not None:
        arguments = keyword_arguments(module_args)
        made = edit(
            opened,
            out=out,
            narrow=_amounts(narrow or []),
            drop=drop or [],
            seed=seed,
            factory=module,
            arguments=arguments,
        )
        summary = {"path": str(made.path.resolve()), "parameters": made.parameters, "macs": made.macs}
        words = [
            f"{name} {before:,} -> {after:,}"
            for name, (before, after) in (("parameters", made.parameters), ("MACs", made.macs))
        ]
        typer.echo(json.dumps(summary) if as_json else f"{'; '.join(words)}\nmodel: {made.path.resolve()}")
        return
    stderr()
    read = reader_of(opened, skip_bad=skip_bad, cache=cache, seed=seed)
    data = None if source is None else read([source])[0]
    found = list_edits(opened, source=data, seed=seed)
    if as_json:
        typer.echo(json.dumps(plain(found.record)))
        return
    for line in edits_lines(found.record):
        typer.echo(line)


def _amounts(texts: list[str]) -> dict[str, float]:
    """``GROUP=KEEP`` by group; anything else raises ConfigurationError."""
    from archlock.errors import ConfigurationError

    found: dict[str, float] = {}
    for text in texts:
        name, equals, amount = text.rpartition("=")
        try:
            found[name] = float(amount)
        except ValueError:
            equals = ""
        if not name or not equals:
            raise ConfigurationError(f"--narrow {text!r} is not understood; write GROUP=KEEP, as in stem.convolution=8")
    return found
