"""Twins: two trainings of one function, of which one chooses and the other judges."""

import numpy as np
import pytest

from archlock.recipes.evaluate.scales import pair_scales, source_standing
from archlock.recipes.evaluate.twins import FEWEST, LOWEST, twin_agreement, twins_among
from archlock.spaces import SPACES
from archlock.tables import Provenance, RecordedColumn, Table

SPACE = SPACES["nasbench201"]
PAIRS = tuple((2 * place, 2 * place + 1) for place in range(12))


def test_the_lowest_by_one_twin_are_judged_by_the_other() -> None:
    """All twins are ten apart: in both directions the five lowest rise by the mean of what choosing hides."""
    standing = np.array([value for place in range(12) for value in (4 * place, 4 * place + 10)], dtype=float)
    found = twin_agreement(PAIRS, standing)
    assert found is not None
    assert (found.functions, found.agreement) == (12, pytest.approx(1))
    low = 4 * np.arange(LOWEST).mean()
    assert (found.lowest, found.again) == (pytest.approx(low + 5), pytest.approx(low + 5))
    assert found.rise == pytest.approx(0)


def test_luck_is_found_out() -> None:
    """Of pure noise the lowest by one twin are average by the other."""
    rng = np.random.default_rng(0)
    pairs = tuple((2 * place, 2 * place + 1) for place in range(400))
    found = twin_agreement(pairs, rng.uniform(0, 100, 800))
    assert found is not None
    assert found.lowest < 2
    assert 30 < found.again < 70
    assert abs(found.agreement or 0) < 0.2


def test_copies_and_too_few_say_nothing() -> None:
    copied = np.repeat(np.arange(12.0), 2)
    assert twin_agreement(PAIRS, copied) is None
    assert twin_agreement(PAIRS[: FEWEST - 1], np.arange(24.0)) is None
    constant = np.array([value for _ in range(12) for value in (5.0, 6.0)])
    assert twin_agreement(PAIRS, constant).agreement is None  # type: ignore[union-attr]


def test_twins_are_one_function() -> None:
    """By brute force over the first thousand codes: every pair is one function, every such function is there once."""
    codes = tuple(one.code for one, _ in zip(SPACE.enumerate(), range(1000), strict=False))
    columns = tuple(
        RecordedColumn(task, task, "truth", "accuracy", "test", 200, "final", "one run", "%") for task in ("a", "b")
    )
    values = np.random.default_rng(1).uniform(10, 90, (2, len(codes)))
    table = Table("t", "nasbench201", codes, columns, values, Provenance("test", ()))
    rows = np.flatnonzero(source_standing(table, "a") >= 30)
    found = twins_among(table, rows)
    functions = [SPACE.canonicalise(one).code for one in table.architectures]
    assert all(functions[one] == functions[other] for one, other in found)
    assert all(one < other and {one, other} <= set(rows.tolist()) for one, other in found)
    counts = {name: sum(functions[row] == name for row in rows.tolist()) for name in set(functions)}
    assert len(found) == sum(count > 1 for count in counts.values())
    (scale,) = pair_scales(table, (("a", "b"),), 0.3)
    assert scale.twins is not None
    assert scale.twins.functions == len(found) > FEWEST
