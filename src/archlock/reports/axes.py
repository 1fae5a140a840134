"""Axes that pictures share."""

from typing import Any, Final

from archlock.reports.canvas import COLOURS

MARGIN: Final = 18
"""Pixels at the left and the right."""


def pixel_axes(figure: Any, width: int, height: int) -> Any:
    """Axes over the whole width but a margin; y runs down in pixels."""
    axes = figure.add_axes((MARGIN / width, 0, 1 - 2 * MARGIN / width, 1))
    axes.set_ylim(height, 0)
    axes.axis("off")
    return axes


def calm(axes: Any) -> None:
    """Axes with horizontal grid lines only."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color=COLOURS["grid"], linewidth=0.8)
    axes.set_axisbelow(True)
