"""``archlock tasks``: the tasks of NAS-Bench-360, which of them can be made here, and making them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archlock.cli.options import Json, Quiet, Seed, SkipBad, stderr
from archlock.cli.progress import counted, progress_on

if TYPE_CHECKING:
    from archlock.tasks import SuiteTask

tasks = typer.Typer(
    help="Tasks of NAS-Bench-360: which can be made here, how the others are read, and making them.",
    no_args_is_help=True,
)


@tasks.command("list")
def list_tasks(as_json: Json = False) -> None:
    """List the recipes, and the ten tasks of NAS-Bench-360: how each is made or read, or why not.

    Example: archlock tasks list
    """
    from archlock.records import plain
    from archlock.tasks import NASBENCH360, RECIPES, SITE

    recipes = [
        {
            "name": recipe.name,
            "makes": recipe.description,
            "text": f"{recipe.name}:{recipe.argument}",
            "options": dict(recipe.options),
        }
        for recipe in RECIPES.values()
    ]
    if as_json:
        suite = list(NASBENCH360.values())
        typer.echo(json.dumps(plain({"recipes": recipes, "nas_bench_360": suite, "files": SITE})))
        return
    typer.echo("recipes, for archlock tasks make, --source, --target and --audit:")
    for recipe in recipes:
        typer.echo(f"  {recipe['text']}: {recipe['makes']}")
    typer.echo(f"the tasks of NAS-Bench-360 (its files: {SITE}):")
    for task in NASBENCH360.values():
        typer.echo(f"  {task.name}: {task.title}, {' x '.join(map(str, task.shape))}, {task.targets}")
        for line in _ways(task):
            typer.echo(f"    {line}")


@tasks.command("show")
def show_task(
    name: Annotated[str, typer.Argument(help="Name of a task of NAS-Bench-360 (archlock tasks list).")],
    as_json: Json = False,
) -> None:
    """Show one task of NAS-Bench-360, and the program that makes an archive of the benchmark's own files.

    Example: archlock tasks show ninapro
    """
    from archlock.records import plain
    from archlock.tasks import NASBENCH360

    task = NASBENCH360[name]
    if as_json:
        typer.echo(json.dumps(plain(task)))
        return
    sizes = " / ".join(f"{count:,}" for count in task.examples)
    typer.echo(f"{task.name}: {task.title}, {' x '.join(map(str, task.shape))}, {task.targets}")
    typer.echo(f"published: {sizes} examples, {task.metric} (lower is better), {task.licence}")
    for line in _ways(task):
        typer.echo(line)
    if task.conversion:
        typer.echo(f"\n{task.conversion}", nl=False)


@tasks.command("make")
def make_task(
    name: Annotated[
        str, typer.Argument(help="A recipe: darcy, spherical, mixtures or letters (letters:7 is another alphabet).")
    ],
    out: Annotated[Path, typer.Option(help="The .npz file to write; --source and --target take it.")],
    data: Annotated[
        str | None,
        typer.Option("--from", help="The data that it is made of: images (spherical), recordings (mixtures)."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            help="Nodes along a side (darcy: 85), points along a circle (spherical: 60), pixels (letters: 12)."
        ),
    ] = None,
    train: Annotated[
        int | None, typer.Option(help="Fields or pictures to train on (darcy: 900, letters: 3000).")
    ] = None,
    validation: Annotated[int | None, typer.Option(help="The same to decide by (darcy: 100, letters: 600).")] = None,
    test: Annotated[int | None, typer.Option(help="The same to report on (darcy: 100, letters: 2000).")] = None,
    skip_bad: SkipBad = False,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a file that is there.")] = False,
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a task by its recipe and save it. The same name, options and seed give the same file.

    Example: archlock tasks make darcy --size 43 --train 400 --out darcy43.npz

    Another: archlock tasks make spherical --from cifar100.npz --out spherical.npz
    """
    from archlock.errors import ConfigurationError
    from archlock.records import check_writable
    from archlock.tasks import made_text, open_task, save_task

    given = {"size": size, "train": train, "validation": validation, "test": test}
    text = made_text(name, data, {option: str(value) for option, value in given.items() if value is not None})
    if out.suffix != ".npz":
        raise ConfigurationError(f"{out} does not end in .npz, by which it is known as an archive; write {out}.npz")
    if out.exists() and not replace:
        raise ConfigurationError(f"{out} is there already; name another file, or write over it with --replace")
    check_writable(out)
    with progress_on(stderr(), quiet=quiet or as_json) as progress:
        task = open_task(text, skip_bad=skip_bad, seed=seed, progress=counted(progress, f"making {name}", least=1))
    save_task(task, out)
    result: dict[str, Any] = {
        "path": str(out),
        "text": text,
        "name": task.name,
        "kind": task.kind,
        "shape": task.shape,
        "outputs": task.outputs,
        "train": len(task.train),
        "validation": len(task.validation),
        "test": len(task.test),
        "chance": task.chance,
        "fingerprint": task.fingerprint,
        "origin": task.origin,
    }
    if as_json:
        typer.echo(json.dumps(result))
        return
    typer.echo(task.origin)
    typer.echo(f"chance: {task.chance:.4f} ({task.traits.words.score}; the best constant answer)")
    typer.echo(f"task: {out} ({task.fingerprint}); the same without a file: --source '{text}' --seed {seed}")


def _ways(task: "SuiteTask") -> list[str]:
    """How to come by a task, a line each."""
    lines = [f"made here: --source '{task.text}'" if task.text else f"not made here: {task.reason}"]
    if task.conversion:
        lines.append(f"read after a few lines (archlock tasks show {task.name}): {task.files}")
    elif task.reading:
        lines.append(f"read: --source '{task.reading}' (file of the benchmark: {task.files})")
    else:
        lines.append(f"not read: {task.files}")
    if task.stand_in:
        lines.append(f"instead, and not the same: {task.stand_in}")
    return lines
