import pytest

from archlock.errors import ConfigurationError
from archlock.recipes import Budget


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("20min", 20, "minutes"),
        ("20 m", 20, "minutes"),
        ("1 minute", 1, "minutes"),
        ("30 Minutes", 30, "minutes"),
        ("90s", 1.5, "minutes"),
        ("90 sec", 1.5, "minutes"),
        ("6 seconds", 0.1, "minutes"),
        ("2h", 120, "minutes"),
        (" 1.5 hours ", 90, "minutes"),
        ("150 trainings", 150, "trainings"),
        ("1 training", 1, "trainings"),
        ("8trainings", 8, "trainings"),
    ],
)
def test_a_budget_reads_minutes_and_trainings(text: str, amount: float, unit: str) -> None:
    budget = Budget.parse(text)
    assert budget.amount == pytest.approx(amount)
    assert budget.unit == unit


@pytest.mark.parametrize("text", ["", "20", "min", "-5min", "0min", "0 trainings", "2.5 trainings", "20 days", "1e3 s"])
def test_anything_else_is_an_error_that_shows_what_to_write(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Budget.parse(text)
    assert repr(text) in str(caught.value)
    assert "write for example 20min, 2h, 90s or '150 trainings'" in str(caught.value)


def test_a_budget_reads_its_own_words() -> None:
    for budget in (Budget(20, "minutes"), Budget(1.5, "minutes"), Budget(150, "trainings")):
        assert Budget.parse(str(budget)) == budget
