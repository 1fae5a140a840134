from typing import Any

import pytest

from archlock.errors import ConfigurationError, UnknownNameError
from archlock.recipes import Budget, LockConfig, parse_floor
from archlock.records import plain
from archlock.search import SourceFloor
from tiny_runs import tiny_config


@pytest.mark.parametrize(
    ("text", "floor"),
    [
        ("1", SourceFloor("accuracy_loss", 0.01)),
        ("0.5", SourceFloor("accuracy_loss", 0.005)),
        ("0", SourceFloor("accuracy_loss", 0.0)),
        ("p97", SourceFloor("percentile", 0.97)),
        ("p99.5", SourceFloor("percentile", 0.995)),
    ],
)
def test_a_floor_is_points_or_a_percentile(text: str, floor: SourceFloor) -> None:
    found = parse_floor(text)
    assert found.kind == floor.kind
    assert found.value == pytest.approx(floor.value)


@pytest.mark.parametrize("text", ["", "p", "one", "q97", "1%", "97p"])
def test_a_floor_that_is_not_understood_is_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_floor(text)
    assert f"floor {text!r} is not understood" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p0.97", r"floor 'p0\.97' would be percentile 0\.97 of 100, which .*; write p97 for that share"),
        ("p1", r"would be percentile 1 of 100, .*; write p100"),
        ("97", r"floor '97' would give up 97 points of source accuracy; write p97 for a percentile"),
    ],
)
def test_a_floor_that_can_hardly_be_meant_is_asked_about(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_floor(text)
    assert parse_floor("p0").value == 0
    assert parse_floor("50").value == 0.5


@pytest.mark.parametrize("text", ["-1", "150", "p101", "nan", "pnan"])
def test_a_floor_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="as a fraction from 0 to 1"):
        parse_floor(text)


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("scheme", "s, tk, tu"),
        ("evidence", "adaptation, rehearsal, zero_cost"),
        ("objective", "constrained, published"),
    ],
)
def test_an_unknown_word_lists_the_known_ones(field: str, known: str) -> None:
    with pytest.raises(ConfigurationError, match=f"unknown {field} 'elsewhere'; known: {known}"):
        tiny_config(**{field: "elsewhere"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"space": "wish"}, "unknown space 'wish'; known: nasbench201"),
        ({"preference": "wish"}, "unknown preference 'wish'; known: score_model"),
        ({"strategy": "wish"}, "unknown strategy 'wish'; known: exhaustive"),
        ({"simulated": ("rotation", "wish")}, "'wish'; known: "),
        ({"held_out": ("wish",)}, "'wish'; known: "),
    ],
)
def test_an_unknown_name_is_an_error_before_anything_is_bought(changes: dict[str, object], words: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        tiny_config(**changes)
    assert words in str(caught.value)


def test_a_preference_that_cannot_judge_a_whole_space_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'vote' knows measured architectures only"):
        tiny_config(evidence="zero_cost", preference="vote")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"preference": "ridge"}, r"the preference 'ridge' is for .* or leave preference as it is \(score_model\)"),
        ({"strategy": "random_sampling"}, r"the strategy 'random_sampling' is for .* as it is \(exhaustive\)"),
        ({"evaluations": 50}, r"the evaluations 50 is for .* leave evaluations as it is \(None\)"),
        ({"objective": "published"}, r"the objective 'published' is for .* as it is \(constrained\)"),
    ],
)
def test_what_only_proxies_need_is_refused_with_trainings(changes: dict[str, Any], words: str) -> None:
    """Nothing would become of it; a lock that ignored it would not be what was asked for."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        tiny_config(**changes)
    assert "use it with evidence zero_cost" in str(caught.value)
    assert tiny_config(evidence="zero_cost", **changes).evidence == "zero_cost"


def test_configurations_that_ask_the_same_are_equal() -> None:
    assert LockConfig() == LockConfig()
    assert LockConfig(seed=1) != LockConfig()


def test_who_attacks_is_checked_before_anything_is_bought():
    with pytest.raises(UnknownNameError, match="unknown attacker 'burglar'; known: from_scratch, linear_probe"):
        LockConfig(attackers=("burglar",))
    with pytest.raises(
        ConfigurationError, match="no panel of attackers 'board'; there are: naive, informed, patient, all"
    ):
        LockConfig(panel="board")
    assert "attackers" not in plain(LockConfig()), "runs of before are taken up"


def test_random_architectures_are_named_once_or_left_out() -> None:
    assert LockConfig().arms == ("random", "same_size")
    assert "arms" not in plain(LockConfig()), "runs of before are taken up"
    assert plain(LockConfig(arms=()))["arms"] == []
    for wrong in (("wish",), ("random", "random"), ("locked",)):
        with pytest.raises(ConfigurationError, match=f"the arms of a lock are random, same_size.* got {wrong[0]}"):
            LockConfig(arms=wrong)  # type: ignore[arg-type]


def test_fewer_full_trainings_than_decide_anything_are_refused() -> None:
    assert LockConfig(finalists=4).finalists == 4
    assert "finalists" not in plain(LockConfig()), "runs of before are taken up"
    with pytest.raises(ConfigurationError, match="finalists is a whole number, at least 4; got 3"):
        LockConfig(finalists=3)
    with pytest.raises(ConfigurationError, match=r"9 full trainings .* budget of 8 trainings has fewer candidates"):
        LockConfig(finalists=9, budget=Budget(8, "trainings"))
