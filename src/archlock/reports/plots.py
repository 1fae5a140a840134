"""The other pictures of a report, each a function from records to inline SVG (see ``canvas``); matplotlib draws them.

The locked model is a filled circle in the one colour and any other a diamond in the other, as in ``dumbbells``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from archlock.reports.axes import MARGIN, calm, pixel_axes
from archlock.reports.canvas import COLOURS, picture
from archlock.reports.record_parts import ModelRecord, Role, TargetRecord, TradeOffPoint
from archlock.reports.statistics import estimate
from archlock.reports.wording import duration, number, shorten

_MARKED_LOSSES: Final = (0.005, 0.01, 0.02)


def trade_off_plot(name: str, points: Sequence[TradeOffPoint], chosen: str) -> str:
    """Taken away against allowed source loss; filled = finalists measured, hollow = estimated; ``chosen`` is ringed."""
    ordered = sorted(points, key=lambda point: point.source_loss)

    def draw(figure: Any, width: int) -> None:
        x, y = [100 * p.source_loss for p in ordered], [100 * p.taken_away for p in ordered]
        axes = figure.add_axes((52 / width, 44 / 260, 1 - 66 / width, 1 - 70 / 260))
        calm(axes)
        right = max(2.2, *x) * 1.04
        low, high = min(0.0, *y), max(1.0, *y)
        axes.set_xlim(-0.03 * right, right)
        axes.set_ylim(low - 0.1 * (high - low), high + 0.18 * (high - low))
        for loss in _MARKED_LOSSES:
            axes.axvline(100 * loss, color=COLOURS["grid"], linewidth=1, linestyle=(0, (2, 3)))
            axes.annotate(f"{100 * loss:g}", (100 * loss, 1), xycoords=("data", "axes fraction"), xytext=(0, 6),
                          textcoords="offset pixels", ha="center", color=COLOURS["muted"])  # fmt: skip
        axes.axhline(0, color=COLOURS["grid"], linewidth=1)
        axes.step(x, y, where="post", color=COLOURS["locked"], linewidth=1.4, alpha=0.6)
        for point, px, py in zip(ordered, x, y, strict=True):
            face = COLOURS["paper"] if point.estimated else COLOURS["locked"]
            axes.plot([px], [py], marker="o", markersize=7.5, color=face, markeredgecolor=COLOURS["locked"])
        ours = [(px, py) for point, px, py in zip(ordered, x, y, strict=True) if point.code == chosen]
        if ours:
            axes.plot(*[[value] for value in ours[0]], marker="o", markersize=15, color="none",
                      markeredgecolor=COLOURS["locked"])  # fmt: skip
            near_left = (
                ours[0][0] < 0.3 * right
            )  # the curve rises to the right: free above on the left, below on the right
            axes.annotate("this lock", ours[0], xytext=(12, -5) if near_left else (-11, 5),
                          textcoords="offset pixels", ha="left" if near_left else "right",
                          va="top" if near_left else "bottom", weight="bold")  # fmt: skip
        axes.set_xlabel("allowed loss on the source (points)")
        axes.set_ylabel("taken away in the search (points)")

    best = max(ordered, key=lambda point: point.taken_away)
    title = (
        f"Trade-off over {len(ordered)} allowed source losses: at most {number(100 * best.taken_away)} points are "
        f"taken from the attackers of the search, at an allowed source loss of {number(100 * best.source_loss)} points."
    )
    return picture(name, title, draw, height=lambda _: 260)


Levels = Mapping[Role, Sequence[tuple[float, tuple[float, ...]]]]
"""For each model: pairs of a fraction of the target's data and the test scores there, one per seed."""


def fraction_plot(name: str, curves: Mapping[str, Levels], targets: Sequence[TargetRecord]) -> str:
    """Strongest attack against the share of the target's data, one small panel per target (two fractions or more)."""
    by_name = {target.name: target for target in targets}

    def columns(width: int) -> int:
        return 3 if width >= 500 else 1

    def height(width: int) -> int:
        return 190 * -(-len(curves) // columns(width))

    def draw(figure: Any, width: int) -> None:
        across, tall = width // columns(width), height(width)
        for index, (target, levels) in enumerate(curves.items()):
            row, column = divmod(index, columns(width))
            left, bottom = column * across + 30, tall - 190 * (row + 1) + 44
            axes = figure.add_axes((left / width, bottom / tall, (across - 50) / width, 112 / tall))
            calm(axes)
            _fraction_panel(axes, levels, by_name[target].chance)
            axes.set_title(shorten(target, 28 if columns(width) > 1 else 40), fontsize=12, weight="bold", loc="left")
            axes.set_xlabel("share of the target's data", fontsize=11)

    title = "Score of the strongest attack against the share of the target's data: " + "; ".join(curves)
    return picture(name, title, draw, height=height)


def _fraction_panel(axes: Any, levels: Levels, chance: float) -> None:
    axes.axhline(100 * chance, color=COLOURS["muted"], linewidth=1, linestyle=(0, (1, 2)))
    ticks: set[float] = set()
    for role, found in sorted(levels.items(), reverse=True):  # the locked model on top
        colour, marker = ("locked", "o") if role == "locked" else ("plain", "D")
        ordered = sorted(found)
        x = [fraction for fraction, _ in ordered]
        ticks.update(x)
        means = [estimate(scores) for _, scores in ordered]
        if all(level.has_interval for level in means):
            low, high = ([100 * float(getattr(level, end)) for level in means] for end in ("low", "high"))
            axes.fill_between(x, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)
        axes.plot(x, [100 * level.mean for level in means], marker=marker, markersize=5, color=COLOURS[colour])
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) if axes.dataLim.y0 < 0 else 0)
    axes.set_xscale("log")
    axes.set_xticks(sorted(ticks), [f"{100 * value:g}%" for value in sorted(ticks)])
    axes.xaxis.minorticks_off()
    axes.set_xlim(min(ticks) / 1.15, max(ticks) * 1.15)


def curve_plot(name: str, models: Sequence[ModelRecord]) -> str:
    """Source validation score after every epoch, one line per model."""
    height = 190

    def draw(figure: Any, width: int) -> None:
        axes = figure.add_axes((42 / width, 40 / height, 1 - 56 / width, 1 - 54 / height))
        calm(axes)
        for model in models:
            locked = model.role == "locked"
            epochs = range(1, len(model.curve) + 1)
            axes.plot(
                epochs,
                [100 * value for value in model.curve],
                color=COLOURS["locked" if locked else "plain"],
                marker="o" if locked else "D",
                markersize=3.5,
                markevery=[len(model.curve) - 1],
                linewidth=1.6,
            )
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("epoch")

    ends = "; ".join(f"{model.role.replace('_', '-')} ends at {number(100 * model.curve[-1])}" for model in models)
    return picture(name, f"Source validation score by epoch: {ends}.", draw, height=lambda _: height)


def spending_plot(name: str, spent: Mapping[str, float]) -> str:
    """Wall-clock time by stage as bars."""
    height = 28 * len(spent) + 8
    longest = max(max(spent.values(), default=0.0), 1e-9)

    def draw(figure: Any, width: int) -> None:
        axes = pixel_axes(figure, width, height)
        start = 190 if width >= 500 else 130
        room = width - 2 * MARGIN - start - 84
        axes.set_xlim(0, width - 2 * MARGIN)
        for index, (stage, seconds) in enumerate(spent.items()):
            y = 4 + 28 * index + 14
            axes.text(
                start - 10, y, shorten(stage.replace("_", " "), 22 if start > 150 else 14), ha="right", va="center"
            )
            end = start + max(room * seconds / longest, 1.5)
            axes.plot([start, end], [y, y], color=COLOURS["accent"], linewidth=11, solid_capstyle="butt")
            axes.text(end + 8, y, duration(seconds), va="center", color=COLOURS["muted"])

    title = "Time spent: " + ", ".join(f"{stage.replace('_', ' ')} {duration(value)}" for stage, value in spent.items())
    return picture(name, title, draw, height=lambda _: height)
