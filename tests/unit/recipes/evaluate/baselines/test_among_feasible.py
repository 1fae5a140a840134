"""Choosing among architectures above the floor by structure, by vote, by chance."""

import pytest

from archlock.errors import SearchError
from archlock.recipes.evaluate.baselines.among_feasible import AmongFeasible
from archlock.tables import Allowance, RecordedEvidence, open_pair
from made_up_tables import made_up_table

TABLE = made_up_table(codes=300)


def evidence(count: int) -> RecordedEvidence:
    feasible = TABLE.architectures[20 : 20 + count]
    return open_pair(TABLE, "t0", "t1", scheme="tu", allowance=Allowance(0, 0), known_feasible=feasible)[0]


def test_structure_takes_the_smallest_without_a_shortcut() -> None:
    seen = evidence(40)
    chosen = AmongFeasible()(seen, floor=0.9, seed=0)
    assert chosen in seen.known_feasible
    assert TABLE.space.shortest_path([chosen])[0] > 0
    closed = [one for one in seen.known_feasible if TABLE.space.shortest_path([one])[0] > 0]
    assert TABLE.space.relative_cost([chosen])[0] <= sorted(TABLE.space.relative_cost(closed))[len(closed) // 3]


@pytest.mark.parametrize("rule", ["structure", "vote", "random"])
def test_no_training_is_looked_up(rule: str) -> None:
    seen = evidence(10)
    assert AmongFeasible(rule)(seen, floor=0.9, seed=0) in seen.known_feasible
    spent = seen.spent
    assert (spent.short, spent.source_full, spent.target_full, spent.surrogate_full) == (0, 0, 0, 0)


def test_nothing_to_choose_among_is_an_error() -> None:
    with pytest.raises(SearchError, match="known to keep the floor, and got none"):
        AmongFeasible()(evidence(0), floor=0.9, seed=0)
