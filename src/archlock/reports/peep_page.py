"""A peep as one self-contained web page; see ``html`` for what that means."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from archlock.reports.axes import calm
from archlock.reports.canvas import COLOURS, picture
from archlock.reports.peep import ObserverRecord, PeepRecord
from archlock.reports.peep_words import (
    LIMITS,
    between_words,
    edit_between,
    observer_verdict,
    peep_headline,
    peep_warnings,
    skeleton_between,
    worth_sentences,
)
from archlock.reports.templating import fill
from archlock.reports.wording import day, duration, number, percent, plural, shorten

HEIGHT: Final = 260
SHOWN: Final = 120
"""Operators of the aligned sequences."""


def render_peep(record: PeepRecord) -> str:
    """The page. The same record gives the same bytes."""
    return fill(
        "peep.html",
        filters={"day": day, "duration": duration, "percent": percent, "plural": plural, "shorten": shorten},
        plots={"errors": errors_plot("errors", record)},
        record=record,
        headline=peep_headline(record),
        rows=[_row(one, record) for one in record.observers],
        checks=[_check(one) for one in record.observers if one.check is not None],
        families=[_family(one) for one in record.observers],
        motifs=[(one.name, " ".join(one.motif), one) for one in record.observers if one.motif],
        aligned=[(one.name, aligned(record.kinds, one.seen[0].kinds)) for one in record.observers if one.seen],
        shown=SHOWN,
        worth=worth_sentences(record),
        warnings=peep_warnings(record),
        limits=LIMITS,
    )


def errors_plot(name: str, record: PeepRecord) -> str:
    """Edit error by observer, of the model and of unseen random networks, beside who always says the majority."""
    shown = [one for one in record.observers if one.check is not None]

    def draw(figure: Any, width: int) -> None:
        axes = figure.add_axes((52 / width, 48 / HEIGHT, 1 - 70 / width, 1 - 66 / HEIGHT))
        calm(axes)
        for place, one in enumerate(shown):
            check = one.check
            assert check is not None
            error = edit_between(one)
            axes.plot([place - 0.3, place + 0.3], [check.majority_error] * 2, color=COLOURS["other"], linewidth=2)
            axes.plot([place + 0.12], [check.edit_error], marker="s", color=COLOURS["plain"], markersize=7)
            bars = ([error.mean - error.low], [error.high - error.mean])
            axes.errorbar(
                [place - 0.12], [error.mean], yerr=bars, marker="o", color=COLOURS["locked"], markersize=8, capsize=3
            )
        axes.set_xticks(range(len(shown)), [one.name for one in shown])
        axes.set_xlim(-0.6, max(len(shown), 1) - 0.4)
        axes.set_ylim(bottom=-0.02)
        axes.set_ylabel("edit error")

    title = "Edit error: " + ", ".join(f"{one.name} {number(edit_between(one).mean, 3)}" for one in shown)
    return picture(name, title, draw, height=lambda _: HEIGHT)


def aligned(true: Sequence[str], read: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of the true and the read kind, with a dash where one has none; as many as are shown."""
    pairs: list[tuple[str, str]] = []
    for _, a, b, c, d in SequenceMatcher(None, true, read, autojunk=False).get_opcodes():
        for place in range(max(b - a, d - c)):
            left = true[a + place] if a + place < b else "-"
            right = read[c + place] if c + place < d else "-"
            pairs.append((left, right))
    return pairs[:SHOWN]


def _row(one: ObserverRecord, record: PeepRecord) -> dict[str, Any]:
    verdict = observer_verdict(one, record)
    cells = ["-"] * 4
    if one.seen:
        seen, edit, bones = one.seen[0], edit_between(one), skeleton_between(one)
        cells = [
            f"{number(edit.mean, 3)} ({between_words(edit)})",
            f"{number(bones.mean, 3)} ({between_words(bones)})",
            percent(seen.accuracy),
            f"{number(seen.log_candidates)} of {number(one.log_all, 0)}",
        ]
    repeats = "-" if one.repeatability is None else number(one.repeatability, 3)
    return {"name": one.name, "one": one, "verdict": verdict, "cells": cells, "repeats": repeats}


def _check(one: ObserverRecord) -> tuple[str, list[str]]:
    check = one.check
    assert check is not None
    convolutions = "-" if check.convolutions is None else percent(check.convolutions)
    return one.name, [
        percent(check.accuracy),
        convolutions,
        number(check.edit_error, 3),
        number(check.skeleton_error, 3),
        percent(check.exact),
        percent(check.majority_accuracy),
        percent(check.shuffled_accuracy),
    ]


def _family(one: ObserverRecord) -> tuple[str, list[str]]:
    first = [
        f"{name} {number(chance, 2)}"
        for name, chance in zip(one.family.names[:3], one.family.probabilities[:3], strict=True)
    ]
    return one.name, [", ".join(first), percent(one.family.top1), percent(one.family.top3)]
