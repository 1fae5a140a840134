"""``archlock evaluate --paper``: the published figures, where they come from, and what is reached without looking.

For every published figure three of ours: the published method without its look at the answer, a random architecture
that keeps the floor with that look (so the figure needs no predictor), and our lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.recipes.evaluate.paper import CAVEAT, PAPER, PUBLISHED, PublishedFigure
from archlock.recipes.evaluate.peeking import NAME, peeking_pick, random_feasible
from archlock.recipes.evaluate.procedure import EvaluationResult
from archlock.reports import run_keeps_floor, share_kept
from archlock.tables import Table, percentiles

METHODS_COMPARED = ("lock", "published")


@dataclass(frozen=True, slots=True)
class Reached:
    """Means over the runs of one method on the pairs of a figure."""

    target_percentile: float
    source_percentile: float
    kept: float
    """Share in [0, 1] of the runs that keep the source floor."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One published figure and ours, all mean target percentiles in [0, 100]; None where nothing was run."""

    figure: PublishedFigure
    lowest: float
    """Of all architectures that keep the floor: the mean over the pairs of the figure."""
    random_feasible: float
    peeking: float | None
    """The lowest true target value of 30 random feasible architectures: no method, a look at the answer (not in s)."""
    published: Reached | None
    """By the published method without that look."""
    ours: Reached | None
    """By our lock."""


def has_published_figures(table: Table) -> bool:
    """Whether any published figure is of this space and of a source that the table has, trained from scratch alone."""
    return not any(column.start for column in table.columns) and any(
        figure.space == table.space_name and figure.source in table.tasks for figure in PUBLISHED
    )


def compared(table: Table, result: EvaluationResult, *, seeds: int) -> tuple[Comparison, ...]:
    """Every published figure of the table's space, next to the runs of an evaluation of ``METHODS_COMPARED``."""
    return tuple(
        _comparison(table, result, figure, seeds)
        for figure in PUBLISHED
        if figure.space == table.space_name and _pairs(table, figure)
    )


def comparison_text(comparisons: Sequence[Comparison], *, floor: float) -> str:
    """One aligned table, and what to know about it; ``floor`` is the source percentile that was to be kept."""
    head = ("published for", "scheme", "published", f"{NAME}*", "published**", "ours", "random", "lowest")
    lines: list[tuple[str, ...]] = [head]
    for one in comparisons:
        figure = one.figure
        values = (figure.target_percentile, one.peeking, one.published, one.ours, one.random_feasible, one.lowest)
        shown = [_shown(value) for value in values]
        lines.append((figure.text, figure.scheme, *shown))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    table = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
    return (
        f"{PAPER}; target percentiles, lower is a better lock\n{table}\n"
        f"*  lowest true target value of 30 random architectures that keep the floor: no method, a look at the answer\n"
        f"** the published method without that look, as far as a table allows\n"
        f"@  mean source percentile, to be kept at {floor:g}, and how many of the runs keep it: below 90% is no lock\n"
        f"{CAVEAT}"
    )


def _shown(value: float | Reached | None) -> str:
    if isinstance(value, Reached):
        return f"{value.target_percentile:.1f} @{value.source_percentile:.1f}, {share_kept(value.kept)}"
    return "-" if value is None else f"{value:.1f}"


def _pairs(table: Table, figure: PublishedFigure) -> list[tuple[str, str]]:
    return [
        (source, target)
        for source in table.tasks
        for target in table.tasks
        if source != target and figure.source in ("any", source) and figure.target in ("any", target)
    ]


def _comparison(table: Table, result: EvaluationResult, figure: PublishedFigure, seeds: int) -> Comparison:
    pairs = _pairs(table, figure)
    scales = [one for one in result.record.scales if (one.source, one.target) in pairs]
    floor = result.record.floor / 100
    peeking = []
    for source, target in pairs:
        standing = percentiles(table.scores(table.judge(target, source)))
        for seed in range(seeds):
            feasible = random_feasible(table, source, floor=floor, seed=seed)
            picked = peeking_pick(table, source, target, feasible, floor=floor)
            peeking.append(standing[table.positions[picked.code]])

    def mean_of(label: str) -> Reached | None:
        found = [
            (row.target_percentile, row.source_percentile, run_keeps_floor(row, result.record.floor))
            for row in result.record.rows
            if row.method == label and (row.source, row.target) in pairs
        ]
        return Reached(*np.mean(found, axis=0).tolist()) if found else None

    return Comparison(
        figure,
        float(np.mean([one.tk_floor for one in scales])),
        float(np.mean([one.random_feasible for one in scales])),
        None if figure.scheme == "s" else float(np.mean(peeking)),
        mean_of(f"published {figure.scheme}"),
        mean_of(figure.scheme),
    )
