"""An evaluation as one self-contained web page; see ``html`` for what that means."""

from typing import Any, Final

from archlock.reports.evaluation import EvaluationRecord
from archlock.reports.evaluation_parts import ALL_PAIRS, QUERY_KINDS
from archlock.reports.evaluation_plots import floor_plot, heat_plot, method_styles, pair_plots
from archlock.reports.evaluation_proxies import proxy_groups
from archlock.reports.evaluation_statistics import EvaluationSummary, summarise
from archlock.reports.evaluation_tables import (
    comparable,
    cost_lines,
    difference_rows,
    method_lines,
    pattern_groups,
    scale_lines,
    shortfall_lines,
    signed,
    twin_text,
)
from archlock.reports.evaluation_verdict import EvaluationVerdict, between, evaluation_verdict, featured, share_kept
from archlock.reports.templating import fill
from archlock.reports.wording import day, duration, number, plural, shorten

_QUERIES: Final = {
    "proxy": "Proxy scores",
    "short": "Short trainings",
    "source_full": "Full, source",
    "target_full": "Full, target",
    "surrogate_full": "Full, stand-ins",
}


def render_evaluation(record: EvaluationRecord, summary: EvaluationSummary | None = None) -> str:
    """The page of an evaluation. The same record gives the same bytes.

    ``summary`` is that of the record, if the caller has it already.
    """
    summary = summary or summarise(record)
    verdict = evaluation_verdict(record, summary)
    shown = featured(summary)
    return fill(
        "evaluation.html",
        filters={
            "between": between, "day": day, "duration": duration, "number": number, "plural": plural,
            "share_kept": share_kept, "shorten": shorten, "signed": signed,
        },
        plots=_plots(record, summary),
        record=record,
        summary=summary,
        verdict=verdict,
        tiles=_tiles(summary, verdict),
        styles=_styles(record),
        featured=shown,
        lines=method_lines(summary.methods),
        possible=scale_lines(summary.scale),
        missed=shortfall_lines(summary.methods),
        differences=difference_rows(summary),
        compared=comparable(summary),
        pairs=_pair_lines(record, summary),
        twins=any(scale.twins is not None for scale in record.scales),
        costs=cost_lines(record, summary),
        query_kinds=[_QUERIES[kind] for kind in QUERY_KINDS],
        groups=pattern_groups(record),
        proxies=proxy_groups(record),
        all_pairs=ALL_PAIRS,
        limits=_limits(record, summary),
    )  # fmt: skip


def _styles(record: EvaluationRecord) -> dict[str, Any]:
    return method_styles(tuple(dict.fromkeys((*record.methods, *(point.method for point in record.trade_off)))))


def _plots(record: EvaluationRecord, summary: EvaluationSummary) -> dict[str, str]:
    tasks = [task.name for task in record.table.tasks]
    ends = {scale.pair: (scale.source, scale.target) for scale in record.scales}
    means = {(line.method, *ends[line.pair]): line.target_percentile.mean for line in summary.by_pair}
    used = [task for task in tasks if any(task in pair for pair in ends.values())]
    chosen = {method.method for method in featured(summary)}
    by_pair = {(line.method, line.pair): line for line in summary.by_pair if line.method in chosen}
    styles = _styles(record)
    points = record.trade_off
    return {
        "heat": heat_plot("heat", record.methods, means, used),
        "pairs": pair_plots("pairs", record.scales, by_pair, styles),
        "floors": floor_plot("floors", points, record.limits, styles) if points else "",
    }


def _tiles(summary: EvaluationSummary, verdict: EvaluationVerdict) -> list[dict[str, str]]:
    tiles = [
        {
            "name": f"Target percentile, {shorten(method.method, 24)}",
            "value": number(method.target_percentile.mean),
            "note": f"95% interval {between(method.target_percentile)}; source floor kept in "
            f"{share_kept(method.kept)} of the runs.",
        }
        for method in verdict.judged
    ]
    scale = summary.scale
    return [
        *tiles,
        {
            "name": "Random architecture",
            "value": number(scale.random_feasible),
            "note": f"Drawn from those that keep the source floor (percentile {summary.floor:g}).",
        },
        {
            "name": "Lowest possible",
            "value": number(scale.tk_floor),
            "note": f"{number(scale.tu_possible)} with one architecture for all targets of a source."
            + (f" {twin_text(scale).capitalize()}." if scale.twin_rise is not None else ""),
        },
    ]


def _pair_lines(record: EvaluationRecord, summary: EvaluationSummary) -> list[tuple[Any, list[tuple[str, str]]]]:
    """By pair: its scale, and mean and interval of every method."""
    found = {(line.method, line.pair): line.target_percentile for line in summary.by_pair}
    return [
        (
            scale,
            [
                (number(level.mean), between(level)) if (level := found.get((method, scale.pair))) else ("", "not run")
                for method in record.methods
            ],
        )
        for scale in record.scales
    ]


def _limits(record: EvaluationRecord, summary: EvaluationSummary) -> tuple[str, ...]:
    """What the evaluation cannot show: its own notes first."""
    found = [
        *record.notes,
        "A lock is shown on trained models, by archlock lock and archlock attack; a table foretells it at best.",
        f"Percentiles compare with the {record.table.architectures:,} architectures of this table and no others; a few "
        "percentile points may be less than the noise of one training.",
        "Seeds repeat the method, not the recorded trainings: intervals do not cover the chance in those.",
    ]
    if any(row.queries.source_full for row in record.rows):
        found.append(
            "A full source training that a method looked up is the same recorded number that its source percentile is "
            "made from. Nothing is held out on the source, so the source floor is easier to keep here than in life."
        )
    splits = sorted({task.split for task in record.table.tasks})
    found.append(
        f"Source and target values were recorded on: {', '.join(splits)}. Percentiles made from another split differ."
    )
    if len(record.scales) > 1:
        found.append(
            "Pairs share tasks, so intervals over pairs are made over tasks: "
            f"{plural(summary.scale.sources, 'source')} and {plural(summary.scale.targets, 'target')}. They are wide "
            "where tasks are few, and speak of tasks that are like these."
        )
    if len(record.methods) > 2:
        found.append("Intervals are not corrected for the number of methods compared.")
    return tuple(dict.fromkeys(found))
