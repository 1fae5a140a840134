"""What proxies are worth on the tasks of an evaluation, as lines of text: beside the sizes, and below the bound."""

from dataclasses import dataclass
from typing import Final

from archlock.reports.evaluation import EvaluationRecord
from archlock.reports.evaluation_parts import TRUTH_AGAIN, ProxyAgreement
from archlock.reports.wording import DASH, MINUS, listed

SIZES: Final = ("params", "macs")


@dataclass(frozen=True, slots=True)
class ProxyLine:
    """One proxy on one task: every cell as text."""

    proxy: str
    whole: str
    top: str
    size: str
    """The better size on the same architectures: over the whole, and among the top."""
    architectures: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ProxyGroup:
    """The proxies of one task, and what they come to."""

    task: str
    lines: tuple[ProxyLine, ...]
    sentence: str


def proxy_groups(record: EvaluationRecord) -> tuple[ProxyGroup, ...]:
    """One group for each task, in the order of the record."""
    return tuple(
        _group(task, [one for one in record.proxies if one.task == task])
        for task in dict.fromkeys(one.task for one in record.proxies)
    )


def _group(task: str, proxies: list[ProxyAgreement]) -> ProxyGroup:
    lines = tuple(
        ProxyLine(
            one.proxy,
            _text(one.whole),
            _text(one.top),
            f"{_text(one.size_whole)}, {_text(one.size_top)}",
            f"{one.architectures:,}",
            _verdict(one),
        )
        for one in proxies
    )
    judged = [one for one in proxies if one.proxy not in (*SIZES, TRUTH_AGAIN)]
    better = [one.proxy for one in judged if all(one.beats_size)]
    if not judged:
        sentence = "No proxy is recorded for this task."
    elif better:
        sentence = f"Better than both sizes, over the whole table and among the best: {listed(better)}."
    else:
        sentence = "No proxy is better than both sizes, over the whole table and among the best."
    return ProxyGroup(task, lines, sentence)


def _verdict(one: ProxyAgreement) -> str:
    if one.proxy == TRUTH_AGAIN:
        return "the bound"
    if one.proxy in SIZES:
        return "size"
    whole, top = one.beats_size
    if whole and top:
        return "better than size"
    return "better over the whole only" if whole else "better among the best only" if top else "no better than size"


def _text(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}".replace("-", MINUS)
