"""A record as one self-contained web page: nothing is loaded from anywhere, nothing runs, every name is escaped.

The page is decided here and laid out by the templates beside this file; pictures come from ``plots``, judgement from
``verdict``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from archlock.reports.arms import arm_groups, arm_roles, as_well_said, reached, sides
from archlock.reports.attack_words import attack_headline
from archlock.reports.cell_drawing import architecture_picture
from archlock.reports.cost_table import cost_rows, cost_sentences
from archlock.reports.dumbbells import headline_plot, lone_rows, source_row, target_rows
from archlock.reports.leak_words import leak_sentences
from archlock.reports.limits import attack_limits, lock_limits
from archlock.reports.measures import cost_groups, every_role, further_rows, further_sentence, roles, worth_groups
from archlock.reports.outcomes import Record, stuck_at_chance, terms_of
from archlock.reports.plots import Levels, curve_plot, fraction_plot, spending_plot, trade_off_plot
from archlock.reports.record import AttackRecord, LockRecord
from archlock.reports.record_parts import (
    USUAL_ARMS,
    ModelRecord,
    OutcomeRecord,
    Role,
    TaskRecord,
)
from archlock.reports.statistics import headline, source_loss, strongest, strongest_alone
from archlock.reports.tables import attack_summary, baselines, outcome_groups
from archlock.reports.templating import fill
from archlock.reports.two_by_two import source_rows, two_by_two, two_by_two_said
from archlock.reports.verdict import Verdict, floor_kept, share_taken, verdict_of
from archlock.reports.warnings import warnings_of
from archlock.reports.wording import (
    DASH,
    SCHEMES,
    attack_name,
    data_words,
    day,
    duration,
    interval,
    large,
    level,
    number,
    percent,
    plural,
    points,
    role_names,
    score,
    share,
    shorten,
    words_of,
)
from archlock.tasks import FORM_WORDS, KINDS


def render_html(record: Record) -> str:
    """The page of a lock run or of a stand-alone attack run. The same record gives the same bytes."""
    names = role_names(record)
    content = _lock_content(record) if isinstance(record, LockRecord) else _attack_content(record)
    template = "lock.html" if isinstance(record, LockRecord) else "attack.html"
    content |= {"roles": roles(record), "worth": worth_groups(record)}
    content |= {"every_role": every_role(record), "arms": arm_groups(record), "arm_roles": arm_roles(record)}
    content["by_lot"] = [role for role in arm_roles(record) if role in USUAL_ARMS]
    content |= {"reached": reached(record), "as_well": as_well_said(record)}
    content |= {"warnings": warnings_of(record)}
    content |= {"costs": cost_groups(record)}
    content |= {"further": further_rows(record), "further_said": further_sentence(record)}
    return fill(template, filters=_filters(names), record=record, names=names, **content)


def _size(source: TaskRecord) -> str:
    """Width x height of images, the length of signals."""
    _, height, width = source.shape
    return FORM_WORDS[source.form].size(source.shape) if source.form == "signal" else f"{width} x {height}"


def _filters(names: Mapping[Role, str]) -> dict[str, Any]:
    return {
        "attack": attack_name,
        "breakable": _breakable,
        "classes": _classes,
        "data": lambda outcome: data_words(terms_of(outcome)),
        "day": day,
        "duration": duration,
        "kind": KINDS.__getitem__,
        "form": FORM_WORDS.__getitem__,
        "words": words_of,
        "size": _size,
        "large": large,
        "mean": lambda values: float(np.mean(values)),
        "number": number,
        "percent": percent,
        "plural": plural,
        "points": points,
        "role": names.__getitem__,
        "scheme": SCHEMES.__getitem__,
        "score": score,
        "share": share,
        "short": _short,
        "shorten": shorten,
    }


def _lock_content(record: LockRecord) -> dict[str, Any]:
    verdict = verdict_of(record)
    same = record.locked.architecture == record.source_only.architecture
    rows = (source_row(record), *target_rows(verdict.judged, record.targets, arms=sides(record)[1:]))
    plots = {
        "headline": headline_plot("headline", rows),
        "fractions": _fraction_picture(record),
        "trade_off": (trade_off_plot("trade-off", record.trade_off, record.locked.code) if record.trade_off else ""),
        **_model_pictures((record.locked,) if same else (record.locked, record.source_only)),
        "spending": spending_plot("spending", record.budget.spent_seconds) if record.budget.spent_seconds else "",
    }
    return {
        "verdict": verdict,
        "tiles": _tiles(record, verdict),
        "plots": plots,
        "has_intervals": any(row.locked.has_interval for row in rows),
        "floor": _floor(record),
        "groups": outcome_groups(record),
        "attack_summary": attack_summary(record),
        "baselines": (),
        "failures": _failures(record),
        "trade_off": sorted(record.trade_off, key=lambda point: point.source_loss),
        "total_seconds": sum(record.budget.spent_seconds.values()),
        "limits": lock_limits(record),
        "crossed": two_by_two(record),
        "crossed_source": source_rows(record),
        "crossed_said": two_by_two_said(record),
        "leaks": leak_sentences(record),
        "device_costs": cost_rows(record),
        "device_costs_said": cost_sentences(record),
    }


def _attack_content(record: AttackRecord) -> dict[str, Any]:
    reference = len(record.models) > 1
    arms = sides(record)[1:] if reference else ()
    rows = target_rows(headline(record), record.targets, arms=arms, opened=record.opened) if reference else ()
    rows = rows or lone_rows(strongest_alone(record), record.targets)
    spent = record.spent_seconds
    return {
        "reference": reference,
        "plots": {
            "headline": headline_plot("headline", rows, role_names(record)) if rows else "",
            "fractions": _fraction_picture(record),
            **_model_pictures(record.models[:2]),
            "spending": spending_plot("spending", spent) if spent else "",
        },
        "has_intervals": any(row.locked.has_interval for row in rows),
        "groups": outcome_groups(record),
        "attack_summary": attack_summary(record),
        "said": attack_headline(record),
        "baselines": baselines(record),
        "failures": _failures(record),
        "limits": attack_limits(record),
    }


def _model_pictures(models: Sequence[ModelRecord]) -> dict[str, str]:
    curved = [model for model in models if model.curve]
    pictures = {"locked_cell": "", "plain_cell": "", "curves": curve_plot("curves", curved) if curved else ""}
    for key, model in zip(("locked_cell", "plain_cell"), models, strict=False):
        pictures[key] = architecture_picture(key.replace("_", "-"), model.space, model.code)
    return pictures


def _fraction_picture(record: Record) -> str:
    """Panels of the strongest attack by fraction, at the longest horizon, for targets with two fractions or more."""
    longest = max((outcome.horizon for outcome in record.outcomes), default=1.0)
    curves: dict[str, dict[Any, list[tuple[float, tuple[float, ...]]]]] = {}
    for comparison in strongest(record):
        if comparison.terms.horizon != longest:
            continue
        levels = curves.setdefault(comparison.target, {"locked": [], "source_only": []})
        levels["locked"].append((comparison.fraction, comparison.locked))
        levels["source_only"].append((comparison.fraction, comparison.other))
    if not curves:
        for (target, terms), outcomes in strongest_alone(record).items():
            if terms.horizon == longest:
                scores = tuple(outcome.test for outcome in outcomes if outcome.test is not None)
                curves.setdefault(target, {"locked": []})["locked"].append((terms.fraction, scores))
    several: Mapping[str, Levels] = {name: levels for name, levels in curves.items() if len(levels["locked"]) > 1}
    return fraction_plot("fractions", several, record.targets) if several else ""


def _failures(record: Record) -> list[OutcomeRecord]:
    """Attacks that say nothing: those without a score, and those that ended at chance where another did not."""
    failed = [outcome for outcome in record.outcomes if outcome.status != "valid"]
    stuck = [
        replace(outcome, note=f"ended at chance ({percent(outcome.test or 0.0)}), where another attack did not")
        for outcome in stuck_at_chance(record)
    ]
    return [*failed, *stuck]


def _tiles(record: LockRecord, verdict: Verdict) -> list[dict[str, str]]:
    """The four numbers that a reader takes away."""
    loss = source_loss(record)
    kept = floor_kept(record)
    floor_word = {True: "Floor kept.", False: "Floor missed.", None: ""}[kept]
    cost = f"{points(abs(loss.mean))} {'below' if loss.mean >= 0 else 'above'} the source-only model."
    tiles = [
        {
            "name": "Kept on the source",
            "value": score(float(np.mean(record.locked.source_test)), record.source.kind),
            "note": f"{cost} {floor_word}",
        }
    ]
    if verdict.taken_away is None:
        return [*tiles, {"name": "Taken from attackers", "value": DASH, "note": "Not attacked yet."}]
    away = verdict.taken_away
    chances = {target.name: target.chance for target in record.targets}
    shares = [s for c in verdict.judged if (s := share_taken(c, chances[c.target])) is not None]
    left = float(np.mean([np.mean(comparison.locked) for comparison in verdict.judged]))
    before = float(np.mean([np.mean(comparison.other) for comparison in verdict.judged]))
    kinds = {t.name: t.kind for t in record.targets}
    judged_kinds = {kinds[comparison.target] for comparison in verdict.judged}
    mean_of = f"mean of {plural(len(verdict.judged), 'target')}" if len(verdict.judged) > 1 else "one target"
    return [
        *tiles,
        {
            "name": "Taken from attackers",
            "value": points(away.mean),
            "note": f"{_interval_words(verdict)}; {mean_of}.",
        },
        {
            "name": "Left to attackers",
            "value": level(left, judged_kinds),
            "note": f"{level(before, judged_kinds)} from the source-only model.",
        },
        {
            "name": "Share of their gain gone",
            "value": percent(float(np.mean(shares)), 0) if shares else DASH,
            "note": "Of what the strongest attack gains above chance." if shares else "Nobody gains above chance.",
        },
    ]


def _interval_words(verdict: Verdict) -> str:
    away = verdict.taken_away
    if away is None or not away.has_interval:
        return "No interval: fewer than three seeds"
    over = "" if away.basis == "seeds" else " over targets"
    return f"95% interval {interval(away)}{over}"


def _floor(record: LockRecord) -> str:
    if record.floor.kind == "accuracy_loss":
        return f"at a loss of at most {points(record.floor.value)} on the source"
    return f"at percentile {record.floor.value:g} of the space or above on the source, as predicted"


def _classes(source: TaskRecord) -> str:
    words = KINDS[source.kind].words.of(source.form)
    if words.long:
        return words.long
    names = [shorten(name, 40) for name in source.classes]
    more = f", and {len(names) - 12:,} more" if len(names) > 12 else ""
    return f"{len(names):,}: {', '.join(names[:12])}{more}"


def _short(source: TaskRecord) -> str:
    words = KINDS[source.kind].words
    kind = plural(len(source.classes), *words.counted) if words.counted else words.short
    return f"{kind} · {plural(source.shape[0], 'channel')} of {_size(source)}"


def _breakable(official_string: str) -> Any:
    """Escaped text that a browser may break between the nodes of a cell."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=\|\+)", official_string))
