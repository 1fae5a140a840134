"""What can be chosen: spaces that are enumerated, spaces that are drawn from, and lists."""

import numpy as np
import pytest

from archlock.errors import SearchError
from archlock.recipes.engine.market import MOST_CHANGES, Market, candidates_among, candidates_of_space
from archlock.recipes.evaluate.recorded_market import RecordedMarket, classes_of
from archlock.spaces import SPACES
from archlock.tables import Allowance, open_pair
from made_up_markets import HugeSpace, smooth_market
from made_up_tables import made_up_table

CELLS = SPACES["transnas101_micro"]


def test_a_small_space_is_taken_whole_every_function_once() -> None:
    found = candidates_of_space(CELLS, seed=0)
    everybody = [one for one in CELLS.enumerate() if CELLS.is_connected(one)]
    assert set(found.architectures) == {CELLS.simplify(one) for one in everybody}
    assert len(set(found.architectures)) == len(found.architectures) == len(found.places)
    assert found.shares.sum() == pytest.approx(len(everybody) / len(CELLS))
    row = found.architectures.index(CELLS.simplify(everybody[40]))
    same = sum(CELLS.simplify(one) == found.architectures[row] for one in everybody)
    assert found.shares[row] == pytest.approx(same / len(CELLS))


def test_candidates_are_described_by_their_structure() -> None:
    some = tuple(CELLS.enumerate())[500:540]
    found = candidates_among(CELLS, some)
    cost = CELLS.relative_cost(found.architectures)
    assert (np.diff(found.size[np.argsort(cost, kind="stable")]) >= 0).all()
    assert found.open_shortcut.tolist() == (CELLS.shortest_path(found.architectures) == 0).astype(float).tolist()
    assert 0 < found.open_shortcut.mean() < 1
    np.testing.assert_array_equal(found.capacity, found.size)


def test_a_space_of_a_million_million_is_drawn_from_and_never_enumerated() -> None:
    space = HugeSpace()
    found = candidates_of_space(space, seed=0, most=400)
    assert 300 < len(found.architectures) <= 400
    assert all(one.code.endswith("0") and one.code[0] != "0" for one in found.architectures)
    assert found.shares.sum() == pytest.approx(0.9, abs=0.05), "a tenth is connected to nothing"
    same, other = (candidates_of_space(space, seed=seed, most=400).architectures for seed in (0, 1))
    assert same == found.architectures != other
    with pytest.raises(AssertionError, match="nobody enumerates"):
        candidates_of_space(space, seed=0, most=10**12)  # the test would notice


def test_candidates_of_a_space_with_a_sensible_architecture_are_near_it() -> None:
    space = SPACES["locking_macro"]
    begin = space.sensible()
    assert begin is not None
    found = candidates_of_space(space, seed=0)
    assert 500 < len(found.architectures) < 2000
    apart = [sum(a != b for a, b in zip(begin.code, one.code, strict=True)) for one in found.architectures]
    most = MOST_CHANGES + 1  # (what is the same function may be written with one more)
    assert set(apart) == set(range(most + 1)) or set(apart) == set(range(most))
    assert begin in found.architectures
    assert {space.simplify(one) for one in space.neighbours(begin)} <= set(found.architectures)
    assert found.shares.sum() == pytest.approx(1.0)


def test_what_is_connected_to_nothing_is_no_candidate() -> None:
    dead = [one for one in CELLS.enumerate() if not CELLS.is_connected(one)]
    alive = next(one for one in CELLS.enumerate() if CELLS.is_connected(one))
    assert candidates_among(CELLS, [*dead[:3], alive]).shares.tolist() == [0.25]
    with pytest.raises(SearchError, match="none of 3 architectures of transnas101_micro connects its input"):
        candidates_among(CELLS, dead[:3])


def test_a_recorded_table_offers_each_class_once_with_its_share() -> None:
    space = SPACES["nasbench201"]
    some = tuple(one for one in space.enumerate())[::40]
    found = classes_of(space, some)
    connected = [one for one in some if space.is_connected(one)]
    assert {space.canonicalise(one) for one in found.architectures} == {space.canonicalise(one) for one in connected}
    assert len({space.canonicalise(one) for one in found.architectures}) == len(found.architectures)
    assert set(found.architectures) <= set(some), "only what is recorded can be bought"
    assert found.shares.sum() == pytest.approx(len(connected) / len(some))


def test_both_kinds_of_market_are_markets() -> None:
    evidence, _ = open_pair(made_up_table(codes=60), "t0", "t1", scheme="tk")
    assert isinstance(RecordedMarket.of(evidence), Market)
    assert isinstance(smooth_market(12, 12), Market)


@pytest.mark.parametrize(
    ("scheme", "others", "known"), [("s", (), False), ("tk", ("t1",), True), ("tu", ("t2",), False)]
)
def test_a_recorded_market_sells_what_its_scheme_may_see(scheme: str, others: tuple[str, ...], known: bool) -> None:
    evidence, _ = open_pair(made_up_table(codes=60), "t0", "t1", scheme=scheme, allowance=Allowance(10, 5))
    market = RecordedMarket.of(evidence)
    assert (market.others, market.known, market.tasks) == (others, known, ("t0", *others))
    assert (market.left("full"), market.left("short")) == (15, 0)
    with_short, _ = open_pair(
        made_up_table(codes=60, short=True), "t0", "t1", scheme=scheme, allowance=Allowance(10, 5)
    )
    assert (RecordedMarket.of(with_short).left("full"), RecordedMarket.of(with_short).left("short")) == (5, 10)
    few, _ = open_pair(made_up_table(codes=60, short=True), "t0", "t1", scheme=scheme, allowance=Allowance(9, 5))
    assert RecordedMarket.of(few).left("short") == 0, "so few short trainings foretell nothing"
