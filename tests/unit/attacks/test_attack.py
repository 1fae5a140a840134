import pytest
import torch
from torch import nn

from archlock.attacks import ATTACKS, Adapted, Attack
from archlock.errors import MeasurementError, UnknownNameError
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
    assert (outcome.attacker, outcome.setting, outcome.validation) == ("scripted", 2.0, 0.9)
    assert outcome.trials == ((1.0, 0.5), (2.0, 0.9), (3.0, 0.9))
    assert outcome.test == evaluate(Constant(0), TASK.test) != evaluate(Constant(1), TASK.test)
    assert run(settings=[1]).test == evaluate(Constant(1), TASK.test)
    assert run(settings=(3.0, 2.0)).setting == 3.0


def test_a_better_test_score_does_not_tempt():
    class Reversed(Scripted):
        settings = (0.0, 1.0)
        scores = (0.2, 0.3) if evaluate(Constant(0), TASK.test) > evaluate(Constant(1), TASK.test) else (0.3, 0.2)

    outcome = Reversed().run(Constant(0), TASK, plan=Plan(1), seed=0)
    assert outcome.test == min(evaluate(Constant(label), TASK.test) for label in (0, 1))


def test_where_every_setting_fails_the_reason_is_told():
    words = (
        r"attack 'scripted' on 'digits': every setting diverged: \(0.0, 0.0\); the last one so: setting 0 burnt down"
    )
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
        "ordinary",
    ]
    with pytest.raises(
        UnknownNameError, match="unknown attacker 'prune'; known: from_scratch, linear_probe, fine_tune"
    ):
        ATTACKS["prune"]
