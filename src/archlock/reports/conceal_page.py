"""A concealment as one self-contained web page; see ``html`` for what that means."""

from typing import Any, Final

from archlock.reports.axes import calm
from archlock.reports.canvas import COLOURS, picture
from archlock.reports.conceal import ConcealRecord, DisguiseRecord
from archlock.reports.conceal_words import (
    COLUMNS,
    CONCEAL_LIMITS,
    conceal_headline,
    conceal_rows,
    conceal_warnings,
    plan_words,
    same_words,
    visible_words,
)
from archlock.reports.peep import between_recordings
from archlock.reports.templating import fill
from archlock.reports.wording import day, duration, number, plural, shorten

HEIGHT: Final = 260


def render_conceal(record: ConcealRecord) -> str:
    """The page. The same record gives the same bytes."""
    return fill(
        "conceal.html",
        filters={"day": day, "duration": duration, "plural": plural, "shorten": shorten},
        plots={"errors": errors_plot("errors", record)},
        record=record,
        headline=conceal_headline(record),
        columns=COLUMNS,
        rows=conceal_rows(record),
        done=plan_words(record),
        same=same_words(record),
        visible=visible_words(record),
        speed=[
            number(record.speed.original_ms, 3),
            number(record.speed.hidden_ms, 3),
            number(record.speed.ratio, 2),
            number(record.speed.budget, 2),
        ],
        rounds=[_round(record, place) for place in range(len(record.rounds))],
        plan=[(one.layer, disguise_words(one)) for one in record.plan],
        warnings=conceal_warnings(record),
        limits=CONCEAL_LIMITS,
    )


def disguise_words(one: DisguiseRecord) -> str:
    """``branch 2 outputs, dummy 1``."""
    return ", ".join(f"{trick.manoeuvre} {trick.amount} {trick.of}".strip() for trick in one.tricks)


def errors_plot(name: str, record: ConcealRecord) -> str:
    """Skeleton error by observer: nothing done, the naive reader, and who knows, with intervals over recordings."""

    def draw(figure: Any, width: int) -> None:
        axes = figure.add_axes((52 / width, 48 / HEIGHT, 1 - 70 / width, 1 - 66 / HEIGHT))
        calm(axes)
        for place, one in enumerate(record.observers):
            for shift, read, colour, marker in (
                (-0.2, one.before, "other", "s"),
                (0.0, one.naive, "plain", "^"),
                (0.2, one.taught, "locked", "o"),
            ):
                error = between_recordings(read.skeleton_errors)
                bars = ([error.mean - error.low], [error.high - error.mean])
                axes.errorbar(
                    [place + shift],
                    [error.mean],
                    yerr=bars,
                    marker=marker,
                    color=COLOURS[colour],
                    markersize=8,
                    capsize=3,
                )
        axes.set_xticks(range(len(record.observers)), [one.name for one in record.observers])
        axes.set_xlim(-0.6, len(record.observers) - 0.4)
        axes.set_ylim(bottom=-0.02)
        axes.set_ylabel("skeleton error")

    title = "Skeleton error: " + "; ".join(
        f"{one.name} nothing done {number(between_recordings(one.before.skeleton_errors).mean, 3)}, who knows "
        f"{number(between_recordings(one.taught.skeleton_errors).mean, 3)}"
        for one in record.observers
    )
    return picture(name, title, draw, height=lambda _: HEIGHT)


def _round(record: ConcealRecord, place: int) -> tuple[str, list[str]]:
    one = record.rounds[place]
    chosen = " (taken)" if place + 1 == record.chosen_round else ""
    errors = [" / ".join(number(value, 3) for value in values) for values in (one.best, one.middle, one.unseen)]
    return f"{place + 1}{chosen}", [str(one.tried), str(one.too_slow), *errors]
