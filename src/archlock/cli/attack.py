"""``archlock attack``."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from archlock.cli.options import (
    DATA,
    AttackSeeds,
    Device,
    Fractions,
    Json,
    Quiet,
    Seed,
    SkipBad,
    Store,
    Workers,
    device_named,
    percentages,
    stderr,
)
from archlock.cli.progress import progress_on


def attack(
    run: Annotated[Path, typer.Argument(help="Directory of a finished lock run.")],
    target: Annotated[list[str], typer.Option(help=f"Data to repurpose the models for: {DATA}. May be repeated.")],
    attacker: Annotated[
        list[str] | None,
        typer.Option(
            help="An attacker such as fine_tune (docs/how-to/attack.md has all); may be repeated. Default: all."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory for result and report. Default: attacks/NAME in the run directory.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of an attack with all the data. Default: by the amount of data.")
    ] = None,
    examples: Annotated[
        int | None, typer.Option(min=2, help="Most training images of a target. Default: all of them.")
    ] = None,
    attack_seeds: AttackSeeds = 3,
    fractions: Fractions = "10,100",
    skip_bad: SkipBad = False,
    store: Store = None,
    seed: Seed = 0,
    device: Device = "auto",
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Let attackers loose on the locked and on the source-only model of a run, on data of your choice.

    Example: archlock attack runs/mine --target path/to/other_images
    """
    from archlock.attacks import ATTACKS
    from archlock.recipes import AttackConfig
    from archlock.recipes import attack as run_attack
    from archlock.records import plain
    from archlock.reports import attack_summary
    from archlock.tasks import open_task

    place = device_named(device)
    config = AttackConfig(
        attackers=tuple(attacker) if attacker else tuple(ATTACKS),
        fractions=percentages(fractions),
        seeds=attack_seeds,
        epochs=epochs,
        examples=examples,
        seed=seed,
        device=place,
    )
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        result = run_attack(
            run,
            [open_task(text, skip_bad=skip_bad, seed=seed) for text in target],
            config,
            out=out,
            store=store,
            workers=workers or (1 if place != "cpu" else None),
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    typer.echo(attack_summary(result.record))
    typer.echo(f"report: {result.page.resolve()}")
