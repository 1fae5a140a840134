"""Which units go: the lowest, counted exactly, no layer emptied, widths as asked, the order of layers nothing."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from archlock.errors import ConfigurationError, UnsupportedError
from archlock.models import cost_without, narrowed, structure_of
from archlock.training import Goal, lowest
from foreign_models import plain_network
from small_compactions import Concatenated, choice_of


def scores_of(choice, *values):
    """Scores of the groups in order, by unit."""
    return {group.name: torch.tensor(one) for group, one in zip(choice.groups, values, strict=True)}


SIX = [0.10, 0.90, 0.30, 0.95, 0.20, 0.80]
TWELVE = [0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.05, 0.96, 0.97, 0.98]


@pytest.fixture(scope="module")
def choice():
    return choice_of(plain_network())


def test_as_many_go_as_may_and_the_lowest_first(choice):
    gone = lowest(choice, scores_of(choice, SIX, TWELVE), {})
    assert sum(map(len, gone.values())) == choice.wanted == 9
    first, second = (group.name for group in choice.groups)
    assert gone == {first: [0, 4, 2], second: [8, 0, 1, 2, 3, 4]}


@pytest.mark.parametrize("keep", ["7/10", "3/10", "1/3"])
def test_the_share_is_kept_without_rounding(keep, choice):
    asked = replace(choice, goal=Goal(Fraction(keep), floor=Fraction(0)))
    gone = sum(map(len, lowest(asked, scores_of(choice, SIX, TWELVE), {}).values()))
    assert gone == int((1 - Fraction(keep)) * 18)
    assert 18 - gone >= Fraction(keep) * 18 > 18 - gone - 1


def test_the_order_of_layers_is_nothing(choice):
    scores = scores_of(choice, SIX, TWELVE)
    turned = replace(choice, groups=choice.groups[::-1])
    for period in (1, 2, 3):
        assert lowest(turned, scores, {}, period=period, periods=3) == lowest(
            choice, scores, {}, period=period, periods=3
        )


def test_periods_add_up_to_the_whole(choice):
    scores = scores_of(choice, SIX, TWELVE)
    gone: dict[str, tuple[int, ...]] = {}
    sizes = []
    for period in range(1, 5):
        new = lowest(choice, scores, gone, period=period, periods=4)
        sizes.append(sum(map(len, new.values())))
        gone = {name: (*gone.get(name, ()), *new.get(name, ())) for name in {*gone, *new}}
    assert sizes == [2, 2, 2, 3], "the rest in the last"
    assert {name: set(units) for name, units in gone.items()} == {
        name: set(units) for name, units in lowest(choice, scores, {}).items()
    }


def test_no_group_is_emptied_and_the_next_unit_goes_instead(choice):
    asked = replace(choice, goal=Goal(Fraction(1, 3), floor=Fraction(0)))
    gone = lowest(asked, scores_of(choice, [0.0, 0.01, 0.02, 0.03, 0.04, 0.05], TWELVE), {})
    assert gone[choice.groups[0].name] == [0, 1, 2, 3, 4]
    assert len(gone[choice.groups[1].name]) == 7
    floored = replace(choice, goal=Goal(Fraction(1, 2), floor=Fraction(1)))
    gone = lowest(floored, scores_of(choice, [0.0] * 6, TWELVE), {})
    assert [len(gone[group.name]) for group in choice.groups] == [3, 6]


def test_of_multiples_the_candidates_of_highest_score_stay(choice):
    asked = replace(choice, goal=Goal(Fraction(1, 2), divisible=4, floor=Fraction(0)))
    gone = lowest(asked, scores_of(choice, SIX, TWELVE), {})
    first, second = choice.groups
    assert gone == {first.name: [0, 4], second.name: [8, 0, 1, 2]}, "4 of 6 and 8 of 12 stay"


@pytest.mark.parametrize("cost", ["parameters", "macs"])
@pytest.mark.parametrize("make", [plain_network, Concatenated])
def test_the_cost_of_what_is_left_is_that_of_the_narrowed_network(make, cost):
    model = make().eval()
    choice = choice_of(model, "3/5", cost)
    scores = {
        group.name: torch.rand(group.units, generator=torch.Generator().manual_seed(1)) for group in choice.groups
    }
    gone = lowest(choice, scores, {})
    left = structure_of(narrowed(model, choice.structure, gone), torch.rand(1, 1, 8, 8))
    counted = cost_without(choice.structure, {name: len(units) for name, units in gone.items()})
    assert (counted.macs, counted.parameters) == (left.macs, left.parameters)
    assert getattr(left, cost) <= 0.6 * getattr(choice.structure, cost)
    fewer = {name: len(units) for name, units in gone.items()}
    last = max(gone, key=lambda name: float(scores[name][gone[name][-1]]))
    fewer[last] -= 1
    assert getattr(cost_without(choice.structure, fewer), cost) > 0.6 * getattr(choice.structure, cost)


def test_a_share_that_would_empty_a_layer_is_refused(choice):
    with pytest.raises(UnsupportedError, match=r"keeping 5.0% of the groups would leave a layer empty: .* 2 of 18"):
        replace(choice, goal=Goal(Fraction(1, 20))).check_reachable()
    with pytest.raises(UnsupportedError, match=r"of the parameters would leave a layer empty"):
        replace(choice, goal=Goal(Fraction(1, 50), "parameters")).check_reachable()
    replace(choice, goal=Goal(Fraction(1, 2))).check_reachable()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"keep": Fraction(0)}, "above 0 and below 1; got 0"),
        ({"keep": Fraction(1)}, "above 0 and below 1; got 1"),
        ({"keep": Fraction(1, 2), "divisible": 0}, "a whole number from 1 on; got 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked, said):
    with pytest.raises(ConfigurationError, match=said):
        Goal(**asked)
