"""A hardening as one page: verdict, accuracy before and after, layers, claims, sizes, and attackers on both."""

from collections.abc import Sequence
from typing import Any

from archlock.reports.amounts import bytes_in_words
from archlock.reports.before_after import before_after_cells, before_after_sentences, changes
from archlock.reports.hardening import HardeningRecord, LayerRecord
from archlock.reports.hardening_words import (
    MASKS,
    NOT_ATTACKED,
    claims,
    hardening_sentence,
    hardening_verdict,
    hardening_warnings,
    immunity_sentences,
)
from archlock.reports.robustness import RobustnessRecord
from archlock.reports.robustness_page import curve_plot
from archlock.reports.robustness_words import NORM_NAMES, UPPER, effort_words, epsilon_words
from archlock.reports.shares import Share
from archlock.reports.templating import fill
from archlock.reports.wording import DASH, day, duration, interval, number, percent, plural, shorten


def render_hardening(record: HardeningRecord, *, folder: str) -> str:
    """The page. ``folder`` is the path that opening is shown with."""
    return fill(
        "hardening.html",
        filters={"day": day, "duration": duration, "percent": percent, "plural": plural, "shorten": shorten},
        plots={"curve": curve_plot("curve", record.after)},
        record=record,
        folder=folder,
        verdict=hardening_verdict(record),
        sentence=hardening_sentence(record),
        warnings=hardening_warnings(record),
        norm=NORM_NAMES[record.norm],
        epsilon=epsilon_words(record.epsilon, record.after),
        epsilons=[epsilon_words(epsilon, record.after) for epsilon in record.after.epsilons],
        rows=_rows(record),
        effort=effort_words(record.after),
        layers=[_layer(one) for one in record.layers],
        claims=claims(record),
        sizes=_sizes(record),
        immunity=immunity_sentences(record),
        attacks=[] if record.attacks is None else [before_after_cells(one) for one in changes(record.attacks)],
        attacked=[NOT_ATTACKED] if record.attacks is None else before_after_sentences(record.attacks),
        limits=(
            UPPER,
            MASKS,
            "Differences of accuracy are paired over the same test images, with normal 95% intervals: of images like "
            "these, not of another training.",
            "The epoch was chosen by robust accuracy on validation images; test images were used once, for this page.",
            "The condition number is that of the surviving rank of the filters that are not dead: dead filters, a "
            "short rank and a wide spectrum are three things.",
        ),
    )


def _rows(record: HardeningRecord) -> list[dict[str, Any]]:
    """Accuracy by adversary, before and after, and the change of the worst case."""
    found: list[dict[str, Any]] = []
    for when, one in (("before", record.before), ("after", record.after)):
        found += [
            {"name": f"{adversary.name}, {when}", "cells": _cells(one, adversary.beaten), "worst": False}
            for adversary in one.adversaries
        ]
        found.append({"name": f"worst case, {when}", "cells": _cells(one, one.worst), "worst": True})
    changed = [record.clean_change, *record.robust_changes()]
    cells = [(f"{number(100 * one.mean)}", interval(one)) for one in changed]
    found.append({"name": "change of the worst case, points", "cells": cells, "worst": True})
    return found


def _cells(record: RobustnessRecord, beaten: Sequence[int]) -> list[tuple[str, str]]:
    shares: list[Share] = [record.clean, *record.robust(beaten)]
    return [(percent(one.value), f"{number(100 * one.low)} to {number(100 * one.high)}") for one in shares]


def _layer(layer: LayerRecord) -> dict[str, Any]:
    moments = (layer.before, layer.dense, layer.after)
    return {
        "name": layer.name,
        "sparsity": percent(layer.after.zeros / layer.weights),
        "dead": " / ".join(str(one.dead) for one in moments) + f" of {layer.filters}",
        "rank": " / ".join(f"{one.rank}" for one in moments) + f" of {layer.after.full_rank}",
        "condition": " / ".join(_number(one.condition) for one in moments),
        "gap": " / ".join(_number(one.gap) for one in moments),
        "norm": " / ".join(_number(one.norm) for one in moments),
        "note": "; ".join(filter(None, (layer.note, layer.shared_with and f"the weights of {layer.shared_with}"))),
    }


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.3g}"


def _sizes(record: HardeningRecord) -> list[tuple[str, str, str]]:
    before, after = record.sizes
    first, _, last = record.smoothness
    return [
        ("file of weights", bytes_in_words(before.file_bytes), bytes_in_words(after.file_bytes)),
        ("the same, compressed (zlib)", bytes_in_words(before.deflated_bytes), bytes_in_words(after.deflated_bytes)),
        ("latency of one image", f"{before.latency_ms:.3g} ms", f"{after.latency_ms:.3g} ms"),
        ("bound of the Lipschitz constant", _bound(first.bound, first.note), _bound(last.bound, last.note)),
        (
            f"norm of the Jacobian at {first.images} test images, median",
            f"{first.median_local:.3g}",
            f"{last.median_local:.3g}",
        ),
        ("the same, largest", f"{first.largest_local:.3g}", f"{last.largest_local:.3g}"),
    ]


def _bound(value: float | None, note: str) -> str:
    return f"none ({note})" if value is None else f"{value:.3g}"
