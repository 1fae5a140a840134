"""Which architectures become finalists, on a landscape that is known."""

import numpy as np
import pytest

from archlock.recipes.lock.decide import finalists_to_train
from archlock.recipes.lock.judging import Landscape
from archlock.search import SourceFloor
from archlock.spaces import SPACES
from tiny_runs import tiny_config

SPACE = SPACES["transnas101_micro"]
FUNCTIONS = tuple(sorted({SPACE.simplify(one) for one in SPACE.enumerate() if SPACE.is_connected(one)}))[:101]
ALLOWED = 0.1


def known(gains: np.ndarray) -> Landscape:
    """Source accuracies from 0.5 to 0.7 in even steps, and what attackers gain with each on each target."""
    return Landscape(FUNCTIONS, FUNCTIONS, np.linspace(0.5, 0.7, 101), np.atleast_2d(gains), in_units=True)


def losses(seen: Landscape, chosen: tuple) -> list[float]:
    return [round(float(seen.source.max() - seen.source[FUNCTIONS.index(one)]), 6) for one in chosen]


def finalists(seen: Landscape, count: int, floor: float = ALLOWED) -> tuple:
    config = tiny_config(space=SPACE.name, floor=SourceFloor("accuracy_loss", floor))
    return finalists_to_train(config, seen, SPACE, count=count)


def test_locks_by_turns_at_the_floor_and_within_half_of_it() -> None:
    """The worse on the source, the better the lock: so the search goes to the edge of what is allowed."""
    seen = known(np.linspace(0.1, 0.9, 101))
    ordinary, locks = finalists(seen, 8)
    assert losses(seen, ordinary) == [0.0, 0.002]
    assert losses(seen, locks) == [0.1, 0.05, 0.098, 0.048, 0.096, 0.046]


def test_where_both_name_the_same_it_is_there_once() -> None:
    gains = np.full(101, 0.9)
    gains[-10:-5] = (0.1, 0.2, 0.3, 0.4, 0.5)
    seen = known(gains)
    _, locks = finalists(seen, 6)
    assert losses(seen, locks) == [0.018, 0.016, 0.014, 0.012]


def test_near_misses_where_too_few_keep_the_floor() -> None:
    seen = known(np.linspace(0.1, 0.9, 101))
    _, locks = finalists(seen, 6, floor=0.004)
    assert max(losses(seen, locks)) > 0.004
    assert losses(seen, locks)[0] == 0.004, "what keeps it comes first"


def test_without_targets_all_are_there_for_the_source() -> None:
    seen = known(np.empty((0, 101)))
    ordinary, locks = finalists(seen, 4)
    assert locks == ()
    assert losses(seen, ordinary) == pytest.approx([0.0, 0.002, 0.004, 0.006])
