"""How numbers are written for people: percent, points, durations, counts, intervals. The only place that rounds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from archlock.reports.outcomes import Terms
from archlock.reports.record import AttackRecord, LockRecord
from archlock.reports.record_parts import (
    Role,
    Scheme,
)
from archlock.reports.statistics import Estimate
from archlock.tasks import FORM_WORDS, KINDS, FormWords, Kind

MINUS = "\N{MINUS SIGN}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
SPACE = "\N{NO-BREAK SPACE}"
DASH = "\N{EM DASH}"

_ATTACKS: Final = {
    "from_scratch": "From scratch",
    "linear_probe": "Linear probe",
    "fine_tune": "Full fine-tuning",
    "lp_ft": "Head first, then all",
    "direct": "Old head, all weights",
    "direct_head": "Old head, head only",
    "last_stages": "New head, last stage",
    "pruned": "Pruned, then fine-tuned",
    "distilled": "Distilled into an ordinary network",
    "surgery": "Surgery on the architecture",
    "ridge": "Ridge probe",
    "whitened": "Whitened probe",
    "best_layer_probe": "Best-layer probe",
    "cut_at": "Cut at the best layer",
    "renormalised": "Renormalised, head first, then all",
    "regrown": "Regrown, head first, then all",
    "ordinary": "Ordinary network, from scratch",
}
ROLES: Final[dict[Role, str]] = {
    "locked": "locked",
    "source_only": "source-only",
    "random": "random",
    "same_size": "same-size random",
    "nsga2": "NSGA-II",
}
_OPENED: Final[dict[Role, str]] = ROLES | {"locked": "attacked", "source_only": "reference"}
SCHEMES: Final[dict[Scheme, str]] = {
    "s": "source only (the ordinary search)",
    "tk": "targets known to the search",
    "tu": "targets unknown to the search",
}


def capital(text: str) -> str:
    """The text with a large first letter."""
    return text[:1].upper() + text[1:]


def role_names(record: LockRecord | AttackRecord) -> dict[Role, str]:
    """What the models are called; of models that were opened one by one, nobody claims that one is locked."""
    return _OPENED if isinstance(record, AttackRecord) and record.opened else ROLES


def words_of(record: "LockRecord | AttackRecord") -> FormWords:
    """How the examples of a record are spoken of."""
    source = record.source
    return FORM_WORDS[source.form if source is not None else record.targets[0].form if record.targets else "image"]


def percent(value: float, digits: int = 1) -> str:
    """A fraction as a percentage: ``97.8%``."""
    return f"{number(100 * value, digits)}%"


def number(value: float, digits: int = 1) -> str:
    """A rounded number with a true minus sign, and no minus before zero."""
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)


def points(difference: float, digits: int = 1) -> str:
    """A difference of fractions in percentage points: ``14.2 points``."""
    text = number(100 * difference, digits)
    return f"{text}{SPACE}{'point' if text in ('1.0', MINUS + '1.0') else 'points'}"


def score(value: float | None, kind: Kind = "classification") -> str:
    """A score in the words of its kind: an accuracy in percent, R² 0.812; a dash where there is none."""
    if value is None:
        return DASH
    symbol = KINDS[kind].words.symbol
    return f"{symbol}{SPACE}{number(value, 3)}" if symbol else percent(value)


def level(value: float, kinds: set[Kind]) -> str:
    """A mean score over targets of these kinds; where both kinds are there, in hundredths without a unit."""
    return score(value, next(iter(kinds))) if len(kinds) == 1 else f"{number(100 * value)} of 100"


def interval(found: Estimate) -> str:
    """The interval of a difference in points, ``11.0 to 17.4``, or why there is none."""
    if found.low is None or found.high is None:
        return f"no interval: {seeds(found.count)}"
    return f"{number(100 * found.low)} to {number(100 * found.high)}"


def score_interval(found: Estimate, kind: Kind = "classification") -> str:
    """The interval of a mean score, within what scores can be: an accuracy is at most 100 and at least 0 %."""
    if found.low is None or found.high is None:
        return interval(found)
    low = found.low if KINDS[kind].words.symbol else max(found.low, 0.0)
    return interval(replace(found, low=low, high=min(found.high, KINDS[kind].best)))


def seeds(count: int) -> str:
    """``one seed``, ``3 seeds``."""
    return "one seed" if count == 1 else f"{count} seeds"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 target``, ``3 targets``."""
    return f"{count:,}{SPACE}{one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Wall-clock time in the two largest units: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f}{NARROW}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{NARROW}s"
    if whole < 3600:
        return f"{whole // 60}{NARROW}min" + (f"{SPACE}{whole % 60}{NARROW}s" if whole % 60 else "")
    minutes = round(whole / 60)
    return f"{minutes // 60:,}{NARROW}h" + (f"{SPACE}{minutes % 60}{NARROW}min" if minutes % 60 else "")


def large(value: int) -> str:
    """A large count: ``958``, ``14.2 k``, ``3.1 M``, ``1.2 G``, ``7.5 T``."""
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):.1f}{NARROW}{unit}"
    return f"{value:,.0f}"


def shorten(text: str, length: int) -> str:
    """The text, cut in the middle to ``length`` characters if it is longer."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 3
    return f"{text[: length - 1 - tail].rstrip()}…{text[len(text) - tail :].lstrip() if tail else ''}"


def listed(items: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def share(fraction: float) -> str:
    """A share of data: ``100%``, ``10%``, ``0.5%``."""
    return f"{100 * fraction:.3g}%"


def data_words(terms: Terms) -> str:
    """What an attacker had: ``10%``, ``5 of each class``, ``100%, 4x as long``."""
    data = share(terms.fraction) if terms.shots is None else f"{terms.shots} of each class"
    return data if terms.horizon == 1 else f"{data}, {terms.horizon:g}x as long"


def attack_name(name: str) -> str:
    """An attack in words: ``Full fine-tuning``; an unknown name with spaces for underscores."""
    return _ATTACKS.get(name, name.replace("_", " "))


def attack_names(names: Sequence[str]) -> str:
    """The most frequent of the strongest attacks (one per seed) in words, and how often it was the strongest."""
    often = max(dict.fromkeys(names), key=names.count)
    times = "" if names.count(often) == len(names) else f" ({names.count(often)} of {len(names)} seeds)"
    return attack_name(often).lower() + times


def day(created: str) -> str:
    """An ISO time as ``3 February 2026, 10:21``; other text stays as it is."""
    try:
        time = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{time.day} {time:%B %Y, %H:%M}" + (f" {time:%Z}" if time.tzinfo else "")
