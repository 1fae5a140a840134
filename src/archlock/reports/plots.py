"""The pictures of a report, each a function from records to inline SVG (see ``canvas``); matplotlib draws them.

The locked model is always a filled circle in the one colour, the source-only model a diamond in the other, random
architectures are a hollow square and a hollow triangle, so the pictures survive a black-and-white printer and every
common kind of colour vision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from archlock.reports.arms import Side
from archlock.reports.canvas import COLOURS, picture
from archlock.reports.outcomes import Terms
from archlock.reports.record import LockRecord
from archlock.reports.record_parts import (
    ModelRecord,
    OutcomeRecord,
    Role,
    TargetRecord,
    TradeOffPoint,
)
from archlock.reports.statistics import Comparison, Estimate, estimate, source_loss
from archlock.reports.wording import MINUS, ROLES, attack_name, duration, interval, number, score, shorten
from archlock.tasks import Kind

_MARGIN: Final = 18
_LOWEST: Final = -0.25
"""R squared below this is drawn at the edge: a model that bad is useless, how useless does not matter."""
_MARKED_LOSSES: Final = (0.005, 0.01, 0.02)
_ARM_MARKERS: Final[Mapping[Role, str]] = {"random": "s", "same_size": "^"}


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


def attack_names(names: Sequence[str]) -> str:
    """The most frequent of the strongest attacks (one per seed) in words, and how often it was the strongest."""
    often = max(dict.fromkeys(names), key=names.count)
    times = "" if names.count(often) == len(names) else f" ({names.count(often)} of {len(names)} seeds)"
    return attack_name(often).lower() + times


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
        room = width - 2 * _MARGIN - start - 84
        axes.set_xlim(0, width - 2 * _MARGIN)
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


def pixel_axes(figure: Any, width: int, height: int) -> Any:
    """Axes over the whole width but a margin; y runs down in pixels."""
    axes = figure.add_axes((_MARGIN / width, 0, 1 - 2 * _MARGIN / width, 1))
    axes.set_ylim(height, 0)
    axes.axis("off")
    return axes


def _across(axes: Any) -> Any:
    """Coordinates: x as a share of the whole picture's width, y in pixels of the axes."""
    from matplotlib.transforms import blended_transform_factory

    return blended_transform_factory(axes.figure.transFigure, axes.transData)


def calm(axes: Any) -> None:
    """Axes with horizontal grid lines only."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color=COLOURS["grid"], linewidth=0.8)
    axes.set_axisbelow(True)


def _change(difference: float) -> str:
    text = number(100 * difference)
    return f"{text if text.startswith(MINUS) or text == '0.0' else '+' + text} points"


def _bracket(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"({interval(found)})"
    low, high = number(-100 * found.high), number(-100 * found.low)
    return f"({low} to {high})"
