"""``archlock lock`` and ``archlock demo``."""

import json
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archlock.cli.options import (
    DATA,
    Attackers,
    AttackSeeds,
    ByGroup,
    CacheFolder,
    Curves,
    Device,
    Fractions,
    Horizons,
    ImageSize,
    Json,
    PanelName,
    Quiet,
    Runtime,
    ScoreName,
    Seed,
    Shots,
    Signals,
    SkipBad,
    Space,
    Store,
    Trials,
    Workers,
    arms_named,
    attackers_asked,
    stderr,
    warn,
)
from archlock.cli.progress import counted, progress_on

if TYPE_CHECKING:
    from archlock.recipes import LockResult
    from archlock.tasks import Task


def lock(
    source: Annotated[str, typer.Option(help=f"The data of your own task: {DATA}.")],
    out: Annotated[
        Path, typer.Option(help="Directory of the run; the same command takes it up after an interruption.")
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(help="A target to lock against (scheme tk): data as for --source; may be repeated."),
    ] = None,
    audit: Annotated[
        list[str] | None,
        typer.Option(
            help="A target the search must not see: data as for --source, opened when the lock is decided; "
            "may be repeated."
        ),
    ] = None,
    scheme: Annotated[
        Literal["tu", "tk", "s"] | None,
        typer.Option(
            help="tu: targets unknown, simulated ones stand in. tk: lock against --target. s: source only. "
            "Default: tk with --target, else tu."
        ),
    ] = None,
    budget: Annotated[str, typer.Option(help="Minutes or trainings: 20min, 2h, '150 trainings'.")] = "20min",
    floor: Annotated[
        str, typer.Option(help="Source accuracy to give up at most, in points (1), or least source percentile (p97).")
    ] = "1",
    space: Space = "nasbench201",
    evidence: Annotated[
        Literal["adaptation", "rehearsal", "zero_cost"],
        typer.Option(
            help="adaptation: short trainings, adapted to known targets. rehearsal: the same, attacked as strong "
            "attackers with few examples do. zero_cost: proxies, no training."
        ),
    ] = "adaptation",
    lessons: Annotated[
        bool,
        typer.Option(
            "--lessons",
            help="With locking_macro: let recorded trainings on CIFAR-10 and CIFAR-100 say beforehand which "
            "architectures may train well; for sources that are like these.",
        ),
    ] = False,
    preference: Annotated[
        str,
        typer.Option(
            help="With zero_cost, what learns from proxies: score_model, binary_ranker (published), transferred "
            "(recorded transfer and proxies)."
        ),
    ] = "score_model",
    strategy: Annotated[
        str,
        typer.Option(help="With zero_cost: exhaustive (nothing beats it), random_sampling or regularised_evolution."),
    ] = "exhaustive",
    evaluations: Annotated[
        int | None, typer.Option(min=1, help="With zero_cost: architectures the strategy may judge. Default: all.")
    ] = None,
    objective: Annotated[
        Literal["constrained", "published"],
        typer.Option(
            help="With zero_cost: constrained (least for attackers above the floor) or published (T_rank - 2 S_rank)."
        ),
    ] = "constrained",
    simulate: Annotated[
        str | None, typer.Option(help="Simulated targets the search sees in scheme tu, separated by commas.")
    ] = None,
    max_params: Annotated[
        str | None, typer.Option(help="Most parameters of what is released, as in 300k; also of every reference.")
    ] = None,
    max_macs: Annotated[
        str | None, typer.Option(help="Most multiply-adds for one image, as in 20M. (FLOPs are twice as many.)")
    ] = None,
    max_weights: Annotated[str | None, typer.Option(help="Most bytes of weights, as in 300KB.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(help="Most bytes of feature maps that are held at once, as in 200KB.")
    ] = None,
    min_intensity: Annotated[
        str | None, typer.Option(help="Least FLOPs for each byte of weights and feature maps moved, as in 4.")
    ] = None,
    max_latency: Annotated[
        str | None,
        typer.Option(
            help="Most time for one image with one thread, as in 2ms; on this machine, or see --device-table."
        ),
    ] = None,
    runtime: Runtime = None,
    device_table: Annotated[
        str | None,
        typer.Option(
            help="Latencies of another device: a calibration made there (archlock cost --space), or a CSV of code, ms."
        ),
    ] = None,
    width: Annotated[int, typer.Option(min=1, help="Channels of the first stage.")] = 16,
    depth: Annotated[int, typer.Option(min=1, help="Cells per stage.")] = 1,
    finalists: Annotated[
        int | None,
        typer.Option(
            min=4,
            help="Full trainings that each search has before it confirms its choice; default: worked out from the "
            "budget, at most 8. More of them help where the noise of short ones is what a lock is chosen by.",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of full training; default: what the budget pays.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop a full training after so many epochs without improvement.")
    ] = None,
    flip: Annotated[
        bool, typer.Option("--flip", help="A mirrored image means the same: augment with mirroring.")
    ] = False,
    augmentation: Annotated[
        Literal["auto", "shift", "photographs"],
        typer.Option(
            help="What training images are changed by: shift (small shifts), photographs (random windows, mirroring, "
            "colours), or auto (the latter from 96 pixels on)."
        ),
    ] = "auto",
    image_size: ImageSize = None,
    skip_bad: SkipBad = False,
    cache: CacheFolder = None,
    signals: Signals = False,
    score: ScoreName = "accuracy",
    by_group: ByGroup = False,
    arms: Annotated[
        str,
        typer.Option(
            help="Other architectures that are trained and attacked alike, with commas: by lot above the source floor "
            "(random), about as large as the locked one (same_size), what NSGA-II chooses with as many trainings "
            "(nsga2); or none."
        ),
    ] = "random,same_size",
    train: Annotated[
        str,
        typer.Option(
            help="plain, or nontransferable[:ntl|sophon|sophon_kl]: the released networks are trained on against the "
            "targets that the search may know, and attacked before and after."
        ),
    ] = "plain",
    peep: Annotated[
        bool,
        typer.Option(
            "--peep",
            help="Say how well observers read the locked and the source-only network while they run, as archlock peep "
            "does; records random networks once on a machine.",
        ),
    ] = False,
    panel: PanelName = "informed",
    attacker: Attackers = None,
    attack_seeds: AttackSeeds = 3,
    fractions: Fractions = "10,100",
    trials: Trials = None,
    horizons: Horizons = "",
    shots: Shots = "",
    curves: Curves = False,
    store: Store = None,
    seed: Seed = 0,
    device: Device = "auto",
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find, train and attack an architecture that is good at your task and bad for others.

    Ends with a trained model (safetensors and ONNX), its model card, every number (result.json) and a report that opens
    in any browser. Example: archlock lock --source photos/ --audit other_photos/ --out runs/mine
    """
    from archlock.execution import resolve_device
    from archlock.recipes import Budget, LockConfig, parse_floor, parse_limits, refuse_recorded
    from archlock.recipes import lock as run_lock
    from archlock.tasks import Framing, Scoring, check_task, name_of, names_apart, open_task, scored, scored_alike, seal

    console = stderr()
    defaults = LockConfig()
    place = resolve_device(device)
    config = LockConfig(
        scheme=scheme or ("tk" if target else "tu"),
        space=space,
        evidence=evidence,
        lessons=lessons,
        preference=preference,
        strategy=strategy,
        evaluations=evaluations,
        objective=objective,
        floor=parse_floor(floor),
        budget=Budget.parse(budget),
        simulated=tuple(simulate.split(",")) if simulate else defaults.simulated,
        keep_size=image_size is not None,
        limits=parse_limits(
            max_params=max_params,
            max_macs=max_macs,
            max_weights=max_weights,
            max_memory=max_memory,
            min_intensity=min_intensity,
            max_latency=max_latency,
            runtime=runtime,
            device_table=device_table,
        ),
        width=width,
        depth=depth,
        finalists=finalists,
        epochs=epochs,
        patience=patience,
        flip=flip,
        augmentation=augmentation,
        arms=arms_named(arms),
        train=train,
        peep=peep,
        **attackers_asked(panel, attacker, fractions, trials, horizons, shots, curves),
        attack_seeds=attack_seeds,
        seed=seed,
        device=place,
    )
    if lessons:
        refuse_recorded(space, [*(target or []), *(audit or [])])
    for text in audit or []:
        check_task(
            text, signals=signals
        )  # it is opened when the lock is decided, which is late to hear that there is no such folder
    with progress_on(console, quiet=quiet or as_json) as progress:
        scoring = Scoring(score, by_group)
        task = open_task(
            source,
            image_size=image_size,
            skip_bad=skip_bad,
            signals=signals,
            cache=cache,
            progress=counted(progress, "images decoded"),
            seed=seed,
        )
        task = scored(task, scoring)
        alike = task.form == "signal"
        framing = None if alike else Framing(*task.shape[1:])
        read = partial(
            open_task,
            image_size=framing,
            skip_bad=skip_bad,
            signals=signals or alike,
            cache=cache,
            progress=counted(progress, "images decoded"),
            seed=seed,
        )

        def opened(text: str, name: str | None) -> "Task":
            return scored_alike(read(text, name=name), scoring)

        hidden = audit or []
        names = names_apart([*(target or []), *hidden], beside=[source])
        result = run_lock(
            task,
            config,
            out=out,
            known=[opened(text, name=names.get(text)) for text in target or []],
            sealed=[
                seal(partial(opened, text, name=names.get(text)), name=names.get(text, name_of(text)))
                for text in hidden
            ],
            store=store,
            workers=workers,
            progress=progress,
            command=shlex.join(["archlock", *sys.argv[1:]]),
        )
    _show(result, as_json=as_json)


def demo(
    out: Annotated[Path, typer.Option(help="Directory of the run.")] = Path("runs/demo"),
    seed: Seed = 0,
    workers: Workers = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The whole job on drawn letters of made-up alphabets, small enough for three to four minutes on two cores.

    A reader of one alphabet is locked against readers of another, which the search knows, and attacked on a third,
    which it never sees. Attackers have three pictures of each letter.
    """
    from archlock.recipes import demo as run_demo

    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        result = run_demo(out=out, seed=seed, workers=workers, progress=progress)
    _show(result, as_json=as_json)


def _show(result: "LockResult", *, as_json: bool) -> None:
    """The result on the standard output: JSON, or a few lines that end with the path of the report."""
    from archlock.records import plain
    from archlock.reports import leak_said, two_by_two_said, verdict_of, warnings_of

    warn(warnings_of(result.record))
    if as_json:
        typer.echo(json.dumps(plain(result.record)))
        return
    verdict = verdict_of(result.record)
    typer.echo(
        " ".join(
            filter(None, (verdict.sentence, verdict.beside, two_by_two_said(result.record), leak_said(result.record)))
        )
    )
    typer.echo(f"model:  {result.path / 'locked.safetensors'}")
    typer.echo(f"report: {result.page.resolve()}")
