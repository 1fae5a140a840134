"""The search inside an attack, on scores that are known in closed form."""

import math

import numpy as np
import optuna
import pytest

from archlock.attacks import Setting
from archlock.attacks.tuning import SearchRange, tune

RATES = SearchRange({"sgd": (1e-3, 1.0), "adamw": (3e-5, 3e-2)}, (1.0, 4.0), "rate")
FIRST = (Setting(0.1), Setting(0.02))


def score(setting):
    """Best at 0.003 with adamw, four times as long."""
    wrong = abs(math.log10(setting.value / 0.003)) if setting.optimiser == "adamw" else 2.0
    return 1 - 0.3 * wrong - 0.1 * (setting.horizon == 1.0)


def tuned(score_of=score, around=RATES, first=FIRST, trials=30, seed=0):
    asked = []

    def noted(setting):
        asked.append(setting)
        return score_of(setting)

    tune(noted, around, first=first, trials=trials, seed=seed)
    return asked


def test_it_finds_the_best_and_better_than_chance():
    best = [max(map(score, tuned(seed=seed))) for seed in range(5)]
    rng = np.random.default_rng(0)
    drawn = [
        max(
            score(Setting(RATES.value_at(rng.random(), optimiser), optimiser, rng.choice([1.0, 4.0])))
            for optimiser in rng.choice(["sgd", "adamw"], 30)
        )
        for _ in range(200)
    ]
    assert min(best) > 0.9
    assert np.mean(best) > np.mean(drawn)


def test_the_first_come_first_however_few_the_trials():
    assert tuned(trials=1) == [FIRST[0]]
    asked = tuned(trials=12)
    assert tuple(asked[:2]) == FIRST
    assert len(asked) == 12
    for setting in asked[2:]:
        low, high = RATES.values[setting.optimiser]
        assert low <= setting.value <= high
        assert setting.horizon in RATES.horizons
        assert f"learning rate {setting.value:.3g}" in setting.words("rate")
        assert float(f"{setting.value:.3g}") == setting.value, "what a report tells can be set again"
    assert {setting.optimiser for setting in asked} == {"sgd", "adamw"}


def test_the_seed_alone_decides():
    assert tuned(seed=3) == tuned(seed=3) != tuned(seed=4)


def test_a_probe_is_searched_by_its_strength_alone():
    around = SearchRange({"sgd": (1e-4, 1e2), "adamw": (1.0, 2.0)}, (1.0,), "strength")
    asked = tuned(lambda setting: -abs(math.log10(setting.value) - 1), around, (Setting(0.1),), 20)
    assert {(setting.optimiser, setting.horizon) for setting in asked} == {("sgd", 1.0)}
    assert min(abs(math.log10(setting.value) - 1) for setting in asked) < 0.3


def test_what_fails_or_lies_outside_stops_nothing():
    first = (Setting(1e30), Setting(1e-9), Setting(0.1, horizon=9.0), Setting(0.1))
    asked = tuned(lambda setting: None if setting.value > 1e-3 else score(setting), first=first)
    assert tuple(asked[:4]) == first
    assert len(asked) == 30
    assert len(tuned(lambda _: None, trials=5)) == 5


@pytest.mark.parametrize("value", [1e-3, 0.02, 1.0])
def test_places_and_values_go_both_ways(value):
    assert RATES.value_at(RATES.place_of(Setting(value)), "sgd") == pytest.approx(value)
    assert SearchRange({"sgd": (0.12345, 0.98765)}, (1.0,), "rate").value_at(1.0, "sgd") == 0.98765
    assert RATES.place_of(Setting(1e-9)) == 0.0
    assert RATES.place_of(Setting(1e30)) == 1.0


def test_optuna_speaks_as_before():
    before = optuna.logging.get_verbosity()
    tuned(trials=3)
    assert optuna.logging.get_verbosity() == before
