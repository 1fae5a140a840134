"""The one sentence about an evaluation: which method takes how much away, and what speaks against believing it.

For each scheme that locks (``tk``, ``tu``) the best of its methods is judged: lowest mean target percentile among those
that keep the source floor in at least nine runs of ten and did not look where they must not. A method of a lower
standard is judged only where its scheme has no better one, and then the page says so. One that keeps the floor less
often is no lock, and no figure of what it takes away is given. Better than random means that the 95 % interval of what
is taken away lies above zero, where a run that missed the floor took nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from archlock.jackknife import LEAST_TASKS
from archlock.reports.evaluation import EvaluationRecord
from archlock.reports.evaluation_intervals import Interval
from archlock.reports.evaluation_shortfall import shortfall_text
from archlock.reports.evaluation_statistics import EvaluationSummary, MethodSummary
from archlock.reports.statistics import LEAST_SEEDS
from archlock.reports.wording import listed, number, percent, plural, shorten

LEAST_KEPT: Final = 0.9
"""Share of runs that must keep the source floor."""
KNOWS: Final = {"s": "source only", "tk": "target known", "tu": "target unknown"}
RANDOM: Final = "random_feasible"
_WORDS: Final = {
    "held": "Better than chance, source floor kept",
    "partly": "Better than chance in part",
    "did_not_hold": "Not shown to be better than chance at the source floor",
    "not_measurable": "Too few tasks or runs to tell from chance",
}


@dataclass(frozen=True, slots=True)
class EvaluationVerdict:
    """Kind, its words, the sentence, and every reason to be careful; ``judged`` are the methods it speaks of."""

    kind: Literal["held", "partly", "did_not_hold", "not_measurable"]
    word: str
    sentence: str
    reasons: tuple[str, ...]
    judged: tuple[MethodSummary, ...]


def evaluation_verdict(record: EvaluationRecord, summary: EvaluationSummary) -> EvaluationVerdict:
    """The judgement of the whole evaluation; ``summary`` is that of the same record."""
    judged = _judged(summary)
    fair = [method for method in judged if keeps_floor(method) and not looked(method)]
    good = [method for method in fair if beats_chance(method)]
    kind: Literal["held", "partly", "did_not_hold", "not_measurable"]
    if len(good) == len(judged):
        kind = "held"
    elif good:
        kind = "partly"
    else:
        unsure = fair and all(method.taken_away.low is None for method in fair)
        kind = "not_measurable" if unsure else "did_not_hold"
    where = f"Over {plural(len(record.pairs), 'pair')} of tasks" if len(record.pairs) > 1 else f"On {record.pairs[0]}"
    sentence = f"{where}, {'; '.join(_said(method, place == 0) for place, method in enumerate(judged))}."
    return EvaluationVerdict(kind, _WORDS[kind], sentence, _reasons(record, summary, judged), judged)


def beats_chance(method: MethodSummary) -> bool:
    """Whether the interval of what is taken away lies above zero."""
    return method.taken_away.low is not None and method.taken_away.low > 0


def keeps_floor(method: MethodSummary) -> bool:
    """Whether enough runs keep the source floor."""
    return method.kept >= LEAST_KEPT


def looked(method: MethodSummary) -> bool:
    """Whether a method that must not know the target looked up full trainings on it."""
    return method.scheme in ("s", "tu") and method.queries["target_full"] > 0


def featured(summary: EvaluationSummary) -> tuple[MethodSummary, ...]:
    """At most four methods for a crowded picture: the ordinary search, the best of TK and of TU, the best baseline."""
    schemes = [[method for method in summary.methods if method.scheme == scheme] for scheme in KNOWS]
    baselines = [method for method in summary.methods if method.scheme not in KNOWS and method.method != RANDOM]
    found = (*ordinary(summary), *(_best(methods) for methods in (*schemes[1:], baselines) if methods))
    return found or summary.methods[:1]


def ordinary(summary: EvaluationSummary) -> tuple[MethodSummary, ...]:
    """The ordinary search for the source alone: the method called ``s``, else the first of that scheme, else none."""
    methods = [method for method in summary.methods if method.scheme == "s"]
    return tuple(sorted(methods, key=lambda method: method.method != "s")[:1])


def between(found: Interval, digits: int = 1) -> str:
    """``11.0 to 17.4``, or ``none``."""
    if found.low is None or found.high is None:
        return "none"
    return f"{number(found.low, digits)} to {number(found.high, digits)}"


def share_kept(share: float) -> str:
    """A share of runs in percent, never rounded up to all, nor to what counts as kept."""
    nearly = share < LEAST_KEPT <= round(share, 2)
    return (
        "100%" if share == 1 else percent(min(share, 0.899 if nearly else 0.999), 1 if nearly or share >= 0.985 else 0)
    )


def _judged(summary: EvaluationSummary) -> tuple[MethodSummary, ...]:
    locks = [[method for method in summary.methods if method.scheme == scheme] for scheme in ("tk", "tu")]
    return tuple(_best(methods) for methods in locks if methods) or (_best(summary.methods),)


def _best(methods: Sequence[MethodSummary]) -> MethodSummary:
    return min(methods, key=lambda m: (looked(m), not keeps_floor(m), m.target_percentile.mean))


def _name(method: MethodSummary) -> str:
    return shorten(method.method, 40)


def _why_none(method: MethodSummary) -> str:
    scale = method.scale
    if scale.pairs == 1:
        return f"one pair, and fewer than {LEAST_SEEDS} seeds"
    if min(scale.sources, scale.targets) < LEAST_TASKS:
        return (
            f"it would be over tasks, from {LEAST_TASKS} sources and {LEAST_TASKS} targets on, and these pairs have "
            f"{plural(scale.sources, 'source')} and {plural(scale.targets, 'target')}"
        )
    return "it would be over tasks, and without one of them nothing is left"


def _said(method: MethodSummary, first: bool) -> str:
    away = method.taken_away
    name = f"{_name(method)} ({KNOWS.get(method.scheme, 'a baseline')})"
    if not keeps_floor(method):
        return f"{name} is no lock: it keeps the source floor in only {share_kept(method.kept)} of its runs"
    room = method.scale.random_feasible - method.scale.tk_floor
    what = "percentile points that can be taken from the target" if first else "that can be taken"
    possible = f"of the {number(room)} {what}"
    interval = f"95% interval {between(away)}" if away.low is not None else "no interval"
    if away.low is not None and away.low <= 0 and away.high is not None and away.high >= 0:
        return (
            f"{name} cannot be told from a random architecture that keeps the source floor: it takes "
            f"{number(away.mean)} {possible} ({interval})"
        )
    if away.mean < 0:
        return (
            f"{name} takes nothing: its target percentile is {number(-away.mean)} points above that of a random "
            f"architecture that keeps the source floor ({interval} taken away)"
        )
    return f"{name} takes {number(away.mean)} {possible} ({interval})"


def _reasons(record: EvaluationRecord, summary: EvaluationSummary, judged: Sequence[MethodSummary]) -> tuple[str, ...]:
    reasons = []
    for method in judged:
        if looked(method):
            reasons.append(
                f"{_name(method)} must not know the target, but looked up "
                f"{plural(round(method.queries['target_full']) or 1, 'full training')} on it per run: this is no "
                "evidence for a target that is unknown."
            )
        if not keeps_floor(method):
            reasons.append(
                f"{_name(method)} kept the source floor (percentile {record.floor:g}) in only "
                f"{share_kept(method.kept)} of its runs. The others miss it {shortfall_text(method.missed)}."
            )
        others = [other.method for other in summary.methods if other.scheme == method.scheme]
        if len(others) > 1 and method.scheme in KNOWS:
            reasons.append(
                f"{_name(method)} is the best of {len(others)} methods with the same knowledge, chosen by these runs, "
                "so its figure flatters it a little."
            )
        if method.taken_away.low is None:
            reasons.append(f"{_name(method)} has no interval: {_why_none(method)}.")
        elif method.scale.pairs == 1:
            reasons.append(
                f"The interval of {_name(method)} is over seeds: it speaks of this pair and of no other task."
            )
    reasons += [
        f"The ordinary search for the source alone ({_name(method)}) ends at target percentile "
        f"{number(method.target_percentile.mean)}; a random architecture that keeps the floor is at "
        f"{number(summary.scale.random_feasible)}, the lowest possible at {number(summary.scale.tk_floor)}."
        for method in ordinary(summary)
    ]
    partial = [_name(method) for method in judged if method.scale.pairs < len(record.pairs)]
    if partial:
        reasons.append(f"{listed(partial)}: not run on all pairs.")
    return tuple(reasons)
