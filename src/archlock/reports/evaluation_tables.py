"""The statistics of an evaluation as lines of text, for the page and for the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from archlock.reports.evaluation import EvaluationRecord
from archlock.reports.evaluation_intervals import Interval
from archlock.reports.evaluation_parts import QUERY_KINDS, PatternRecord
from archlock.reports.evaluation_shortfall import amount, noise_text, shortfall_text
from archlock.reports.evaluation_statistics import (
    EvaluationSummary,
    MethodSummary,
    PairedDifference,
    ScaleMeans,
    summarise,
)
from archlock.reports.evaluation_verdict import KNOWS, between, evaluation_verdict, keeps_floor, looked, share_kept
from archlock.reports.wording import DASH, MINUS, number, plural, shorten

_LONGEST_NAME = 28


@dataclass(frozen=True, slots=True)
class MethodLine:
    """One method, or one thing that is possible: every cell as text."""

    name: str
    knows: str
    target: str
    interval: str
    lock_score: str
    lock_score_interval: str
    mean_lock_score: str
    source: str
    kept: str
    runs: str
    floor_kept: bool = True


@dataclass(frozen=True, slots=True)
class ShortfallLine:
    """By how much the runs of one method on one source that miss the floor do so: every cell as text."""

    name: str
    source: str
    missed: str
    percentile: str
    value: str
    noise: str


@dataclass(frozen=True, slots=True)
class CostLine:
    """Mean look-ups per run by kind, and seconds; ``looked`` if the target was looked at that must stay unknown."""

    name: str
    configuration: str
    queries: tuple[str, ...]
    seconds: float
    runs: str
    looked: bool


@dataclass(frozen=True, slots=True)
class PatternGroup:
    """The patterns of one pair (or of all), largest effect first."""

    pair: str
    patterns: tuple[PatternRecord, ...]


def method_lines(methods: Sequence[MethodSummary]) -> tuple[MethodLine, ...]:
    """One line per method."""
    return tuple(
        MethodLine(
            name=method.method,
            knows=KNOWS.get(method.scheme, "baseline"),
            target=number(method.target_percentile.mean),
            interval=between(method.target_percentile),
            lock_score=lock_score(method),
            lock_score_interval=lock_score_interval(method),
            mean_lock_score=DASH if not keeps_floor(method) else _score(method.mean_lock_score),
            source=number(method.source_percentile),
            kept=share_kept(method.kept),
            runs=f"{method.runs:,}",
            floor_kept=keeps_floor(method),
        )
        for method in methods
    )


def lock_score(method: MethodSummary) -> str:
    """Lock score of the means; a dash where the source floor is not kept often enough, which is no lock."""
    return _score(method.lock_score_of_means) if keeps_floor(method) else DASH


def lock_score_interval(method: MethodSummary) -> str:
    """Its 95 % interval, ``none`` where there is none, and a dash where there is no lock."""
    score = method.lock_score_of_means
    if not keeps_floor(method) or score is None:
        return DASH
    return between(score, 2)


def lock_score_text(method: MethodSummary) -> str:
    """Lock score of the means with its interval: ``0.28 (0.18 to 0.39)``; a dash where there is no lock."""
    score, bounds = lock_score(method), lock_score_interval(method)
    return score if score == DASH else f"{score} ({'no interval' if bounds == 'none' else bounds})"


def shortfall_lines(methods: Sequence[MethodSummary]) -> tuple[ShortfallLine, ...]:
    """One line for every method and source with runs that miss the floor."""
    return tuple(
        ShortfallLine(
            method.method,
            one.source,
            f"{one.missed:,} of {one.runs:,}",
            number(one.percentile, 2),
            amount(one.value, one.metric, one.unit),
            noise_text(one),
        )
        for method in methods
        for one in method.missed
    )


def scale_lines(scale: ScaleMeans) -> tuple[tuple[str, str, str], ...]:
    """What is possible: name, target percentile, lock score of the means."""
    room = scale.random_feasible - scale.tk_floor
    named = (
        ("a random architecture that keeps the floor", scale.random_feasible),
        ("the best source architecture", scale.best_source),
        ("best one architecture for all targets of a source (TU possible)", scale.tu_possible),
        ("lowest of all that keep the floor (TK floor)", scale.tk_floor),
    )
    return tuple(
        (name, number(value), number((scale.random_feasible - value) / room, 2) if room > 0 else DASH)
        for name, value in named
    )


def twin_text(scale: ScaleMeans) -> str:
    """What another training of the same functions says of the lowest; for scales that have twins."""
    return f"another training of the five lowest: {signed(scale.twin_rise or 0.0)} points"


def cost_lines(record: EvaluationRecord, summary: EvaluationSummary) -> tuple[CostLine, ...]:
    """One line per method."""
    first = {row.method: row for row in reversed(record.rows)}
    lines = []
    for method in summary.methods:
        row = first[method.method]
        parts = [part for part in (row.preference, row.strategy, row.evidence) if part]
        lines.append(
            CostLine(
                method.method,
                ", ".join(parts).replace("_", " "),
                tuple(_count(method.queries[kind]) for kind in QUERY_KINDS),
                method.seconds,
                f"{method.runs:,}",
                looked(method),
            )
        )
    return tuple(lines)


def comparable(summary: EvaluationSummary) -> tuple[PairedDifference, ...]:
    """Differences of two methods that both keep the source floor; what misses it takes what no lock may take."""
    kept = {method.method for method in summary.methods if keeps_floor(method)}
    return tuple(one for one in summary.differences if {one.first, one.second} <= kept)


def difference_rows(summary: EvaluationSummary) -> tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]:
    """By method: its difference to every method (row minus column) as text, and whether its interval excludes zero.

    A dash where the two share no run, or one of them does not keep the source floor.
    """
    found: dict[tuple[str, str], tuple[Interval, float]] = {}
    for one in comparable(summary):
        found[one.first, one.second] = (one.difference, 1.0)
        found[one.second, one.first] = (one.difference, -1.0)
    names = [method.method for method in summary.methods]

    def cell(row: str, column: str) -> tuple[str, bool]:
        if (row, column) not in found:
            return ("" if row == column else DASH), False
        difference, sign = found[row, column]
        return signed(sign * difference.mean), difference.excludes_zero

    return tuple((row, tuple(cell(row, column) for column in names)) for row in names)


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, also where it is positive: ``+3.1``."""
    text = number(value, digits)
    return text if text.startswith(MINUS) or float(text.replace(",", "")) == 0 else f"+{text}"


def pattern_groups(record: EvaluationRecord) -> tuple[PatternGroup, ...]:
    """Patterns by pair, in the order of the record; the largest effect first."""
    groups: dict[str, list[PatternRecord]] = {}
    for pattern in record.patterns:
        groups.setdefault(pattern.pair, []).append(pattern)
    return tuple(
        PatternGroup(pair, tuple(sorted(found, key=lambda pattern: -abs(pattern.effect))))
        for pair, found in groups.items()
    )


def evaluation_summary(record: EvaluationRecord, summary: EvaluationSummary | None = None) -> str:
    """The evaluation as one aligned table for a terminal, with the sentence above it and what is possible below.

    ``summary`` is that of the record, if the caller has it already.
    """
    summary = summary or summarise(record)
    verdict = evaluation_verdict(record, summary)
    head = ("method", "knows", "target", "95% interval", "lock score", "source", "floor kept", "runs")
    lines = [
        (
            shorten(line.name, _LONGEST_NAME),
            line.knows,
            line.target,
            line.interval,
            line.lock_score,
            line.source,
            line.kept if line.floor_kept else f"NOT KEPT: {line.kept}",
            line.runs,
        )
        for line in method_lines(summary.methods)
    ]
    widths = [max(len(line[place]) for line in (head, *lines)) for place in range(len(head))]
    shown = ["  ".join(_aligned(line, widths)).rstrip() for line in (head, *lines)]
    scale = summary.scale
    possible = (
        f"possible: random feasible {number(scale.random_feasible)}, best source {number(scale.best_source)}, "
        f"TU {number(scale.tu_possible)}, TK floor {number(scale.tk_floor)}"
        + (f" ({twin_text(scale)})" if scale.twin_rise is not None else "")
    )
    about = (
        f"{shorten(record.table.name, 60)}: {plural(len(record.pairs), 'pair')}, {plural(record.seeds, 'seed')}, "
        f"source percentile at least {record.floor:g}; target percentile, lower is a better lock"
    )
    missed = [_missed_line(method) for method in summary.methods if method.missed]
    return "\n".join([f"{verdict.word}. {verdict.sentence}", *verdict.reasons, "", about, *shown, *missed, possible])


def _missed_line(method: MethodSummary) -> str:
    runs = f"{sum(one.missed for one in method.missed):,} of {method.runs:,} runs"
    return f"{shorten(method.method, _LONGEST_NAME)} misses the floor in {runs}, {shortfall_text(method.missed)}"


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    cells = list(zip(line, widths, strict=True))
    return [cell.ljust(width) for cell, width in cells[:2]] + [cell.rjust(width) for cell, width in cells[2:]]


def _count(mean: float) -> str:
    return number(mean, 0 if mean >= 10 or mean == round(mean) else 1)


def _score(found: Interval | None) -> str:
    return DASH if found is None else number(found.mean, 2)
