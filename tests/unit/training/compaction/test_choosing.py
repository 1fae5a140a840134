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


def test_of_multiples_blocks_go_by_their_mean_score_as_near_to_the_share_as_can_be(choice):
    asked = replace(choice, goal=Goal(Fraction(1, 2), divisible=4, floor=Fraction(0)))
    gone = lowest(asked, scores_of(choice, SIX, TWELVE), {})
    first, second = choice.groups
    assert gone == {first.name: [0, 4], second.name: [8, 0, 1, 2, 3, 4, 5, 6]}, "10 of 18, which is nearer to 9 than 6"
    more = replace(choice, goal=Goal(Fraction(3, 5), divisible=4, floor=Fraction(0)))
    assert lowest(more, scores_of(choice, SIX, TWELVE), {}) == {first.name: [0, 4], second.name: [8, 0, 1, 2]}


def test_in_place_of_a_block_that_is_too_large_the_next_smaller_one_goes(choice):
    asked = replace(choice, goal=Goal(Fraction(4, 5), divisible=4, floor=Fraction(0)))
    first, second = choice.groups
    gone = lowest(asked, scores_of(choice, [9.0] * 6, TWELVE), {})
    assert gone == {second.name: [8, 0, 1, 2]}, "4 of 18: nearer to 3 than 2"
    fewer = replace(choice, goal=Goal(Fraction(8, 9), divisible=4, floor=Fraction(0)))
    assert lowest(fewer, scores_of(choice, [9.0] * 6, TWELVE), {}) == {first.name: [0, 1]}


@pytest.mark.parametrize("cost", ["groups", "parameters", "macs"])
@pytest.mark.parametrize("keep", ["4/5", "3/5", "2/5"])
@pytest.mark.parametrize("seed", range(3))
def test_no_block_more_or_less_would_be_nearer(keep, cost, seed, choice):
    asked = replace(choice, goal=Goal(Fraction(keep), cost, divisible=3, floor=Fraction(0)))
    drawn = torch.Generator().manual_seed(seed)
    scores = {group.name: torch.rand(group.units, generator=drawn) for group in choice.groups}
    counts = {group.name: len(lowest(asked, scores, {}).get(group.name, ())) for group in choice.groups}
    left = {group.name: group.units - counts[group.name] for group in choice.groups}
    assert all(width and width % 3 == 0 for width in left.values())
    off = abs(asked.excess(counts))
    for name, width in left.items():
        assert width == 3 or off <= abs(asked.excess({**counts, name: counts[name] + 3}))
    gone: dict[str, tuple[int, ...]] = {}
    for period in range(1, 5):
        new = lowest(asked, scores, gone, period=period, periods=4)
        gone = {name: (*gone.get(name, ()), *new.get(name, ())) for name in {*gone, *new}}
    assert {name: list(units) for name, units in gone.items()} == lowest(asked, scores, {}), "in periods the same"


def test_a_share_with_which_nothing_would_go_is_refused_with_the_nearest(choice):
    for goal, said in (
        (Goal(Fraction(999, 1000)), r"keeping 99.9% of the groups would remove nothing: .* 17 of 18 .* \(94.4%\)"),
        (Goal(Fraction(19, 20), divisible=4), r"until a width is a multiple of 4 16 of 18 groups are left \(88.9%\)"),
        (Goal(Fraction(99, 100), "macs", divisible=4), r"of the macs would remove nothing: .* macs are left"),
    ):
        with pytest.raises(UnsupportedError, match=said):
            replace(choice, goal=goal).check_reachable()
    for able in (Goal(Fraction(9, 10), divisible=4), Goal(Fraction(999, 1000), "macs")):
        replace(choice, goal=able).check_reachable()
        assert lowest(replace(choice, goal=able), scores_of(choice, SIX, TWELVE), {})


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
