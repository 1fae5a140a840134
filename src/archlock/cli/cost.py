"""``archlock cost``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archlock.cli.opening import find_own_modules
from archlock.cli.options import (
    SPACE,
    Channels,
    Json,
    Module,
    ModuleArgs,
    Quiet,
    Runtime,
    Seed,
    Size,
    keyword_arguments,
    sides,
    stderr,
    warn,
)
from archlock.cli.progress import progress_on

if TYPE_CHECKING:
    from archlock.recipes import Calibration, ModelCost


def cost(
    model: Annotated[
        str | None,
        typer.Argument(
            help="Directory of a run, an ONNX file, a Hugging Face folder, or a file of weights with --module; none "
            "with --space."
        ),
    ] = None,
    space: Annotated[
        str | None, typer.Option(help=f"Calibrate this machine for the networks of a space instead: {SPACE}.")
    ] = None,
    width: Annotated[int, typer.Option(min=1, help="With --space: channels after the stem.")] = 16,
    depth: Annotated[int, typer.Option(min=1, help="With --space: cells in a row at one size.")] = 1,
    classes: Annotated[int, typer.Option(min=1, help="With --space: classes of the task.")] = 10,
    sample: Annotated[int, typer.Option(min=1, help="With --space: how many architectures are timed.")] = 25,
    out: Annotated[
        Path | None, typer.Option(help="With --space: file of the calibration, for archlock lock --device-table.")
    ] = None,
    runtime: Runtime = None,
    module: Module = None,
    module_args: ModuleArgs = None,
    size: Size = None,
    channels: Channels = None,
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """What a model costs: parameters, MACs, bytes of weights, memory, and its latency on this machine.

    With --space, calibrate this machine: some 25 architectures are timed, from which the latency of all others is
    foretold. Run it on the device, and lock elsewhere with --device-table.

    Examples: archlock cost runs/mine
              archlock cost --space nasbench201 --width 16 --size 32 --out here.device.json
    """
    from archlock.errors import ConfigurationError
    from archlock.recipes import Networks, calibrate_machine
    from archlock.recipes import cost as cost_of

    if (model is None) == (space is None):
        raise ConfigurationError(
            "give either a model, as in archlock cost runs/mine, or --space to calibrate this machine; got "
            + ("neither" if model is None else "both")
        )
    if space is not None:
        if out is None:
            raise ConfigurationError("a calibration is written to a file; give --out, as in --out here.device.json")
        if module is not None or module_args is not None:
            raise ConfigurationError("--module builds a model; a calibration with --space has none")
        networks = Networks(space, (channels or 3, *sides(size or "32")), classes, width, depth)
        with progress_on(stderr(), quiet=quiet or as_json) as progress:
            made = calibrate_machine(networks, out, runtime=runtime, count=sample, seed=seed, progress=progress)
        _show_calibration(made, out, as_json=as_json)
        return
    assert model is not None
    if out is not None:
        raise ConfigurationError("--out is for a calibration (--space); what a model costs is printed, see --json")
    find_own_modules(module)
    found = cost_of(
        model,
        runtime=runtime,
        factory=module,
        arguments=keyword_arguments(module_args),
        size=None if size is None else sides(size),
        channels=channels,
    )
    _show(found, as_json=as_json)


def _show(found: "ModelCost", *, as_json: bool) -> None:
    from archlock.recipes import cost_lines
    from archlock.records import plain

    warn(found.notes)
    if as_json:
        typer.echo(json.dumps(plain(found)))
        return
    for line in cost_lines(found):
        typer.echo(line)


def _show_calibration(made: "Calibration", out: Path, *, as_json: bool) -> None:
    from archlock.records import plain

    warn(made.remarks)
    if as_json:
        typer.echo(json.dumps(plain(made)))
        return
    typer.echo(
        f"{len(made.codes)} architectures timed on {made.on}: {min(made.timed_ms):.3g} to {max(made.timed_ms):.3g} ms"
    )
    typer.echo(
        f"foretold from counts of {made.model.counted} operations with a median error of {made.error:.1%} (each left "
        "out in turn)"
    )
    typer.echo(f"calibration: {out.resolve()}")
