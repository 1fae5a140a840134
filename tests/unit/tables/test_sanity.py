import numpy as np
import pytest

from archlock.errors import TableError
from archlock.tables.sanity import oddities, refuse_impossible
from archlock.tables.table import RecordedColumn, Role

RNG = np.random.default_rng(0)
GOOD = 90 + 4 * RNG.random(30)


def column(
    unit: str = "%", *, name: str = "c10", role: Role = "truth", metric: str = "", lower: bool = False
) -> RecordedColumn:
    return RecordedColumn(name, "c10", role, metric=metric or "unknown", unit=unit, higher_is_better=not lower)


def told(values: np.ndarray, one: RecordedColumn | None = None) -> list[str]:
    given = one or column()
    return list(oddities(given, values, given.name))


@pytest.mark.parametrize(("value", "said"), [(-1.0, "-1 %"), (932.8, "932.8 %"), (100.01, "100.01 %")])
@pytest.mark.parametrize("role", ["truth", "judge", "evidence", "repeat"])
def test_a_percentage_that_cannot_be_is_refused_with_its_row(value: float, said: str, role: Role) -> None:
    values = np.array([90.0, np.nan, value, value])
    with pytest.raises(TableError) as caught:
        refuse_impossible(column(role=role), values, source="c10", file="t.csv", codes=["a", "b", "c", "d"])
    assert f"t.csv, row 4: c10 of architecture c is {said}, expected 0 to 100 (and 1 more rows)" in str(caught.value)


@pytest.mark.parametrize(
    "one", [column("ms"), column(""), column("%", role="cost"), column("%", role="proxy"), column("R2")]
)
def test_other_units_may_be_anything(one: RecordedColumn) -> None:
    refuse_impossible(one, np.array([-5.0, 300.0]), source="c10", file="t.csv", codes=["a", "b"])
    refuse_impossible(column(), np.array([0.0, 100.0, np.nan]), source="c10", file="t.csv", codes=["a", "b", "c"])


def test_fractions_among_percentages_are_told() -> None:
    mixed = np.where(np.arange(30) % 2, GOOD, GOOD / 100)
    (line,) = told(mixed)
    assert line.startswith("Warning: c10 seems to mix fractions and percentages: 15 values lie between 0 and 1, 15 bet")
    assert told(mixed, column("")), "whatever its unit"
    (line,) = told(GOOD / 100)
    assert "all values of c10 lie between 0 and 1, though its unit is %" in line
    assert told(GOOD / 100, column("")) == []


def test_low_percentages_of_failed_trainings_are_nothing_odd() -> None:
    """At chance on 120 classes a percentage is 0.83; a hundred times that is above the best."""
    assert told(np.concatenate([GOOD / 2, [0.83, 0.9, 0.833]])) == []
    assert told(GOOD) == []


def test_what_nothing_can_be_chosen_by_is_told() -> None:
    (line,) = told(np.full(5, 93.0))
    assert line == "Warning: c10 is 93 for every architecture, so nothing can be chosen by it."
    (line,) = told(np.full(5, np.nan))
    assert line == "Warning: c10 has no values."
    assert told(np.array([93.0])) == []


def test_a_mark_of_failures_is_told_where_no_unit_refuses_it() -> None:
    (line,) = told(np.concatenate([GOOD, [-1, -1]]), column(""))
    assert "c10 is -1 in 2 rows and never below 0 elsewhere" in line
    assert told(np.concatenate([GOOD - 95, [-1.0]]), column("")) == [], "a score that may be negative"


def test_an_accuracy_that_is_none_is_told_where_no_unit_refuses_it() -> None:
    (line,) = told(np.concatenate([GOOD, [932.8]]), column("", name="test_acc"))
    assert line.endswith("to 932.8, which no accuracy does.")
    assert told(np.concatenate([GOOD, [932.8]]), column("", name="score")) == []


@pytest.mark.parametrize("name", ["c10_test_error", "valLoss", "test_err", "rmse_depth", "top1-error"])
def test_an_error_taken_for_a_merit_is_told(name: str) -> None:
    (line,) = told(GOOD, column(name=name))
    assert f"{name} is taken as the higher the better, though it is called" in line
    assert f"import it as c10={name}:lower." in line
    assert told(GOOD, column(name=name, lower=True)) == []
    assert told(GOOD, column(name=name, role="cost")) == []


@pytest.mark.parametrize("name", ["neg_loss", "negative_error", "test_acc", "closs", "terror", "errand"])
def test_names_that_say_no_error_are_not_told(name: str) -> None:
    assert told(GOOD, column(name=name)) == []


def test_a_merit_taken_for_an_error_is_told() -> None:
    (line,) = told(GOOD, column(name="test_acc", lower=True))
    assert "test_acc is taken as the lower the better, though it is called acc" in line
