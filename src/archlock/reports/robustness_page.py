"""A robustness evaluation as one self-contained web page; see ``html`` for what that means."""

from collections.abc import Sequence
from typing import Any, Final

from archlock.reports.axes import calm
from archlock.reports.canvas import COLOURS, picture
from archlock.reports.robustness import RobustnessRecord
from archlock.reports.robustness_words import (
    NORM_NAMES,
    UPPER,
    effort_words,
    epsilon_words,
    robustness_verdict,
)
from archlock.reports.shares import Share
from archlock.reports.templating import fill
from archlock.reports.wording import day, duration, number, percent, plural, shorten

HEIGHT: Final = 300
_STYLES: Final = (("plain", "D"), ("convolution1", "s"), ("pool", "^"), ("other", "v"))
"""Colour and mark of the adversaries, in turn; the worst case is the filled circle."""


def render_robustness(record: RobustnessRecord) -> str:
    """The page. The same record gives the same bytes."""
    return fill(
        "robustness.html",
        filters={"day": day, "duration": duration, "percent": percent, "plural": plural, "shorten": shorten},
        plots={"curve": curve_plot("curve", record)},
        record=record,
        verdict=robustness_verdict(record),
        tiles=_tiles(record),
        norm=NORM_NAMES[record.norm],
        epsilons=[epsilon_words(epsilon, record) for epsilon in record.epsilons],
        rows=_rows(record),
        effort=effort_words(record),
        examples=[(one, epsilon_words(one.epsilon, record)) for one in record.examples],
        limits=_limits(record),
    )


def curve_plot(name: str, record: RobustnessRecord) -> str:
    """Accuracy over epsilon: a line for each adversary, and the worst case with its intervals."""
    positive = [place for place, epsilon in enumerate(record.epsilons) if epsilon > 0]
    at = [0.0, *(record.epsilons[place] for place in positive)]
    labels = ["0", *(epsilon_words(record.epsilons[place], record) for place in positive)]

    def levels(beaten: Sequence[int]) -> list[Share]:
        shares = record.robust(beaten)
        return [record.clean, *(shares[place] for place in positive)]

    def draw(figure: Any, width: int) -> None:
        axes = figure.add_axes((52 / width, 48 / HEIGHT, 1 - 130 / width, 1 - 66 / HEIGHT))
        calm(axes)
        axes.set_ylim(-3, 103)
        for (colour, marker), one in zip(_STYLES, record.adversaries, strict=False):
            values = [100 * share.value for share in levels(one.beaten)]
            axes.plot(at, values, color=COLOURS[colour], marker=marker, markersize=6, linewidth=1.2, alpha=0.9)
        worst = levels(record.worst)
        bars = ([100 * (one.value - one.low) for one in worst], [100 * (one.high - one.value) for one in worst])
        values = [100 * one.value for one in worst]
        axes.errorbar(at, values, yerr=bars, color=COLOURS["locked"], marker="o", markersize=8, linewidth=2, capsize=3)
        axes.set_xticks(at, labels)
        axes.set_xlabel("epsilon")
        axes.set_ylabel("accuracy (%)")
        _named(axes, record, values[-1], levels)

    title = "Accuracy over epsilon, worst case: " + ", ".join(
        f"{label} {percent(share.value)}" for label, share in zip(labels, levels(record.worst), strict=True)
    )
    return picture(name, title, draw, height=lambda _: HEIGHT)


def _named(axes: Any, record: RobustnessRecord, worst: float, levels: Any) -> None:
    """Names at the right end, moved apart where they would lie on each other."""
    ends = [("worst case", worst, "locked")]
    ends += [
        (one.name, 100 * levels(one.beaten)[-1].value, colour)
        for (colour, _), one in zip(_STYLES, record.adversaries, strict=False)
    ]
    lowest = -3.0
    for name, value, colour in sorted(ends, key=lambda end: (end[1], end[0] != "worst case")):
        height = max(value, lowest)
        lowest = height + 7
        axes.annotate(
            name, (1, height), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset pixels",
            va="center", color=COLOURS[colour], weight="bold" if name == "worst case" else "normal",
        )  # fmt: skip


def _tiles(record: RobustnessRecord) -> list[dict[str, str]]:
    def tile(name: str, share: Share) -> dict[str, str]:
        between = f"95% interval {number(100 * share.low)} to {number(100 * share.high)}"
        return {"name": name, "value": percent(share.value), "note": between}

    worst = list(zip(record.epsilons, record.robust(record.worst), strict=True))[-3:]
    return [
        tile("As they are", record.clean),
        *(tile(f"Within {epsilon_words(epsilon, record)}", share) for epsilon, share in worst),
    ]


def _rows(record: RobustnessRecord) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "what": f"{one.summary} ({one.paper}){'' if one.sees_gradients else ', sees no gradient'}",
            "cells": _cells(record.robust(one.beaten)),
            "seconds": one.seconds,
            "worst": False,
        }
        for one in record.adversaries
    ]
    worst = _cells(record.robust(record.worst))
    total = sum(one.seconds for one in record.adversaries)
    what = "for each image the adversary that beats it first"
    return [*rows, {"name": "worst case", "what": what, "cells": worst, "seconds": total, "worst": True}]


def _cells(shares: Sequence[Share]) -> list[tuple[str, str]]:
    """Of each the share, and its interval."""
    return [(percent(one.value), f"{number(100 * one.low)} to {number(100 * one.high)}") for one in shares]


def _limits(record: RobustnessRecord) -> tuple[str, ...]:
    return (
        *record.notes,
        UPPER,
        "Adversaries perturb images of a model that stays as it is. What attackers get who repurpose the model is "
        "another question, which archlock attack answers.",
        "Perturbed images are not rounded to 256 grey levels, as a file would round them.",
        f"{plural(len(record.rows), 'image')} of the {record.source.examples.get('test', 0):,} of the test split; "
        "intervals are of images like these, by Wilson's method, and do not cover the chance in the adversaries.",
        "What beats an image within one epsilon beats it within every larger one, so an image is perturbed no further, "
        "and no line rises.",
    )
