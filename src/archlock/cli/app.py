"""The commands, and the one place where an error becomes a line and an exit code."""

import json
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Annotated, TextIO

import typer

from archlock import __version__
from archlock.cli.attack import attack
from archlock.cli.boundary import BUG, lines_of, message_of
from archlock.cli.compact import compact
from archlock.cli.conceal import conceal
from archlock.cli.cost import cost
from archlock.cli.edits import edits
from archlock.cli.evaluate import evaluate
from archlock.cli.harden import harden
from archlock.cli.lock import demo, lock
from archlock.cli.measure import measure
from archlock.cli.peep import peep
from archlock.cli.release import release
from archlock.cli.report import report
from archlock.cli.robustness import robustness
from archlock.cli.tables import tables
from archlock.cli.tasks import tasks
from archlock.cli.transfer import transfer
from archlock.errors import ArchLockError

INTERRUPTED = 130

app = typer.Typer(
    name="archlock",
    help="Find, train, attack and report neural architectures that are good at your task and hard to repurpose.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    lock,
    attack,
    compact,
    cost,
    edits,
    evaluate,
    harden,
    measure,
    transfer,
    release,
    robustness,
    peep,
    conceal,
    report,
    demo,
):
    app.command()(command)
app.add_typer(tables, name="tables")
app.add_typer(tasks, name="tasks")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"archlock {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 3 unusable data, 130 interrupted.

    Every error ends here (see ``boundary``). With ``--json`` it is an object on the standard output as well, a bug
    too, whose traceback is on the standard error.
    """
    words = sys.argv[1:] if arguments is None else arguments
    _let_print(sys.stdout)
    try:
        app(words, prog_name="archlock")
    except Exception as error:
        sys.exit(_complain(error, as_json="--json" in words))
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise  # (Typer makes this code, and no word, of an interruption)
        typer.echo("stopped; the same command takes the run up where it was", err=True)
        sys.exit(INTERRUPTED)


def _complain(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong, and answer the exit code."""
    line = message_of(error)
    if not line:
        typer.echo(lines_of(error), err=True)
        line = f"{type(error).__name__}: {error}. {BUG[0].upper()}{BUG[1:]}"
    if as_json:
        with suppress(OSError):  # (the standard output may be what is full)
            typer.echo(json.dumps({"error": type(error).__name__, "message": line}))
    typer.echo(f"error: {line}", err=True)
    return error.exit_code if isinstance(error, ArchLockError) else 1


def _let_print(stream: TextIO) -> None:
    """A name that the terminal cannot show is shown escaped, and never an error in the middle of the result."""
    if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")
