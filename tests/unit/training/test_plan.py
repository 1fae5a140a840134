import math

import pytest

from archlock.errors import ConfigurationError
from archlock.training import Plan


def test_the_fidelity_names_every_setting():
    changes = [
        {},
        {"epochs": 4},
        {"batch_size": 32},
        {"learning_rate": 0.2},
        {"momentum": 0.8},
        {"weight_decay": 0.0},
        {"warmup": 0.2},
        {"label_smoothing": 0.1},
        {"shift": 0.0},
        {"flip": True},
        {"patience": 2},
        {"precision": "bfloat16"},
        {"optimiser": "adamw"},
        {"watch": True},
    ]
    names = [Plan(**{"epochs": 3, **change}).fidelity for change in changes]
    assert len(set(names)) == len(changes)
    assert names[0] == Plan(3).fidelity
    assert [name.rpartition("-")[0] for name in names[:2]] == ["sgd-3", "sgd-4"]
    assert names[-2].startswith("adamw-3-")


def test_names_of_plans_from_before_optimisers_could_be_chosen_stay():
    assert Plan(3).fidelity == "sgd-3-4cbfa7c1"


def test_another_rate():
    plan = Plan(3, flip=True)
    assert plan.with_rate(0.25) == Plan(3, flip=True, learning_rate=0.25)
    assert plan.learning_rate == 0.1
    with pytest.raises(ConfigurationError, match="learning_rate > 0"):
        plan.with_rate(-1.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, "at least 1 epoch and batches of 2; got 0 and 64"),
        ({"batch_size": 1}, "at least 1 epoch and batches of 2; got 3 and 1"),
        ({"learning_rate": 0.0}, "learning_rate > 0, .* got 0.0, 0.1, 0.125"),
        ({"learning_rate": math.nan}, "learning_rate > 0, .* got nan, 0.1, 0.125"),
        ({"learning_rate": math.inf}, "learning_rate > 0, .* got inf, 0.1, 0.125"),
        ({"warmup": 1.0}, "0 <= warmup < 1 .* got 0.1, 1.0, 0.125"),
        ({"shift": -0.1}, "0 <= shift < 1; got 0.1, 0.1, -0.1"),
        ({"momentum": 1.0}, "0 <= momentum < 1, .* got 1.0, 0.0005, 0.0"),
        ({"weight_decay": -0.1}, "weight_decay >= 0 .* got 0.9, -0.1, 0.0"),
        ({"label_smoothing": 1.0}, "0 <= label_smoothing < 1; got 0.9, 0.0005, 1.0"),
        ({"patience": 0}, "patience is at least 1 epoch, or None for all epochs; got 0"),
    ],
)
def test_settings_that_make_no_sense(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        Plan(**{"epochs": 3, **settings})
