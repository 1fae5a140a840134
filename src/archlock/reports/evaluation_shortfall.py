"""By how much runs miss the source floor: in percentile points, and in units of the source.

Near the top a percentile point may be less than what one training differs from the next, so the unit of the source
stands beside it, and the noise of one training where the table knows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.reports.evaluation import EvaluationRecord
from archlock.reports.evaluation_parts import EvaluationRow, FloorValue, run_keeps_floor
from archlock.reports.wording import number, plural, shorten

_ACCURACIES = {"": 100.0, "%": 1.0}
"""Points of accuracy in one unit of an accuracy."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Runs of one method on one source that miss the floor: means over these runs."""

    source: str
    runs: int
    """On this source, those that keep the floor included."""
    missed: int
    """At least one."""
    percentile: float
    """Points below the floor."""
    value: float
    """How far below the lowest value that keeps the floor, in the unit."""
    metric: str
    unit: str
    noise: float | None
    """Standard deviation of one training on the source, in the unit; None where the table does not know it."""


def shortfalls(record: EvaluationRecord, rows: Sequence[EvaluationRow]) -> tuple[Shortfall, ...]:
    """One for every source on which some of the rows miss the floor, in the order of the record's floors."""
    return tuple(
        _shortfall(floor, of_source, missed, record.floor)
        for floor in record.floors
        if (of_source := [row for row in rows if row.source == floor.source])
        and (missed := [row for row in of_source if not run_keeps_floor(row, record.floor)])
    )


def amount(value: float, metric: str, unit: str) -> str:
    """A difference on the source in words: ``0.31 points of accuracy``, ``0.0042 of ssim``."""
    if "accuracy" in metric and unit in _ACCURACIES:
        points = value * _ACCURACIES[unit]
        text = number(points, max(2, _digits(points)))
        return f"{text} {'point' if text == '1.00' else 'points'} of {metric}"
    return " ".join(part for part in (number(value, _digits(value)), unit, "of", metric) if part)


def _digits(value: float) -> int:
    """Decimals that show the first two digits of a number that are not 0."""
    return max(0, 1 - int(np.floor(np.log10(abs(value))))) if value else 0


def noise_text(one: Shortfall) -> str:
    """Standard deviation of one training on the source in words, or that it is not known."""
    return "not known" if one.noise is None else amount(one.noise, one.metric, one.unit)


def shortfall_text(missed: Sequence[Shortfall]) -> str:
    """``by 0.60 percentile points on average: 0.31 points of accuracy on cifar10 (noise of one training: ...)``.

    Sources that are measured alike are reported together, as means over the runs that miss, with the noise where it is
    known of all of them. ``missed`` has at least one.
    """
    points = _mean(missed, [one.percentile for one in missed])
    alike: dict[tuple[str, str], list[Shortfall]] = {}
    for one in missed:
        alike.setdefault((one.metric, one.unit), []).append(one)
    return f"by {number(points, 2)} percentile points on average: {', '.join(map(_of_unit, alike.values()))}"


def _of_unit(alike: Sequence[Shortfall]) -> str:
    first = alike[0]
    where = shorten(first.source, 40) if len(alike) == 1 else plural(len(alike), "source")
    noises = [one.noise for one in alike if one.noise is not None]
    value = amount(_mean(alike, [one.value for one in alike]), first.metric, first.unit)
    if len(noises) < len(alike):
        return f"{value} on {where}"
    return f"{value} on {where} (noise of one training: {amount(_mean(alike, noises), first.metric, first.unit)})"


def _mean(missed: Sequence[Shortfall], values: Sequence[float]) -> float:
    return float(np.average(values, weights=[one.missed for one in missed]))


def _shortfall(
    floor: FloorValue, rows: Sequence[EvaluationRow], missed: Sequence[EvaluationRow], percentile: float
) -> Shortfall:
    return Shortfall(
        source=floor.source,
        runs=len(rows),
        missed=len(missed),
        percentile=float(np.mean([percentile - row.source_percentile for row in missed])),
        value=float(np.mean([floor.value - row.source_value for row in missed])),
        metric=floor.metric,
        unit=floor.unit,
        noise=floor.noise,
    )
