import pytest
import torch
from torch import nn

from archlock.attacks import ATTACKS, Adapted, Attack, Setting
from archlock.errors import ConfigurationError, MeasurementError, UnknownNameError
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, evaluate

TASK = small_digits(train=10, validation=40, test=40, labels=(0, 1))


class Constant(nn.Module):
    """Always gives the same answer."""

    def __init__(self, label):
        super().__init__()
        self.linear = nn.Linear(64, 2)
        nn.init.zeros_(self.linear.weight)
        self.linear.bias.data = torch.eye(2)[label]

    def forward(self, images):
        return self.linear(images.flatten(1))


class Scripted(Attack):
    """Has told validation scores, and says always 0, 1, 0, ... by setting."""

    name = "scripted"
    summary = "plays a part"
    naive = True
    settings = (0.0, 1.0, 2.0, 3.0)
    scores = (None, 0.5, 0.9, 0.9)

    def adapt(self, model, task, *, setting, plan, seed, device):
        score = self.scores[int(setting)]
        if score is None:
            raise MeasurementError(f"setting {setting:g} burnt down")
        return Adapted(Constant(int(setting) % 2), score)


def run(**changes):
    return Scripted().run(Constant(0), TASK, plan=Plan(1), seed=0, **changes)


def test_the_first_of_the_best_counts_and_its_test_score_is_reported():
    outcome = run()
    assert (outcome.attacker, outcome.setting, outcome.validation) == ("scripted", Setting(2.0), 0.9)
    assert outcome.trials == ((Setting(1.0), 0.5), (Setting(2.0), 0.9), (Setting(3.0), 0.9))
    assert outcome.test == evaluate(Constant(0), TASK.test) != evaluate(Constant(1), TASK.test)
    assert run(settings=[1]).test == evaluate(Constant(1), TASK.test)
    assert run(settings=(3.0, 2.0)).setting == Setting(3.0)


def test_a_better_test_score_does_not_tempt():
    class Reversed(Scripted):
        settings = (0.0, 1.0)
        scores = (0.2, 0.3) if evaluate(Constant(0), TASK.test) > evaluate(Constant(1), TASK.test) else (0.3, 0.2)

    outcome = Reversed().run(Constant(0), TASK, plan=Plan(1), seed=0)
    assert outcome.test == min(evaluate(Constant(label), TASK.test) for label in (0, 1))


def test_where_every_setting_fails_the_reason_is_told():
    words = r"attack 'scripted' on 'digits': every setting diverged: \(0.0, 0.0\); the last one: setting 0 burnt down"
    with pytest.raises(MeasurementError, match=words):
        run(settings=(0.0, 0.0))


def test_the_catalog_knows_the_attackers():
    assert list(ATTACKS) == [
        "from_scratch",
        "linear_probe",
        "fine_tune",
        "lp_ft",
        "direct",
        "direct_head",
        "last_stages",
        "pruned",
        "distilled",
        "surgery",
        "ridge",
        "whitened",
        "best_layer_probe",
        "cut_at",
        "renormalised",
        "regrown",
        "ordinary",
    ]
    with pytest.raises(
        UnknownNameError, match="unknown attacker 'prune'; known: from_scratch, linear_probe, fine_tune"
    ):
        ATTACKS["prune"]


class Planned(Attack):
    """Notes the plans that it is given; likes long trainings with adamw, and gives a curve where it is asked for."""

    name = "planned"
    summary = "looks at the plan"
    settings = (0.1, 0.02)

    def __init__(self):
        self.plans = []

    def adapt(self, model, task, *, setting, plan, seed, device):
        self.plans.append((setting, plan))
        score = self.score(setting, plan)
        if score is None:
            raise MeasurementError(f"{setting:g} is too much")
        return Adapted(Constant(0), score, (0.0,) * (plan.epochs - 1) + (score,) if plan.watch else (score,), 7)

    def score(self, rate, plan):
        return plan.epochs / 100 + 0.1 * (plan.optimiser == "adamw") + rate / 1000

    @property
    def told(self):
        return [(value, plan.optimiser, plan.epochs) for value, plan in self.plans]


def test_a_setting_reaches_the_plan_and_a_bare_value_is_sgd():
    attack = Planned()
    settings = (0.5, Setting(0.01, "adamw", 3.0))
    outcome = attack.run(Constant(0), TASK, plan=Plan(4), settings=settings, seed=0)
    assert attack.told == [(0.5, "sgd", 4), (0.01, "adamw", 12)]
    assert outcome.setting == settings[1]
    assert (outcome.steps, outcome.curve) == (7, (outcome.validation,))
    assert not any(plan.watch for _, plan in attack.plans), "nobody asked for a curve"


def test_a_best_rate_at_the_edge_widens_the_sweep_until_it_is_inside_or_its_range_ends():
    attack = Planned()
    outcome = attack.run(Constant(0), TASK, plan=Plan(4), seed=0)
    assert [value for value, _, _ in attack.told] == [0.1, 0.02, 0.4], "0.025 is near 0.02, and 1.6 out of its range"
    assert outcome.setting == Setting(0.4)

    class Crawls(Planned):
        def score(self, rate, plan):
            return 0.5 - abs(rate - 0.004)

    attack = Crawls()
    assert attack.run(Constant(0), TASK, plan=Plan(4), seed=0).setting == Setting(0.005)
    assert [value for value, _, _ in attack.told] == [0.1, 0.02, 0.005, 0.00125]


def test_where_all_diverge_the_rates_go_down():
    class Delicate(Planned):
        settings = (0.1, Setting(0.01, "adamw"))

        def score(self, rate, plan):
            return None if rate > 0.003 else 0.4

    attack = Delicate()
    outcome = attack.run(Constant(0), TASK, plan=Plan(4), seed=0)
    assert attack.told[:4] == [(0.1, "sgd", 4), (0.01, "adamw", 4), (0.025, "sgd", 4), (0.0025, "adamw", 4)]
    assert outcome.setting == Setting(0.0025, "adamw")
    assert all(score is not None for _, score in outcome.trials)

    class Hopeless(Planned):
        def score(self, rate, plan):
            return None

    attack = Hopeless()
    with pytest.raises(MeasurementError, match="every setting diverged"):
        attack.run(Constant(0), TASK, plan=Plan(4), seed=0)
    assert min(value for value, _, _ in attack.told) < 4 * attack.ranges["sgd"][0], "down to the end of the range"


class Improves(Planned):
    """Better with time, up to so many epochs."""

    naive = True

    def __init__(self, until):
        super().__init__()
        self.until = until

    def score(self, rate, plan):
        return min(plan.epochs, self.until) / 1000 + rate / 100000


@pytest.mark.parametrize(
    ("until", "lengths", "best"),
    [(4, [2, 4], 1.0), (8, [2, 4, 8], 2.0), (20, [2, 4, 8, 16], 8.0), (99, [2, 4, 8, 16], 16.0)],
)
def test_trainings_double_until_that_brings_nothing_twice(until, lengths, best):
    attack = Improves(until)
    outcome = attack.run(Constant(0), TASK, plan=Plan(4), horizon=16.0, seed=0)
    assert attack.told == [(0.1, "sgd", 4), (0.02, "sgd", 4), *((0.1, "sgd", 4 * length) for length in lengths)]
    assert outcome.setting == Setting(0.1, horizon=best)
    assert outcome.horizon == 16.0


@pytest.mark.parametrize("until", [4, 8, 20, 40, 99])
def test_a_longer_horizon_goes_on_from_a_shorter_one_and_ends_where_one_alone_does(until):
    alone, steps = Improves(until), Improves(until)
    whole = alone.run(Constant(0), TASK, plan=Plan(4), horizon=16.0, seed=0)
    known = None
    for horizon in (1.0, 4.0, 16.0):
        known = steps.run(Constant(0), TASK, plan=Plan(4), horizon=horizon, known=known, seed=0)
        assert known.setting.horizon <= horizon == known.horizon
    assert known == whole
    assert steps.told == alone.told, "nothing was done twice"


def test_a_short_horizon_is_the_only_length():
    attack = Planned()
    attack.run(Constant(0), TASK, plan=Plan(4), horizon=0.5, seed=0)
    assert {plan.epochs for _, plan in attack.plans} == {2}


def test_a_curve_is_taken_of_the_best_alone_and_at_once_where_there_is_no_choice():
    attack = Improves(4)
    outcome = attack.run(Constant(0), TASK, plan=Plan(4), curve=True, seed=0)
    assert [(value, plan.watch) for value, plan in attack.plans] == [(0.1, False), (0.02, False), (0.1, True)]
    assert outcome.curve == (0.0, 0.0, 0.0, outcome.validation)
    attack.plans.clear()
    assert attack.run(Constant(0), TASK, plan=Plan(4), settings=(0.3,), curve=True, seed=0).curve[:1] == (0.0,)
    assert [(value, plan.watch) for value, plan in attack.plans] == [(0.3, True)]


def test_a_search_finds_what_a_sweep_does_not_try():
    sweep = Planned().run(Constant(0), TASK, plan=Plan(4), seed=0)
    found = Planned().run(Constant(0), TASK, plan=Plan(4), trials=10, horizon=4.0, seed=0)
    assert len(found.trials) == 10
    assert [setting for setting, _ in found.trials[:2]] == [Setting(0.1), Setting(0.02)]
    assert (found.setting.optimiser, found.setting.horizon) == ("adamw", 4.0)
    assert found.validation > sweep.validation


def test_what_is_prepared_is_prepared_once_for_all_settings():
    class Prepared(Planned):
        prepared = 0

        def prepare(self, model, task, *, seed, device):
            self.prepared += 1
            return lambda value, plan: Adapted(Constant(0), value)

    attack = Prepared()
    assert attack.run(Constant(0), TASK, plan=Plan(4), seed=0).validation == 0.4
    assert attack.prepared == 1


def test_an_attack_says_what_a_trial_is():
    with pytest.raises(TypeError, match=r"Idle needs a method prepare \(trials that share a beginning\) or adapt"):

        class Idle(Attack):
            name = "idle"


def test_no_trials_are_no_attack():
    with pytest.raises(ConfigurationError, match="attack 'planned' needs at least one setting to try; got 0 trials"):
        Planned().run(Constant(0), TASK, plan=Plan(1), trials=0, seed=0)


def test_the_attackers_say_what_they_take():
    assert [name for name, attack in ATTACKS.items() if not attack.uses_weights] == ["from_scratch", "ordinary"]
    assert [name for name, attack in ATTACKS.items() if attack.tuned == "strength"] == [
        "linear_probe",
        "ridge",
        "whitened",
        "best_layer_probe",
    ]
