"""``archlock report``."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    out: Annotated[
        Path | None, typer.Option(help="Write the page there instead of report.html in the run directory.")
    ] = None,
) -> None:
    """Rebuild the report (and the model card) of a finished lock, attack, evaluation or robustness
    run from its record."""
    from archlock.recipes import rebuild

    typer.echo(f"report: {rebuild(run, out).resolve()}")
