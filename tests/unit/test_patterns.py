"""Patterns on made-up percentiles with known effects; the slope against least squares written out; unhappy paths."""

import numpy as np
import optuna
import pytest

from archlock.errors import MeasurementError
from archlock.patterns import FEWEST, Pattern, common_patterns, importances, pair_patterns
from archlock.spaces import SPACES

SPACE = SPACES["transnas101_micro"]
EVERYBODY = tuple(one for one in SPACE.enumerate() if SPACE.canonicalise(one) == one)
SHORTCUT = (SPACE.shortest_path(EVERYBODY) == 0).astype(float)


def made_up(effect: float, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    source = rng.uniform(0, 100, len(EVERYBODY))
    return source, np.clip(30 + effect * SHORTCUT + 0.2 * source + rng.normal(0, 3, len(EVERYBODY)), 0, 100)


def test_the_trait_that_matters_comes_out_on_top_with_its_effect() -> None:
    source, target = made_up(12)
    patterns = pair_patterns(SPACE, EVERYBODY, source, target, floor=60)
    (found,) = [one for one in patterns if one.name == "shortcut without a convolution"]
    assert found in patterns[:3]
    assert found.low < 12 < found.high
    assert found.high - found.low < 3
    assert found.p_value < 1e-6
    assert found.count == int(SHORTCUT[source >= 60].sum())


def test_nothing_is_found_where_there_is_nothing() -> None:
    rng = np.random.default_rng(5)
    source, target = rng.uniform(0, 100, (2, len(EVERYBODY)))
    patterns = pair_patterns(SPACE, EVERYBODY, source, target, floor=50)
    assert sum(one.p_value < 0.05 for one in patterns) <= 1


def test_isomorphic_architectures_count_once() -> None:
    twins = tuple(SPACE.enumerate())[:600]
    rng = np.random.default_rng(0)
    source, target = rng.uniform(0, 100, (2, len(twins)))
    patterns = pair_patterns(SPACE, twins, source, target, floor=0)
    classes = len({SPACE.canonicalise(one) for one in twins})
    assert all(one.count <= classes < len(twins) for one in patterns)


def test_the_slope_is_that_of_least_squares() -> None:
    source, target = made_up(5, seed=2)
    kept = source >= 70
    design = np.column_stack([np.ones(kept.sum()), SHORTCUT[kept], source[kept]])
    expected = np.linalg.lstsq(design, target[kept], rcond=None)[0][1]
    patterns = pair_patterns(SPACE, EVERYBODY, source, target, floor=70)
    found = next(one for one in patterns if one.name == "shortcut without a convolution")
    assert np.isclose(found.effect, expected)


def test_common_patterns_average_over_pairs_and_say_how_many_agree() -> None:
    pairs = {
        str(number): (Pattern("shape", "size", effect, effect - 1, effect + 1, 0.5, 40),)
        for number, effect in enumerate((1.0, 2.0, 3.0, -2.0))
    }
    (found,) = common_patterns(pairs)
    assert (found.effect, found.count, found.agreement) == (1.0, 4, 0.75)
    assert found.low < 0 < found.high
    assert common_patterns({"one": pairs["0"]}) == ()


def test_functional_anova_knows_the_edge_that_decides() -> None:
    digits = np.array([[int(digit) for digit in one.code] for one in EVERYBODY])
    before = optuna.logging.get_verbosity()
    standing = 20.0 * digits[:, 3]
    shares = {one.name: one.share for one in importances(SPACE, EVERYBODY, standing)}
    assert max(shares, key=shares.__getitem__) == "0-3"
    assert shares["0-3"] > 0.8
    assert optuna.logging.get_verbosity() == before


def test_too_few_above_the_floor_is_an_error() -> None:
    source, target = made_up(0)
    with pytest.raises(MeasurementError, match=f"at least {2 * FEWEST} different architectures"):
        pair_patterns(SPACE, EVERYBODY, source, target, floor=99.9)


def test_chains_have_traits_too() -> None:
    macro = SPACES["transnas101_macro"]
    chains = tuple(macro.enumerate())
    size = macro.relative_cost(chains)
    rng = np.random.default_rng(0)
    source = rng.uniform(0, 100, len(chains))
    target = 10 * np.log(size) + rng.normal(0, 1, len(chains))
    patterns = pair_patterns(macro, chains, source, target, floor=50)
    (found,) = [one for one in patterns if one.name == "number of halvings"]
    assert found.high < 0 or found.p_value < 0.05
    assert {one.kind for one in patterns} == {"choice", "shape"}
