"""``archlock harden``."""

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
    Attackers,
    AttackSeeds,
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
    keyword_arguments,
    sides,
    stderr,
    warn,
)
from archlock.cli.progress import progress_on


def harden(
    model: Annotated[str, typer.Argument(help=f"{MODEL}.")],
    out: Annotated[
        Path, typer.Option(help="Directory for the model, hardening.json and the report; a kill is taken up.")
    ],
    source: Annotated[
        str | None,
        typer.Option(help=f"The data the model was trained for: {DATA}. Default: what a lock run was made with."),
    ] = None,
    eps: Annotated[
        str, typer.Option(help="How far images may be changed, a share of the range [0, 1] of images, as in 4/255.")
    ] = "4/255",
    against: NormName = "linf",
    sparsity: Annotated[
        float, typer.Option(help="Share of the weights that become zero, over all layers; 0: dense.")
    ] = 0.9,
    condition: Annotated[
        float, typer.Option(help="Weight of the condition-number constraint in the loss; 0: none.")
    ] = 0.1,
    sparse_shape: Annotated[float, typer.Option(help="Weight of the sparse constraint in the loss; 0: none.")] = 0.0,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs, half of them dense, then half of them sparse.")] = 20,
    rate: Annotated[float, typer.Option(help="Peak learning rate; the sparse half has half of it.")] = 0.05,
    flip: Annotated[
        bool, typer.Option("--flip", help="Mirror training images at random, where a mirror image means the same.")
    ] = False,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Let the same attackers loose on both models with these data; may be repeated."),
    ] = None,
    attacker: Attackers = None,
    attack_seeds: AttackSeeds = 3,
    attack_epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of a training of the attackers. Default: by the amount of data.")
    ] = None,
    immunise: Annotated[
        str | None,
        typer.Option(help="Make the features of these data ill-conditioned; measured, and no lock (see the report)."),
    ] = None,
    immunise_own: Annotated[
        float, typer.Option(help="With --immunise: weight of the own features' condition number in the loss.")
    ] = 0.3,
    immunise_other: Annotated[float, typer.Option(help="The same, of the other data's, which is to rise.")] = 0.3,
    images: Annotated[int, typer.Option(min=1, help="Test images on which both models are judged, at most.")] = 1000,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the adversaries that judge.")] = 100,
    queries: Queries = 1000,
    adversary: Annotated[
        str | None, typer.Option(help="Who judges, with commas: fgsm, pgd, apgd, square. Default: all.")
    ] = None,
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
    """Train a model on against changed images, with most of its weights zero; judged before and after.

    Says what robustness costs on images as they are, what the zeros are worth in bytes and time, and with --target
    whether attackers get more of the model than before: robust models transfer better as a rule.

    Example: archlock harden runs/mine --eps 4/255 --sparsity 0.9 --target other_photos/ --out runs/mine-hard
    """
    from archlock.execution import resolve_device
    from archlock.recipes import HardenConfig, PairedAttacks, parse_epsilon, source_of
    from archlock.recipes import harden as run_harden
    from archlock.records import plain
    from archlock.reports import hardening_lines, hardening_warnings

    config = HardenConfig(
        epsilon=parse_epsilon(eps),
        norm=against,
        sparsity=sparsity,
        condition=condition,
        sparse_shape=sparse_shape,
        epochs=epochs,
        learning_rate=rate,
        flip=flip,
        images=images,
        steps=steps,
        queries=queries,
        adversaries=_names(adversary),
        immunise_own=immunise_own,
        immunise_other=immunise_other,
        attacks=PairedAttacks(attackers=tuple(attacker or ()), seeds=attack_seeds, epochs=attack_epochs),
        seed=seed,
        device=resolve_device(device),
    )
    opening = {"size": None if size is None else sides(size), "channels": channels}
    opened = opened_model(model, module, module_args, opening)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        read = reader_of(opened, skip_bad=skip_bad, cache=cache, seed=seed, progress=progress)
        result = run_harden(
            opened,
            source_of(model, opened, None, seed=seed) if source is None else read([source])[0],
            config,
            out=out,
            targets=read(target or ()),
            immunise=None if immunise is None else read([immunise])[0],
            factory=module,
            arguments=keyword_arguments(module_args),
            workers=workers,
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    warn(hardening_warnings(result.record))
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    typer.echo(hardening_lines(result.record))
    typer.echo(f"report: {result.page.resolve()}")


def _names(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(name.strip() for name in text.split(","))
