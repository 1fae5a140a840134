import math

import pytest

from archlock.attacks import Setting
from archlock.errors import ConfigurationError
from archlock.training import Plan


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (Setting(0.03), "learning rate 0.03"),
        (Setting(0.03, "adamw"), "learning rate 0.03, adamw"),
        (Setting(0.001, "adamw", 4.0), "learning rate 0.001, adamw, 4x as long"),
        (Setting(0.1, horizon=0.25), "learning rate 0.1, 0.25x as long"),
    ],
)
def test_it_is_told_in_words(setting, words):
    assert setting.words("rate") == words
    assert setting.words("strength") == f"strength {setting.value:g}"


def test_the_plan_keeps_the_rest():
    plan = Plan(10, batch_size=32, flip=True)
    assert Setting(0.5).plan(plan) == plan
    longer = Setting(0.5, "adamw", 2.5).plan(plan, watch=True)
    assert longer == Plan(25, batch_size=32, flip=True, optimiser="adamw", watch=True)
    assert Setting(0.5, horizon=0.01).plan(plan).epochs == 1


def test_settings_that_make_no_sense():
    with pytest.raises(ConfigurationError, match=r"finite value and a horizon above 0; got nan and 1\.0"):
        Setting(math.nan)
    with pytest.raises(ConfigurationError, match=r"finite value and a horizon above 0; got 0\.1 and 0\.0"):
        Setting(0.1, horizon=0.0)
