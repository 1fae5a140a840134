"""A compaction as one self-contained web page; see ``html`` for what that means."""

from typing import Any, Final

from archlock.reports.axes import calm
from archlock.reports.before_after import before_after_cells, changes
from archlock.reports.canvas import COLOURS, picture
from archlock.reports.compact import CompactRecord
from archlock.reports.compact_words import (
    COSTS,
    attack_sentences,
    compact_headline,
    compact_remarks,
    ratio,
    size_rows,
    training_words,
)
from archlock.reports.shares import Share
from archlock.reports.templating import fill
from archlock.reports.wording import day, duration, number, percent, plural, points, shorten

HEIGHT: Final = 300


def render_compact(record: CompactRecord) -> str:
    """The page. The same record gives the same bytes."""
    return fill(
        "compact.html",
        filters={"day": day, "duration": duration, "percent": percent, "plural": plural, "shorten": shorten},
        plots={"curve": curve_plot("curve", record)},
        record=record,
        headline=compact_headline(record),
        remarks=compact_remarks(record),
        cost=COSTS[record.cost],
        tiles=_tiles(record),
        sizes=size_rows(record),
        scores=[
            (name, percent(before), percent(after), points(after - before))
            for name, (before, after) in (("validation accuracy", record.validation), ("test accuracy", record.test))
        ],
        training=training_words(record),
        attacked=attack_sentences(record),
        attacks=[] if record.attacks is None else [before_after_cells(one) for one in changes(record.attacks)],
        names=("", "") if record.attacks is None else record.attacks.names,
        limits=_limits(record),
    )


def curve_plot(name: str, record: CompactRecord) -> str:
    """Validation accuracy over the share of units kept: untrained, while units faded, and the smaller model."""
    units, kept = record.units

    def draw(figure: Any, width: int) -> None:
        axes = figure.add_axes((52 / width, 48 / HEIGHT, 1 - 150 / width, 1 - 66 / HEIGHT))
        calm(axes)
        axes.set_ylim(-3, 103)
        axes.set_xlim(103, 0)
        lines = (("not trained", record.curve, "pool", "s"), ("while fading", record.path, "plain", "D"))
        for label, points_of, colour, marker in lines:
            at = [100 * one.kept / units for one in points_of]
            scores = [100 * one.score for one in points_of]
            if at:
                axes.plot(at, scores, color=COLOURS[colour], marker=marker, markersize=5, linewidth=1.4)
                _named(axes, label, (at[-1], scores[-1]), colour, 0)
        place = (100 * kept / units, 100 * record.validation[1])
        axes.plot(*place, color=COLOURS["locked"], marker="o", markersize=9, linestyle="none")
        _named(axes, "trained on", place, "locked", 9)
        axes.set_xlabel("units kept (%)")
        axes.set_ylabel("validation accuracy (%)")

    title = "Validation accuracy over units kept, not trained: " + ", ".join(
        f"{percent(one.kept / units)} {percent(one.score)}" for one in record.curve
    )
    return picture(name, title, draw, height=lambda _: HEIGHT)


def _named(axes: Any, label: str, place: tuple[float, float], colour: str, up: int) -> None:
    axes.annotate(
        label, place, xytext=(9, up), textcoords="offset pixels", va="center", color=COLOURS[colour], weight="bold"
    )


def _tiles(record: CompactRecord) -> list[dict[str, str]]:
    units, kept = record.units
    change = record.test[1] - record.test[0]
    before, after = record.before, record.after
    return [
        {"name": "Test accuracy", "value": percent(record.test[1]), "note": f"{points(change)} next to the original"},
        {"name": "Units left", "value": percent(kept / units), "note": f"{kept:,} of {units:,}"},
        {"name": "Smaller file", "value": ratio(before, after, "weights_bytes"), "note": "weights, single precision"},
        {"name": "Faster", "value": ratio(before, after, "latency_ms"), "note": "one image, one thread"},
    ]


def _limits(record: CompactRecord) -> tuple[str, ...]:
    shares = () if record.source.scoring else (_intervals(*record.shares),)
    several = len(record.trials) > 1
    chosen = "The learning rate and the epoch were chosen" if several else "The epoch was chosen"
    return (
        *shares,
        f"{chosen} by validation; the test split was read once, at the end.",
        f"Points on the curve are of {plural(record.looked_on, 'validation image')}, with the statistics of batch "
        "normalisations taken anew, and are noisier than the table.",
        f"Latency: {record.timed_in}. On another machine or in another runtime the ratio is another; what goes is "
        "arithmetic, and small networks are often bound by something else.",
        "Only what can be removed without changing an answer once it is zero was considered, and tried: the smaller "
        f"network answered as the whole one with zeros up to {record.difference:.1g} of how far answers are apart.",
        "One seed. Another would choose other units and end elsewhere, by about as much as two trainings differ.",
    )


def _intervals(before: Share, after: Share) -> str:
    def words(share: Share) -> str:
        return f"{number(100 * share.low)} to {number(100 * share.high)}"

    return (
        f"95% intervals of test accuracy over images, by Wilson's method: {words(before)} before, {words(after)} "
        "after. They do not cover the chance in the training."
    )
