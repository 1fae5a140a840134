"""The headline picture of a report: the models on every task, as inline SVG.

The locked model is always a filled circle in the one colour, the source-only model a diamond in the other, random
architectures are a hollow square and a hollow triangle, so the picture survives a black-and-white printer and every
common kind of colour vision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from archlock.reports.arms import Side
from archlock.reports.axes import pixel_axes
from archlock.reports.canvas import COLOURS, picture
from archlock.reports.outcomes import Terms
from archlock.reports.record import LockRecord
from archlock.reports.record_parts import OutcomeRecord, Role, TargetRecord
from archlock.reports.statistics import Comparison, Estimate, estimate, source_loss
from archlock.reports.wording import MINUS, ROLES, attack_names, interval, number, score, shorten
from archlock.tasks import Kind

_LOWEST: Final = -0.25
"""R squared below this is drawn at the edge: a model that bad is useless, how useless does not matter."""
_ARM_MARKERS: Final[Mapping[Role, str]] = {"random": "s", "same_size": "^", "nsga2": "v"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the headline picture: the models on one task. ``plain`` is None where there is no reference."""

    group: str
    label: str
    note: str
    locked: Estimate
    plain: Estimate | None
    chance: float | None
    right: str
    """What is written at the right end; ``right_wide`` is added where there is room."""
    right_wide: str = ""
    kind: Kind = "classification"
    arms: Mapping[Role, float] = field(default_factory=dict)
    """Mean scores of the random architectures."""


def source_row(record: LockRecord) -> Row:
    """The line of the source task."""
    loss = source_loss(record)
    return Row(
        group="Kept on the source: the two marks should lie together",
        label=record.source.name,
        note="test split",
        locked=estimate(record.locked.source_test),
        plain=estimate(record.source_only.source_test),
        chance=record.source.chance,
        right=_change(-loss.mean),
        right_wide=_bracket(loss),
        kind=record.source.kind,
        arms={model.role: float(np.mean(model.source_test)) for model in record.models[2:]},
    )


def target_rows(
    judged: Sequence[Comparison],
    targets: Sequence[TargetRecord],
    *,
    arms: Sequence[Side] = (),
    opened: bool = False,
) -> tuple[Row, ...]:
    """One line per judged target, under the strongest attack on each model, with the random architectures of ``arms``.

    ``opened``: nobody claims a lock.
    """
    reached = {(c.target, side.against): float(np.mean(c.other)) for side in arms for c in side.judged}
    by_name = {target.name: target for target in targets}
    return tuple(
        Row(
            group="What the strongest attack reaches: left is better for the owner"
            if opened
            else "Taken from attackers: the circle should lie far to the left",
            label=comparison.target,
            note=attack_names(comparison.chosen_locked),
            locked=estimate(comparison.locked),
            plain=estimate(comparison.other),
            chance=by_name[comparison.target].chance,
            right=_change(-comparison.taken_away.mean),
            right_wide=_bracket(comparison.taken_away),
            kind=by_name[comparison.target].kind,
            arms={role: value for (target, role), value in reached.items() if target == comparison.target},
        )
        for comparison in judged
    )


def lone_rows(
    alone: Mapping[tuple[str, Terms], Sequence[OutcomeRecord]], targets: Sequence[TargetRecord]
) -> tuple[Row, ...]:
    """One line per target for a model attacked without a reference, with most data and then most time."""
    rows = []
    for target in targets:
        known = [terms for name, terms in alone if name == target.name]
        if not known:
            continue
        outcomes = alone[target.name, max(known, key=lambda terms: terms.rank)]
        level = estimate([outcome.test for outcome in outcomes if outcome.test is not None])
        rows.append(
            Row(
                group="What the strongest attack reaches: left is better for the owner",
                label=target.name,
                note=attack_names([outcome.attacker for outcome in outcomes]),
                locked=level,
                plain=None,
                chance=target.chance,
                right=score(level.mean, target.kind),
                kind=target.kind,
            )
        )
    return tuple(rows)


def headline_plot(name: str, rows: Sequence[Row], names: Mapping[Role, str] = ROLES) -> str:
    """Dumbbells: every task a track, the two models two marks, 95% intervals as soft bars, chance as a tick."""
    groups = list(dict.fromkeys(row.group for row in rows))
    height = 30 + 34 * len(groups) + 56 * len(rows)

    def draw(figure: Any, width: int) -> None:
        axes = pixel_axes(figure, width, height)
        scores = [found.mean for row in rows for found in (row.locked, row.plain) if found is not None]
        scores += [value for row in rows for value in row.arms.values()]
        low = max(_LOWEST, min(0.0, *scores))
        axes.set_xlim(low, 1.0)
        y = 0.0
        for group in groups:
            axes.text(0, y + 20, group, transform=_across(axes), color=COLOURS["muted"], va="center")
            y += 34
            for row in (row for row in rows if row.group == group):
                _dumbbell(axes, row, y, low, width)
                y += 56
        for value in np.arange(0, 1.01, 0.25 if width < 500 else 0.1):
            axes.text(
                value, y + 8, f"{100 * value:.0f}%", ha="center", color=COLOURS["muted"], fontsize=11, va="center"
            )

    models = " and the ".join([names["locked"], *([names["source_only"]] if any(row.plain for row in rows) else [])])
    title = f"Scores of the {models} model. " + " ".join(
        f"{row.label}: {names['locked']} {number(100 * row.locked.mean)}"
        + (f", {names['source_only']} {number(100 * row.plain.mean)}" if row.plain else "")
        + "".join(f", {names[role]} {number(100 * value)}" for role, value in row.arms.items())
        + "."
        for row in rows
    )
    return picture(name, title, draw, height=lambda _: height)


def _dumbbell(axes: Any, row: Row, top: float, low: float, width: int) -> None:
    label, line = top + 13, top + 34
    across, wide = _across(axes), width >= 500
    text = axes.text(0, label, shorten(row.label, 36 if wide else 22), transform=across, weight="bold", va="center")
    if wide:
        axes.annotate(
            shorten(row.note, 38), (1, 0.5), xycoords=text, xytext=(10, 0), textcoords="offset pixels", va="center"
        ).set_color(COLOURS["muted"])
    right = row.right + (f"  {row.right_wide}" if wide and row.right_wide else "")
    axes.text(1, label, right, transform=across, ha="right", va="center", weight="normal" if wide else "bold")
    axes.plot([low, 1.0], [line, line], color=COLOURS["ground"], linewidth=16, zorder=0)
    for value in np.arange(0, 1.01, 0.25 if width < 500 else 0.1):
        axes.plot([value, value], [line - 8, line + 8], color=COLOURS["grid"], linewidth=1, zorder=1)
    if row.chance is not None:
        axes.plot([row.chance] * 2, [line - 8, line + 8], color=COLOURS["ink"], linewidth=1.8, zorder=2)
    if row.plain is not None:
        ends = [max(low, row.plain.mean), max(low, row.locked.mean)]
        axes.plot(ends, [line, line], color=COLOURS["muted"], linewidth=1.6, zorder=2)
    for role, value in row.arms.items():
        _outline(axes, max(low, value), line, _ARM_MARKERS[role])
    for found, colour, marker in ((row.plain, "plain", "D"), (row.locked, "locked", "o")):
        if found is not None:
            _mark(axes, found, line, low=low, colour=colour, marker=marker)


def _outline(axes: Any, x: float, y: float, marker: str) -> None:
    """The hollow mark of a random architecture, without an interval: those are in the table."""
    edge = {"markeredgecolor": COLOURS["muted"], "markeredgewidth": 1.8, "zorder": 3.5, "clip_on": False}
    axes.plot([x], [y], marker=marker, markersize=9, color=COLOURS["paper"], **edge)


def _mark(axes: Any, found: Estimate, line: float, *, low: float, colour: str, marker: str) -> None:
    """A model's mark with its interval; at the left edge, as an arrow, if it lies outside."""
    if found.low is not None and found.high is not None:
        bar = [min(1.0, max(low, end)) for end in (found.low, found.high)]
        axes.plot(bar, [line, line], color=COLOURS[colour], alpha=0.3, linewidth=11, solid_capstyle="butt", zorder=3)
    axes.plot(
        [max(low, found.mean)],
        [line],
        marker="<" if found.mean < low else marker,
        markersize=11,
        color=COLOURS[colour],
        markeredgecolor=COLOURS["paper"],
        markeredgewidth=1.4,
        zorder=4 if marker == "D" else 5,
        clip_on=False,
    )


def _across(axes: Any) -> Any:
    """Coordinates: x as a share of the whole picture's width, y in pixels of the axes."""
    from matplotlib.transforms import blended_transform_factory

    return blended_transform_factory(axes.figure.transFigure, axes.transData)


def _change(difference: float) -> str:
    text = number(100 * difference)
    return f"{text if text.startswith(MINUS) or text == '0.0' else '+' + text} points"


def _bracket(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"({interval(found)})"
    low, high = number(-100 * found.high), number(-100 * found.low)
    return f"({low} to {high})"
