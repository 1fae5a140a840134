"""``archlock robustness``."""

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
    NormName,
    Queries,
    Quiet,
    Seed,
    Size,
    SkipBad,
    Workers,
    sides,
    stderr,
    warn,
)
from archlock.cli.progress import progress_on


def robustness(
    model: Annotated[str, typer.Argument(help=f"{MODEL}.")],
    source: Annotated[
        str, typer.Option(help=f"The data the model was trained for: {DATA}; classes in the order of its outputs.")
    ],
    out: Annotated[
        Path, typer.Option(help="Directory for robustness.json and the report; the same command goes on after a kill.")
    ],
    eps: Annotated[
        str | None,
        typer.Option(
            help="How far images may be changed, in shares of the range [0, 1], as in 2/255,8/255. Default: "
            "2/255,4/255,8/255 (linf), 0.25,0.5,1 (l2)."
        ),
    ] = None,
    adversary: Annotated[
        str | None,
        typer.Option(
            "--adversary",
            "--attacker",
            help="Who perturbs the images, with commas: fgsm, pgd, apgd, square. Default: all that know the norm. (Who "
            "repurposes the model is somebody else: see archlock attack.)",
        ),
    ] = None,
    norm: NormName = "linf",
    images: Annotated[int, typer.Option(min=1, help="Test images at most, chosen by the seed.")] = 1000,
    steps: Annotated[int, typer.Option(min=1, help="Steps of pgd and apgd.")] = 100,
    restarts: Annotated[int, typer.Option(min=1, help="Climbs of pgd and apgd from different beginnings.")] = 1,
    queries: Queries = 1000,
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
    """How robust a model is: adversaries change test images a little, and the worst case of each image counts.

    Images that the model is wrong about anyhow are not attacked. Says where gradients are masked, so that a model only
    looks robust.

    Example: archlock robustness runs/mine --source photos/ --eps 2/255,8/255 --images 500 --out rob/
    """
    from archlock.execution import resolve_device
    from archlock.recipes import RobustnessConfig, parse_epsilons
    from archlock.recipes import robustness as run_robustness
    from archlock.records import plain
    from archlock.reports import robustness_lines, robustness_warnings

    config = RobustnessConfig(
        epsilons=() if eps is None else parse_epsilons(eps),
        adversaries=() if adversary is None else tuple(name.strip() for name in adversary.split(",")),
        norm=norm,
        images=images,
        steps=steps,
        restarts=restarts,
        queries=queries,
        seed=seed,
        device=resolve_device(device),
    )
    opening = {"size": None if size is None else sides(size), "channels": channels}
    opened = opened_model(model, module, module_args, opening)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        read = reader_of(opened, skip_bad=skip_bad, cache=cache, seed=seed, progress=progress)
        result = run_robustness(
            opened,
            read([source])[0],
            config,
            out=out,
            workers=workers,
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    warn(robustness_warnings(result.record))
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    typer.echo(robustness_lines(result.record))
    typer.echo(f"report: {result.page.resolve()}")
