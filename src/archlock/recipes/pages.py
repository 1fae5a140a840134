"""Make the pages of a finished run again from its record. Needs no torch."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from archlock.recipes.compact.procedure import COMPACT
from archlock.recipes.conceal.procedure import CARD as CONCEAL_CARD
from archlock.recipes.conceal.procedure import CONCEAL
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
    conceal_from_json,
    evaluation_from_json,
    from_json,
    hardening_from_json,
    peep_from_json,
    render_candidates,
    render_card,
    render_compact,
    render_conceal,
    render_conceal_card,
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
    made = next((made for name, made in _PAGES.items() if (run / name).exists()), _of_lock_or_attack)
    page, cards = made(run)
    for name, card in cards.items() if out is None else ():
        write_atomic(run / name, card)
    return write_atomic(out or run / REPORT, page)


def _of_lock_or_attack(run: Path) -> tuple[str, Mapping[str, str]]:
    record = from_json(run / RESULT)
    return render_html(record), {CARD: render_card(record)} if isinstance(record, LockRecord) else {}


def _of_peep(run: Path) -> tuple[str, Mapping[str, str]]:
    record = peep_from_json(run / PEEP)
    return render_peep(record), {PEEP_CARD: render_peep_card(record)}


def _of_conceal(run: Path) -> tuple[str, Mapping[str, str]]:
    record = conceal_from_json(run / CONCEAL)
    return render_conceal(record), {CONCEAL_CARD: render_conceal_card(record)}


_PAGES: Final[Mapping[str, Callable[[Path], tuple[str, Mapping[str, str]]]]] = {
    RECORD: lambda run: (render_evaluation(evaluation_from_json(run / RECORD)), {}),
    HARDENING: lambda run: (render_hardening(hardening_from_json(run / HARDENING), folder=str(run)), {}),
    ROBUSTNESS: lambda run: (render_robustness(robustness_from_json(run / ROBUSTNESS)), {}),
    COMPACT: lambda run: (render_compact(compact_from_json(run / COMPACT)), {}),
    CANDIDATES: lambda run: (render_candidates(candidates_from_json(run / CANDIDATES)), {}),
    CONCEAL: _of_conceal,
    PEEP: _of_peep,
}
"""Page and cards, by name of file, of a folder with such a record; hardening ends with a robustness run of its own."""
