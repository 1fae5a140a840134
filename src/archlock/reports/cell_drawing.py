"""An architecture as a picture: the cell's four nodes and six edges, or a chain of modules from top to bottom.

Edges that carry nothing from input to output are drawn faint and dashed, as are edges without operation.
"""

from collections.abc import Sequence
from typing import Any, Final

from archlock.reports.canvas import COLOURS, picture
from archlock.reports.wording import listed, shorten

Edge = tuple[int, int, str, bool]
"""Tail node, head node, operation, and whether the edge is alive (on a path from input to output)."""

_NAMES: Final = {
    "none": ("none", "grid"),
    "skip_connect": ("skip", "skip"),
    "skip": ("skip", "skip"),
    "nor_conv_1x1": ("conv 1x1", "convolution1"),
    "conv1x1": ("conv 1x1", "convolution1"),
    "conv_1x1": ("conv 1x1", "convolution1"),
    "nor_conv_3x3": ("conv 3x3", "convolution3"),
    "conv3x3": ("conv 3x3", "convolution3"),
    "conv_3x3": ("conv 3x3", "convolution3"),
    "avg_pool_3x3": ("pool 3x3", "pool"),
}
_GAP: Final = 98
_LEFT: Final = 33
_MIDDLE: Final = 118


def operation_name(operation: str) -> str:
    """The operation in words: ``conv 3x3`` for ``nor_conv_3x3``; unknown ones with spaces for underscores."""
    return _NAMES.get(operation, (operation.replace("_", " "), "other"))[0]


def cell_picture(name: str, edges: Sequence[Edge]) -> str:
    """Inline SVG of an architecture: a chain when every edge joins neighbours, else a cell."""
    chain = all(head == tail + 1 for tail, head, _, _ in edges)
    height = 38 * len(edges) + 76 if chain else 220
    draw = _chain if chain else _cell
    alive = [f"{tail} to {head} {operation_name(operation)}" for tail, head, operation, lives in edges if lives]
    dead = sum(not lives for *_, lives in edges)
    title = f"Live edges: {listed(alive) or 'none'}. {dead} of {len(edges)} edges carry nothing."
    return picture(
        name,
        title,
        lambda figure, width: draw(figure, width, height, edges),
        height=lambda _: height,
        widths=("narrow",),
    )


def _axes(figure: Any, width: int, height: int) -> Any:
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    return axes


def _cell(figure: Any, width: int, height: int, edges: Sequence[Edge]) -> None:
    axes = _axes(figure, width, height)
    for tail, head, operation, lives in sorted(edges, key=lambda edge: edge[3]):
        _arc(axes, tail, head, operation, lives)
    last = max(head for _, head, _, _ in edges)
    for node in range(last + 1):
        x = _LEFT + _GAP * node
        axes.plot([x], [_MIDDLE], marker="o", markersize=21, color=COLOURS["paper"], markeredgecolor=COLOURS["ink"])
        axes.text(x, _MIDDLE, str(node), ha="center", va="center", weight="bold")
    for x, text in ((_LEFT, "input"), (_LEFT + _GAP * last, "output")):
        axes.text(x, _MIDDLE + 22, text, ha="center", va="center", color=COLOURS["muted"], fontsize=8.5)


def _arc(axes: Any, tail: int, head: int, operation: str, lives: bool) -> None:
    from matplotlib.patches import FancyArrowPatch

    label, colour = _NAMES.get(operation, (shorten(operation.replace("_", " "), 14), "other"))
    start, end = _LEFT + _GAP * tail, _LEFT + _GAP * head
    span = head - tail
    up = span == 3 or (span == 2 and tail % 2 == 0)
    lift = {1: 0, 2: 46, 3: 92}.get(span, 30 * span) * (1 if up else -1)
    arrow = FancyArrowPatch(
        (start, _MIDDLE),
        (end, _MIDDLE),
        connectionstyle=f"arc3,rad={2 * lift / (end - start)}",
        arrowstyle="-|>" if lives else "-",
        mutation_scale=11,
        shrinkA=12,
        shrinkB=12,
        linewidth=2.2 if lives else 1.1,
        linestyle="solid" if lives else (0, (2, 3)),
        color=COLOURS[colour] if lives else COLOURS["faint"],
        zorder=2,
    )
    axes.add_patch(arrow)
    y = _MIDDLE - lift - (10 if span == 1 else 0)
    axes.text(
        (start + end) / 2,
        y,
        label,
        ha="center",
        va="center",
        fontsize=9,
        weight="bold" if lives else "normal",
        color=COLOURS[colour] if lives else COLOURS["muted"],
        bbox={"facecolor": COLOURS["paper"], "edgecolor": "none", "pad": 1.5} if span > 1 else None,
        zorder=3,
    )


def _chain(figure: Any, width: int, height: int, edges: Sequence[Edge]) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes = _axes(figure, width, height)
    middle = width / 2
    stops = ["input", *(edge[2] for edge in edges), "output"]
    for index, text in enumerate(stops):
        y = 19 + 38 * index
        end = index in (0, len(stops) - 1)
        if not end:
            box = FancyBboxPatch((middle - 110, y - 12), 220, 24, boxstyle="round,pad=0,rounding_size=5")
            box.set(facecolor=COLOURS["paper"], edgecolor=COLOURS["convolution3"], linewidth=1.4)
            axes.add_patch(box)
        label = text if end else f"{index}   {shorten(operation_name(text), 32)}"
        axes.text(middle, y, label, ha="center", va="center", color=COLOURS["muted" if end else "ink"])
        if index:
            axes.annotate(
                "", (middle, y - 12), (middle, y - 26), arrowprops={"arrowstyle": "-|>", "color": COLOURS["muted"]}
            )
