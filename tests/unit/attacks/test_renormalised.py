import copy

import pytest
import torch
from torch import nn

from archlock.attacks import ATTACKS
from archlock.errors import MeasurementError
from archlock.models import as_classifier
from archlock.models.exact_edits import fold
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, fit

PLAN = Plan(4, batch_size=16, shift=0.0)
TARGET = small_digits(train=100, validation=80, test=100, labels=(5, 6, 7, 8, 9))


def trained() -> nn.Module:
    """Convolutions with normalisation, trained on the digits 0 to 4."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, 16, 3), nn.BatchNorm2d(16)]
    model = nn.Sequential(*layers, nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(144, 5))
    source = small_digits(train=150, validation=20, test=2, labels=(0, 1, 2, 3, 4))
    return as_classifier(fit(model, source, Plan(6, batch_size=16, shift=0.0), seed=0).model, (1, 8, 8))


def disguised(model: nn.Module) -> nn.Module:
    """The same function, folded, with channels of wildly different size."""
    copied = copy.deepcopy(model).eval()
    with torch.no_grad():
        assert len(fold(copied, torch.rand(4, 1, 8, 8))) == 2
        first, second = (copied.body.model[place] for place in (0, 3))
        scale = 10.0 ** torch.linspace(-2, 3, 12)
        first.weight.mul_(scale[:, None, None, None])
        first.bias.mul_(scale)
        second.weight.div_(scale[:, None, None])
    return copied


def test_a_disguise_that_stops_fine_tuning_takes_nothing_from_who_renormalises() -> None:
    plain = trained()
    hidden = disguised(plain)
    images = torch.rand(20, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(hidden(images), plain.eval()(images), rtol=1e-3, atol=1e-3)
    asked = {"plan": PLAN, "settings": (0.05,), "seed": 1}
    known = ATTACKS["renormalised"].run(plain, TARGET, **asked)
    assert ATTACKS["renormalised"].run(hidden, TARGET, **asked).test == pytest.approx(known.test, abs=0.03)
    assert known.test > 0.75
    try:
        naive = ATTACKS["fine_tune"].run(hidden, TARGET, **asked).test
    except MeasurementError:
        naive = TARGET.chance
    assert naive < ATTACKS["fine_tune"].run(plain, TARGET, **asked).test - 0.2
