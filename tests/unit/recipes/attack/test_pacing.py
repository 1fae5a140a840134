from dataclasses import replace

import pytest

from archlock.errors import ConfigurationError
from archlock.recipes import Budget
from archlock.recipes.attack.pacing import SHARE, STARTING_SECONDS, AttackEffort, Pace, measured_pace, plan_effort
from archlock.recipes.attackers import WIDENED, Suite, attack_plan
from archlock.testing.small_tasks import small_digits
from foreign_models import plain_network
from tiny_runs import tiny_target

LARGE = small_digits(train=1200, validation=60, test=60)
ASKED = Suite(attack_plan(1200), ("linear_probe", "fine_tune"), (0.1, 1.0), 3)
PACE = Pace(training=0.001, answering=0.0003)


def planned(minutes: float, *, suite: Suite = ASKED, epochs: int | None = None, workers: int = 1) -> AttackEffort:
    budget = Budget(minutes, "minutes")
    return plan_effort(budget, suite, {"digits": LARGE}, [PACE], apart=PACE, epochs=epochs, workers=workers)


def test_more_minutes_never_buy_less() -> None:
    efforts = [planned(minutes) for minutes in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 30)]
    worth = [(e.seeds, len(e.fractions), e.examples) for e in efforts]
    assert worth == sorted(worth)
    assert worth[0] < worth[-1] == (3, 2, 1200)
    assert efforts[-1].epochs == 40


def test_epochs_give_way_before_shares_of_the_data_and_seeds() -> None:
    efforts = [planned(0.1 * 1.1**step) for step in range(24)]
    hurried = [e for e in efforts if (e.seeds, len(e.fractions)) == (3, 2) and e.epochs < 6]
    assert hurried
    assert {e.examples for e in hurried} == {300}


@pytest.mark.parametrize("minutes", [0.1, 0.5, 2, 8])
def test_a_plan_fits_its_budget(minutes: float) -> None:
    assert planned(minutes).seconds <= 60 * minutes
    assert planned(minutes).epochs >= 3


def test_starting_workers_is_kept_back() -> None:
    assert planned(2, workers=3).seconds <= 2 * 60 * SHARE - STARTING_SECONDS
    with pytest.raises(ConfigurationError, match=r"with 2 workers: .*give about 1min"):
        planned(0.9 * STARTING_SECONDS / 60, workers=2)


def test_seconds_are_those_of_the_work_by_hand() -> None:
    """One fine-tuning attacker, one seed, all the data: two rates are swept."""
    found = planned(30, suite=Suite(attack_plan(1200), ("fine_tune",), (1.0,), 1), epochs=5)
    training = 2 * 5 * 1200 * PACE.training
    answering = (2 * (1200 + 60) + 60) * PACE.answering
    assert found == AttackEffort(5, 1200, 1, (1.0,), pytest.approx(training + answering))


def test_every_model_is_paid_for() -> None:
    suite = Suite(attack_plan(1200), ("fine_tune",), (1.0,), 1)
    budget = Budget(30, "minutes")
    slow = Pace(2 * PACE.training, 2 * PACE.answering)
    models = [PACE, slow, PACE, PACE]
    alone, four = (
        plan_effort(budget, suite, {"digits": LARGE}, paces, apart=PACE, epochs=5, workers=1)
        for paces in ([PACE], models)
    )
    assert four.seconds == pytest.approx(5 * alone.seconds)


def test_the_network_of_who_leaves_the_models_alone_is_paid_for_once() -> None:
    suite = Suite(attack_plan(1200), ("fine_tune", "ordinary"), (1.0,), 1)
    seconds = [
        plan_effort(Budget(60, "minutes"), suite, {"digits": LARGE}, paces, apart=apart, epochs=5, workers=1).seconds
        for paces, apart in (([PACE], PACE), ([PACE, PACE], PACE), ([PACE], Pace(3 * PACE.training, PACE.answering)))
    ]
    training = (3 + WIDENED) * 5 * 1200 * PACE.training
    assert seconds[1] - seconds[0] == pytest.approx(2 * 5 * 1200 * PACE.training + (2 * 1260 + 60) * PACE.answering)
    assert seconds[2] - seconds[0] == pytest.approx(2 * training)


def test_epochs_that_are_asked_for_are_kept() -> None:
    assert {planned(minutes, epochs=4).epochs for minutes in (0.2, 2, 20)} == {4}


def test_a_probe_alone_has_no_epochs_to_save() -> None:
    suite = replace(ASKED, attackers=("linear_probe",))
    assert planned(1, suite=suite).examples == 1200


def test_too_little_says_what_would_do() -> None:
    with pytest.raises(
        ConfigurationError, match=r"budget of 0\.001 minutes is too small for 2 attackers on 1 targets"
    ) as e:
        planned(0.001)
    assert "give about 1min" in str(e.value)


def test_a_plan_in_words() -> None:
    words = str(AttackEffort(8, 1200, 3, (0.1, 1.0), 90.0))
    assert words == "8 epochs on at most 1,200 images of a target; 3 seeds; 10 %, 100 % of the data; about 1.5 minutes"


def test_the_pace_of_a_real_model() -> None:
    model = plain_network()
    pace = measured_pace(model, tiny_target(), device="cpu")
    assert 0 < pace.training < 1
    assert 0 < pace.answering < 1
    assert all(p.grad is None for p in model.parameters())
