"""Make the pages of a finished run again from its record. Needs no torch."""

from pathlib import Path

from archlock.recipes.workspace import CARD, REPORT, RESULT
from archlock.records import write_atomic
from archlock.reports import LockRecord, from_json, render_card, render_html


def rebuild(run: Path, out: Path | None = None) -> Path:
    """Render ``result.json`` of a lock or attack run; returns the path of the page."""
    record = from_json(run / RESULT)
    if isinstance(record, LockRecord) and out is None:
        write_atomic(run / CARD, render_card(record))
    return write_atomic(out or run / REPORT, render_html(record))
