"""What the models cost, as rows of text: one table of costs and limits, and what the limits took."""

from collections.abc import Callable
from dataclasses import dataclass

from archlock.reports.amounts import amount_in_words, bytes_in_words, count_in_words, time_in_words
from archlock.reports.cost_parts import CostRecord, LimitRecord, LimitsPriceRecord, ModelCostRecord
from archlock.reports.record import LockRecord
from archlock.reports.wording import DASH, capital, number, score
from archlock.tasks import FORM_WORDS, Kind


@dataclass(frozen=True, slots=True)
class CostRow:
    """One cost of every model; limit and slack where there is one."""

    name: str
    values: tuple[str, ...]
    """In the order of the models."""
    limit: str = ""
    slack: str = ""


def cost_rows(record: LockRecord) -> tuple[CostRow, ...]:
    """The table; empty for a record from before costs were kept."""
    cost = record.cost
    if cost is None:
        return ()
    limits = {limit.name: limit for limit in cost.limits}
    rows = [
        _row("Parameters", cost, limits.get("parameters"), lambda one: f"{one.parameters:,}"),
        _row("MACs (multiply-adds)", cost, limits.get("macs"), lambda one: count_in_words(one.macs)),
        _row("FLOPs (2 for each MAC)", cost, None, lambda one: count_in_words(one.flops)),
        _row("Weights, float32", cost, limits.get("weights_bytes"), lambda one: bytes_in_words(one.weights_bytes)),
        _row("Weights, int8 (counted)", cost, None, lambda one: bytes_in_words(one.int8_bytes)),
        _row("Feature maps at once", cost, limits.get("peak_bytes"), lambda one: bytes_in_words(one.peak_bytes)),
        _row("FLOPs a byte", cost, limits.get("intensity"), lambda one: f"{one.intensity:.3g}"),
    ]
    if cost.device:
        one = FORM_WORDS[record.source.form].one
        rows.append(_row(f"Latency, one {one}", cost, limits.get("latency_ms"), _latency))
    return tuple(rows)


def cost_sentences(record: LockRecord) -> tuple[str, ...]:
    """Where latencies come from, how many architectures keep the limits, and what the limits took."""
    cost = record.cost
    if cost is None:
        return ()
    found = [f"Latencies are of {cost.device}."] if cost.device else []
    if cost.limits:
        found.append(
            f"{cost.within:,} of {cost.architectures:,} different functions of the space keep the limits; the lock, "
            "its references and the source floor are among these."
        )
    found += [_price(one, record.source.kind) for one in cost.price]
    return tuple(found + [f"{capital(note)}." for note in cost.notes])


def _row(name: str, cost: CostRecord, limit: LimitRecord | None, words: Callable[[ModelCostRecord], str]) -> CostRow:
    values = tuple(words(one) for one in cost.models)
    if limit is None:
        return CostRow(name, values)
    most = "at least" if limit.name == "intensity" else "at most"
    return CostRow(name, values, f"{most} {amount_in_words(limit.name, limit.limit)}", f"{number(100 * limit.slack)} %")


def _latency(one: ModelCostRecord) -> str:
    return DASH if one.latency_ms is None else f"{time_in_words(one.latency_ms)}, {one.latency_kind}"


def _price(one: LimitsPriceRecord, kind: Kind) -> str:
    what = {
        "source": "The best source score that is believed of any architecture",
        "targets": "The least that attackers are believed to gain from any architecture above the source floor",
    }[one.what]
    return (
        f"{what} is {score(one.without, kind)} ({one.without_code}) without the limits and {score(one.within, kind)} "
        f"({one.within_code}) within them: estimates from the same trainings, none of which was above the limits."
    )
