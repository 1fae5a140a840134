"""The commands, and the one place where an error becomes a line and an exit code."""

import json
import sys
from typing import Annotated

import typer

from archlock import __version__
from archlock.cli.attack import attack
from archlock.cli.evaluate import evaluate
from archlock.cli.lock import demo, lock
from archlock.cli.measure import measure
from archlock.cli.report import report
from archlock.cli.tables import tables
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
for command in (lock, attack, evaluate, measure, transfer, report, demo):
    app.command()(command)
app.add_typer(tables, name="tables")


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
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 3 unusable data, 130 interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        app(words, prog_name="archlock")
    except ArchLockError as error:
        _complain(error, as_json="--json" in words)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise  # (Typer makes this code, and no word, of an interruption)
        typer.echo("stopped; the same command takes the run up where it was", err=True)
        sys.exit(INTERRUPTED)


def _complain(error: ArchLockError, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": type(error).__name__, "message": str(error)}))
    typer.echo(f"error: {error}", err=True)
