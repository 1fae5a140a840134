"""Make the pages of a finished run again from its record. Needs no torch."""

from pathlib import Path

from archlock.recipes.compact.procedure import COMPACT
from archlock.recipes.evaluate.procedure import RECORD
from archlock.recipes.harden.procedure import HARDENING
from archlock.recipes.peep.candidates import CANDIDATES
from archlock.recipes.peep.procedure import CARD as PEEP_CARD
from archlock.recipes.peep.procedure import PEEP
from archlock.recipes.robustness.procedure import ROBUSTNESS
from archlock.recipes.workspace import CARD, REPORT, RESULT
from archlock.records import write_atomic
from archlock.reports import (
    LockRecord,
    candidates_from_json,
    compact_from_json,
    evaluation_from_json,
    from_json,
    hardening_from_json,
    peep_from_json,
    render_candidates,
    render_card,
    render_compact,
    render_evaluation,
    render_hardening,
    render_html,
    render_peep,
    render_peep_card,
    render_robustness,
    robustness_from_json,
)


def rebuild(run: Path, out: Path | None = None) -> Path:
    """Render ``result.json`` of a lock or attack, or the record of another command; returns the page."""
    if (run / RECORD).exists():
        return write_atomic(out or run / REPORT, render_evaluation(evaluation_from_json(run / RECORD)))
    if (run / HARDENING).exists():
        page = render_hardening(hardening_from_json(run / HARDENING), folder=str(run))
        return write_atomic(out or run / REPORT, page)
    if (run / ROBUSTNESS).exists():
        return write_atomic(out or run / REPORT, render_robustness(robustness_from_json(run / ROBUSTNESS)))
    if (run / COMPACT).exists():
        return write_atomic(out or run / REPORT, render_compact(compact_from_json(run / COMPACT)))
    if (run / CANDIDATES).exists():
        return write_atomic(out or run / REPORT, render_candidates(candidates_from_json(run / CANDIDATES)))
    if (run / PEEP).exists():
        peeped = peep_from_json(run / PEEP)
        if out is None:
            write_atomic(run / PEEP_CARD, render_peep_card(peeped))
        return write_atomic(out or run / REPORT, render_peep(peeped))
    record = from_json(run / RESULT)
    if isinstance(record, LockRecord) and out is None:
        write_atomic(run / CARD, render_card(record))
    return write_atomic(out or run / REPORT, render_html(record))
