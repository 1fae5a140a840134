"""``archlock attack``."""

import json
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from archlock.cli.opening import opened_model
from archlock.cli.options import (
    DATA,
    MODEL,
    Attackers,
    AttackSeeds,
    ByGroup,
    CacheFolder,
    Channels,
    Curves,
    Device,
    Fractions,
    Horizons,
    Json,
    Module,
    ModuleArgs,
    PanelName,
    Quiet,
    ScoreName,
    Seed,
    Shots,
    Size,
    SkipBad,
    Store,
    Trials,
    Workers,
    attackers_asked,
    sides,
    stderr,
    warn,
)
from archlock.cli.progress import counted, progress_on


def attack(
    model: Annotated[
        str,
        typer.Argument(help=f"{MODEL}."),
    ],
    target: Annotated[list[str], typer.Option(help=f"Data to repurpose the model for: {DATA}. May be repeated.")],
    panel: PanelName = "informed",
    attacker: Attackers = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for result and report. Default for a lock run: attacks/NAME in its directory."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help="Minutes for all attacks, as in 20min: epochs, images, shares and seeds are made to fit."),
    ] = None,
    module: Module = None,
    module_args: ModuleArgs = None,
    size: Size = None,
    channels: Channels = None,
    reference: Annotated[
        str | None, typer.Option(help="A second model, opened in the same ways, for a paired comparison.")
    ] = None,
    reference_module: Annotated[
        str | None, typer.Option(help="As --module, for --reference. Default: the same.")
    ] = None,
    reference_args: Annotated[
        str | None, typer.Option(help="As --module-args, for --reference. Default: the same.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help=f"Data the model was trained for, to measure it there: {DATA}; classes in its order."),
    ] = None,
    more: Annotated[
        str | None,
        typer.Option(
            help=f"Further images of the model's own task, to see whether it can be trained on: {DATA}; classes in its "
            "order."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of an attack with all the data. Default: by the amount of data.")
    ] = None,
    examples: Annotated[
        int | None, typer.Option(min=2, help="Training images of a target, at most. Default: all of them.")
    ] = None,
    attack_seeds: AttackSeeds = 3,
    fractions: Fractions = "10,100",
    trials: Trials = None,
    horizons: Horizons = "",
    shots: Shots = "",
    curves: Curves = False,
    skip_bad: SkipBad = False,
    cache: CacheFolder = None,
    score: ScoreName = "accuracy",
    by_group: ByGroup = False,
    store: Store = None,
    seed: Seed = 0,
    device: Device = "auto",
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Let attackers loose on a trained model: on any checkpoint, or on every model of a lock run.

    The models of a lock run, on data of your choice:

        archlock attack runs/mine --target path/to/other_images

    A Hugging Face folder on disk, in twenty minutes:

        archlock attack path/to/vit --target path/to/images --budget 20min --out attacks/vit

    A file of weights, of a module of your own or of timm:

        archlock attack best.pth --module timm:create_model --module-args '{"model_name": "resnet18"}' --size 224,224
        --target path/to/images --out attacks/resnet18

    The same command again takes up what was interrupted. Reading weights never runs code.
    """
    from archlock.errors import ConfigurationError
    from archlock.execution import resolve_device
    from archlock.recipes import AttackConfig, Budget, image_framing, is_run, takes_signals
    from archlock.recipes import attack as run_attack
    from archlock.records import plain
    from archlock.reports import attack_table, warnings_of
    from archlock.tasks import Scoring, open_tasks, scored_alike

    place = resolve_device(device)
    config = AttackConfig(
        **attackers_asked(panel, attacker, fractions, trials, horizons, shots, curves),
        seeds=attack_seeds,
        epochs=epochs,
        examples=examples,
        seed=seed,
        device=place,
        budget=None if budget is None else Budget.parse(budget),
    )
    opening = {"size": None if size is None else sides(size), "channels": channels}
    given = {"--module": module, "--size": size, "--channels": channels}
    for option in (option for option, value in given.items() if value is not None and is_run(model)):
        raise ConfigurationError(
            f"{model} is an ArchLock run, which says itself how its models are built; leave out {option}"
        )
    attacked = model if is_run(model) else opened_model(model, module, module_args, opening)
    same = module if reference and Path(reference).is_file() else None
    other = reference and opened_model(reference, reference_module or same, reference_args or module_args, opening)
    scoring = Scoring(score, by_group)
    framing, signals = image_framing(attacked), takes_signals(attacked)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        read = partial(
            open_tasks,
            image_size=framing,
            skip_bad=skip_bad,
            signals=signals,
            cache=cache,
            progress=counted(progress, "images decoded"),
            seed=seed,
        )
        targets = read(target)
        result = run_attack(
            attacked,
            [scored_alike(one, scoring) for one in targets],
            config,
            reference=other or None,
            source=None if source is None else scored_alike(read([source])[0], scoring),
            more=None if more is None else scored_alike(read([more])[0], scoring),
            out=out,
            store=store,
            workers=workers,
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    warn(warnings_of(result.record))
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    typer.echo(attack_table(result.record))
    typer.echo(f"report: {result.page.resolve()}")
