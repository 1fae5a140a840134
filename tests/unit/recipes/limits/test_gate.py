"""Nothing above the limit is trained at full size, whatever the search asks for, and little is measured in vain."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import SearchError
from archlock.evidence import EvidenceStore
from archlock.recipes.engine.market import Market
from archlock.recipes.engine.spending import search_lock
from archlock.recipes.limits.forecast import Networks
from archlock.recipes.limits.gate import PATIENCE, Gate, GatedMarket, Meter
from archlock.recipes.limits.runtimes import here
from archlock.search import SourceFloor
from archlock.spaces import SPACES, Architecture
from made_up_markets import MadeUpMarket, smooth_market
from tiny_runs import Noted

FLOOR = SourceFloor("percentile", 0.8)


@dataclass(frozen=True)
class Foretold:
    """Says of everybody what it is told to."""

    values: dict[Architecture, float]
    error: float = 0.1
    device: str = "a board"
    remarks: tuple[str, ...] = ()

    def milliseconds(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return np.array([self.values[one] for one in architectures])


def timed(market: MadeUpMarket) -> dict[Architecture, float]:
    """The larger, the slower; 1 ms at the middle."""
    return {
        a: float(np.exp(size)) for a, size in zip(market.candidates.architectures, market.candidates.size, strict=True)
    }


@pytest.mark.parametrize(("short", "full"), [(0, 20), (30, 12)])
def test_only_what_passes_is_bought_and_the_budget_is_spent_on_it(short: int, full: int) -> None:
    market = smooth_market(200, full, short=short, noise=0.5)
    slow = timed(market)
    gated = GatedMarket(market, lambda one: slow[one] <= 1.0)
    assert isinstance(gated, Market)
    found = search_lock(gated, FLOOR, seed=0)
    bought = [market.candidates.architectures[row] for row in market.bought("full")]
    assert len(bought) == full, "what is refused costs nothing"
    assert all(slow[one] <= 1.0 for one in bought)
    assert slow[found.architecture] <= 1.0
    assert len(market.bought("short")) == short


def test_with_no_limit_to_meet_it_is_the_same_search() -> None:
    plain, market = smooth_market(120, 15, noise=0.5), smooth_market(120, 15, noise=0.5)
    assert search_lock(plain, FLOOR, seed=3).row == search_lock(GatedMarket(market, lambda _: True), FLOOR, seed=3).row
    assert plain.bought("full") == market.bought("full")


def test_where_nothing_passes_it_says_so() -> None:
    market = smooth_market(40, 10)
    with pytest.raises(SearchError, match=r"none of 40 architectures that were promising keeps the limit on laten"):
        search_lock(GatedMarket(market, lambda _: False), FLOOR, seed=0)


def test_each_is_measured_once_and_what_is_foretold_to_be_far_above_never() -> None:
    market = smooth_market(60, 10)
    slow, asked = timed(market), list[Architecture]()
    gate = Gate(1.0, lambda one: asked.append(one) or slow[one], Foretold(slow))  # type: ignore[func-returns-value]
    answers = [gate.passes(one) for one in (*slow, *slow)]
    assert answers == [value <= 1.0 for value in (*slow.values(), *slow.values())]
    assert len(asked) == len(set(asked))
    assert max(slow[one] for one in asked) <= 1.2, "twice the error"


def test_the_more_are_above_the_limit_the_less_a_forecast_is_believed() -> None:
    architectures = smooth_market(60, 10).candidates.architectures
    gate = Gate(1.0, lambda _: 9.0, Foretold(dict.fromkeys(architectures, 0.95)))
    assert not any(gate.passes(one) for one in architectures)
    assert gate.refused == len(gate.measured) == 3 * PATIENCE, "until a forecast has to be a tenth below the limit"


def test_the_lowest_forecasts_are_always_measured() -> None:
    architectures = smooth_market(60, 10).candidates.architectures
    foretold = {one: 2.0 + row for row, one in enumerate(architectures)}
    gate = Gate(1.0, lambda _: 0.5, Foretold(foretold), architectures)
    assert [gate.passes(one) for one in architectures] == [row <= 11 for row in range(60)]


def test_a_meter_remembers_in_the_store(tmp_path: Path) -> None:
    noted, store = Noted(), EvidenceStore(tmp_path / "evidence.sqlite")
    networks, one = Networks("nasbench201", (1, 8, 8), 4, 2, 1), SPACES["nasbench201"].architecture("000100")
    first = Meter(networks, here("torch"), store, noted)(one)
    assert first > 0
    assert noted.lines[0] == f"measured nasbench201:000100: {first:.4g} ms"
    again = Meter(networks, here("torch"), store, noted)(one)
    assert again == first
    assert len([line for line in noted.lines if line.startswith("measured")]) == 1
    (kept,) = store.read(measure="latency").values()
    assert (kept.unit, kept.value) == ("ms", first)
    Meter(Networks("nasbench201", (1, 8, 8), 4, 3, 1), here("torch"), store, noted)(one)
    assert len(store) == 2, "another width is another latency"
