"""The pictures of an evaluation, each a function from statistics to inline SVG (see ``canvas``).

Every method has one colour and one mark on the whole page. A cell of a heat map holds its number, and one hue alone
gets denser, so no picture needs colour vision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archlock.reports.axes import calm, pixel_axes
from archlock.reports.canvas import COLOURS, picture
from archlock.reports.evaluation_parts import FloorPoint, FloorScale, PairScale
from archlock.reports.evaluation_statistics import MethodSummary
from archlock.reports.wording import number, shorten


@dataclass(frozen=True, slots=True)
class Style:
    """How a method looks: a colour of the page, matplotlib's mark, and the same mark as a letter for the legend."""

    colour: str
    marker: str
    glyph: str


STYLES: Final = (
    Style("locked", "o", "●"),
    Style("plain", "D", "◆"),
    Style("convolution1", "s", "■"),
    Style("pool", "^", "▲"),
    Style("other", "v", "▼"),
    Style("muted", "P", "✚"),
    Style("ink", "X", "✖"),
    Style("accent", "*", "★"),
)
_DENSEST: Final = 0.52
_MARGIN: Final = 18
_GAP: Final = 22


def method_styles(methods: Sequence[str]) -> dict[str, Style]:
    """One style per method, in order; from the ninth on they repeat."""
    return {method: STYLES[place % len(STYLES)] for place, method in enumerate(methods)}


def heat_plot(
    name: str, methods: Sequence[str], found: Mapping[tuple[str, str, str], float], tasks: Sequence[str]
) -> str:
    """Mean target percentile by source (down) and target (across), a panel per method; missing pairs stay empty.

    ``found`` is by method, source and target.
    """
    count = len(tasks)

    def layout(width: int) -> tuple[int, float, int]:
        """Columns of panels, size of a cell, width of the labels."""
        label = 112 if width >= 500 else 88
        for columns in (3, 2, 1):
            cell = ((width - 2 * _MARGIN - label - (columns - 1) * _GAP) / columns) / count
            if cell >= 30 or columns == 1:
                break
        return columns, min(cell, 46), label

    def tall(width: int) -> float:
        return 122 + count * layout(width)[1] + 14

    def height(width: int) -> int:
        return round(tall(width) * -(-len(methods) // layout(width)[0]))

    def draw(figure: Any, width: int) -> None:
        columns, cell, label = layout(width)
        axes = pixel_axes(figure, width, height(width))
        axes.set_xlim(0, width - 2 * _MARGIN)
        for place, method in enumerate(methods):
            row, column = divmod(place, columns)
            values = {(s, t): found[method, s, t] for s in tasks for t in tasks if (method, s, t) in found}
            pitch = (width - 2 * _MARGIN - label + _GAP) / columns
            corner = (label + column * pitch, row * tall(width) + 122)
            title = shorten(method, int((pitch - _GAP) / 7.5))
            _panel(axes, title, values, tasks, corner=corner, cell=cell, label=label if column == 0 else 0)

    title = "Mean target percentile by source and target. " + " ".join(
        f"{method}: {number(min(values))} to {number(max(values))}."
        for method in methods
        if (values := [value for (m, _, _), value in found.items() if m == method])
    )
    return picture(name, title, draw, height=height)


def _panel(
    axes: Any,
    title: str,
    values: Mapping[tuple[str, str], float],
    tasks: Sequence[str],
    *,
    corner: tuple[float, float],
    cell: float,
    label: int,
) -> None:
    from matplotlib.patches import Rectangle

    left, top = corner
    size = 11 if cell >= 28 else 9 if cell >= 20 else 7
    axes.text(left, top - 108, title, weight="bold", va="center")
    for column, target in enumerate(tasks):
        axes.text(
            left + (column + 0.5) * cell, top - 6, shorten(target, 14), rotation=90, ha="center", va="bottom",
            color=COLOURS["muted"], fontsize=min(size, 10.5),
        )  # fmt: skip
    for row, source in enumerate(tasks):
        y = top + row * cell
        if label:
            axes.text(left - 8, y + cell / 2, shorten(source, 15 if label > 100 else 12), ha="right", va="center",
                      color=COLOURS["muted"], fontsize=10.5)  # fmt: skip
        for column, target in enumerate(tasks):
            value = values.get((source, target))
            if value is None:
                continue
            x = left + column * cell
            box = Rectangle((x + 1, y + 1), cell - 2, cell - 2, linewidth=0, facecolor=COLOURS["ground"])
            axes.add_patch(box)
            shade = Rectangle((x + 1, y + 1), cell - 2, cell - 2, linewidth=0, facecolor=COLOURS["locked"])
            shade.set_alpha(_DENSEST * (100 - value) / 100)
            axes.add_patch(shade)
            axes.text(x + cell / 2, y + cell / 2, f"{value:.0f}", ha="center", va="center", fontsize=size)


def pair_plots(
    name: str, scales: Sequence[PairScale], found: Mapping[tuple[str, str], MethodSummary], styles: Mapping[str, Style]
) -> str:
    """A picture per source, so that paper can break between them: every target a line with intervals of the methods.

    ``found`` is by method and pair; its methods have a style. What is possible on the pair is a bar behind them.
    """
    sources = list(dict.fromkeys(scale.source for scale in scales))
    return "\n".join(
        _source_plot(f"{name}-{place}", [scale for scale in scales if scale.source == source], found, styles)
        for place, source in enumerate(sources)
    )


def _source_plot(
    name: str, scales: Sequence[PairScale], found: Mapping[tuple[str, str], MethodSummary], styles: Mapping[str, Style]
) -> str:
    methods = list(dict.fromkeys(method for method, _ in found))
    step = 20 + 6 * len(methods)
    height = 30 + step * len(scales) + 32

    def draw(figure: Any, width: int) -> None:
        axes = pixel_axes(figure, width, height)
        wide = width >= 500
        start = 150 if wide else 104
        end = width - 2 * _MARGIN - 6
        axes.set_xlim(0, width - 2 * _MARGIN)

        def place(value: float) -> float:
            return start + (end - start) * value / 100

        source = shorten(scales[0].source, 60 if wide else 34)
        axes.text(-_MARGIN, 16, f"from {source}", weight="bold", va="center")
        for row, scale in enumerate(scales):
            line = 30 + (row + 0.5) * step
            label = shorten(scale.target, 21 if wide else 14)
            axes.text(-_MARGIN, line, label, va="center", color=COLOURS["muted"], fontsize=11)
            _track(axes, scale, line, step, place)
            for index, method in enumerate(methods):
                if (method, scale.pair) in found:
                    offset = 6 * (index - (len(methods) - 1) / 2)
                    _mark(axes, found[method, scale.pair], line + offset, styles[method], place)
        _ticks(axes, height - 20, place)

    title = f"Target percentile from {scales[0].source}, with what is possible. " + " ".join(
        f"{scale.target}: {', '.join(levels)}."
        for scale in scales
        if (
            levels := [
                f"{method} {number(found[method, scale.pair].target_percentile.mean)}"
                for method in methods
                if (method, scale.pair) in found
            ]
        )
    )
    return picture(name, title, draw, height=lambda _: height)


def _ticks(axes: Any, y: float, place: Any) -> None:
    for value in (0, 25, 50, 75, 100):
        axes.text(place(value), y, f"{value}", ha="center", va="center", color=COLOURS["muted"], fontsize=11)


def _track(axes: Any, scale: PairScale, line: float, step: int, place: Any) -> None:
    """The scale of a pair: a bar from the lowest possible to random feasible, a cross for the best source."""
    half = step / 2 - 5
    for value in (0, 25, 50, 75, 100):
        axes.plot(
            [place(value)] * 2, [line - step / 2, line + step / 2], color=COLOURS["grid"], linewidth=0.8, zorder=0
        )
    bar = [place(scale.tk_floor), place(scale.random_feasible)]
    axes.fill_between(bar, line - half, line + half, color=COLOURS["muted"], alpha=0.2, linewidth=0, zorder=1)
    for end in bar:
        axes.plot([end, end], [line - half, line + half], color=COLOURS["ink"], linewidth=1.6, zorder=2)
    axes.plot([place(scale.best_source)], [line], marker="x", markersize=7, color=COLOURS["ink"], zorder=2)


def _mark(axes: Any, found: MethodSummary, line: float, style: Style, place: Any) -> None:
    level = found.target_percentile
    if level.low is not None and level.high is not None:
        bar = [place(level.low), place(level.high)]
        axes.plot(
            bar, [line, line], color=COLOURS[style.colour], alpha=0.45, linewidth=4, solid_capstyle="butt", zorder=3
        )
    axes.plot([place(level.mean)], [line], marker=style.marker, markersize=8, color=COLOURS[style.colour],
              markeredgecolor=COLOURS["paper"], markeredgewidth=0.9, zorder=4, clip_on=False)  # fmt: skip


def floor_plot(
    name: str, points: Sequence[FloorPoint], limits: Sequence[FloorScale], styles: Mapping[str, Style]
) -> str:
    """Target percentile against realised source percentile, a line per method, one point per floor asked for.

    What is possible is drawn dotted at the floor itself. A hollow point kept its floor in fewer than nine runs of ten.
    """
    height = 330
    methods = list(dict.fromkeys(point.method for point in points))

    def draw(figure: Any, width: int) -> None:
        axes = figure.add_axes((54 / width, 46 / height, 1 - 68 / width, 1 - 62 / height))
        calm(axes)
        ordered = sorted(limits, key=lambda limit: limit.floor)
        for field, label in (("random_feasible", "random"), ("tu_possible", "TU possible"), ("tk_floor", "TK floor")):
            y = [getattr(limit, field) for limit in ordered]
            x = [limit.floor for limit in ordered]
            axes.plot(x, y, color=COLOURS["muted"], linewidth=1.2, linestyle=(0, (1.5, 2.5)), marker="|", markersize=7)
            if ordered:
                axes.annotate(label, (x[0], y[0]), xytext=(2, -6), textcoords="offset pixels", fontsize=11, va="top",
                              color=COLOURS["muted"])  # fmt: skip
        for method in methods:
            style = styles[method]
            line = sorted((p for p in points if p.method == method), key=lambda point: point.floor)
            colour = COLOURS[style.colour]
            axes.plot([p.source_percentile for p in line], [p.target_percentile for p in line], color=colour)
            for point in line:
                axes.plot([point.source_percentile], [point.target_percentile], marker=style.marker, markersize=8,
                          color=colour if point.kept >= 0.9 else COLOURS["paper"], markeredgecolor=colour,
                          markeredgewidth=1.4)  # fmt: skip
        low, high = axes.get_xlim()
        axes.set_xlim(low, min(high, 100.8))
        axes.margins(y=0.09)
        axes.set_xlabel("source percentile")
        axes.set_ylabel("target percentile")

    ends = "; ".join(
        f"{method} from {number(line[0].target_percentile)} at floor {line[0].floor:g} to "
        f"{number(line[-1].target_percentile)} at floor {line[-1].floor:g}"
        for method in methods
        if (line := sorted((p for p in points if p.method == method), key=lambda point: point.floor))
    )
    return picture(name, f"Target percentile against the source floor: {ends}.", draw, height=lambda _: height)
