"""Four false locks: the same function (or nearly) in a form that does not train. The audit must not be fooled."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import archlock
from archlock.reports import AttackRecord
from archlock.reports.arms import sides
from archlock.reports.judging import judge
from archlock.reports.outcomes import stuck_at_chance
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, fit

TARGET = small_digits(train=100, validation=80, test=150, labels=(5, 6, 7, 8, 9))
SOURCE = small_digits(train=150, validation=20, test=40, labels=(0, 1, 2, 3, 4))


def network(activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    first = (nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), activation())
    second = (nn.Conv2d(12, 16, 3), nn.BatchNorm2d(16), activation(), nn.AvgPool2d(2))
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(144, 5))


def trained() -> nn.Sequential:
    torch.manual_seed(0)
    model = fit(network(), SOURCE, Plan(6, batch_size=16, shift=0.0), seed=0).model.eval()
    assert isinstance(model, nn.Sequential)
    return model


def folded(model: nn.Sequential) -> nn.Sequential:
    """Normalisation in the weights of the convolutions."""
    hidden = copy.deepcopy(model)
    for place in (0, 3):
        layer, norm = hidden[place], hidden[place + 1]
        hidden[place] = torch.nn.utils.fuse_conv_bn_eval(layer, norm)
        hidden[place + 1] = nn.Identity()
    return hidden


def rescaled(model: nn.Sequential) -> nn.Sequential:
    """Folded, and the channels between the layers of wildly different size."""
    hidden, scale = folded(model), 10.0 ** torch.linspace(-2, 3, 12)
    with torch.no_grad():
        hidden[0].weight.mul_(scale[:, None, None, None])
        hidden[0].bias.mul_(scale)
        hidden[3].weight.div_(scale[:, None, None])
    return hidden


def necked(model: nn.Sequential) -> nn.Sequential:
    """Folded, and the features projected to as many numbers as the logits need: one less than there are classes."""
    hidden, head = folded(model), model[8]
    middle = head.weight - head.weight.mean(0)
    left, values, right = torch.linalg.svd(middle.detach(), full_matrices=False)
    neck, last = nn.Linear(144, 4, bias=False), nn.Linear(4, 5)
    with torch.no_grad():
        neck.weight.copy_(values[:4, None] * right[:4])
        last.weight.copy_(left[:, :4])
        last.bias.copy_(head.bias)
    return nn.Sequential(*list(hidden)[:8], neck, last)


class TwoBits(nn.Module):
    """A rectifier with four levels, whose gradient is zero."""

    def forward(self, maps: Tensor) -> Tensor:
        return torch.round(maps.clamp(0, 3))


def rounded(model: nn.Sequential) -> nn.Sequential:
    """Activations of two bits."""
    hidden = network(TwoBits)
    hidden.load_state_dict(model.state_dict())
    return hidden.eval()


@pytest.mark.parametrize("hide", [folded, rescaled, necked, rounded])
def test_a_planted_lock_is_not_called_one(hide: Callable[[nn.Sequential], nn.Sequential], tmp_path: Path) -> None:
    plain = trained()
    hidden = hide(plain).eval()
    if hide is not rounded:
        images = torch.rand(50, 1, 8, 8)
        with torch.no_grad():
            expected, answers = plain(images), hidden(images)
        centred = (logits - logits.mean(1, keepdim=True) for logits in (answers, expected))
        torch.testing.assert_close(*centred, rtol=1e-3, atol=1e-3)
    result = archlock.attack(
        archlock.open_model(hidden, size=(8, 8)),
        [TARGET],
        reference=archlock.open_model(plain, size=(8, 8)),
        attackers=("fine_tune", "renormalised"),
        fractions=(1.0,),
        epochs=4,
        out=tmp_path / "attack",
        workers=1,
    )
    assert isinstance(result.record, AttackRecord)
    judgement = judge(result.record, sides(result.record))
    assert judgement.finding in {"nothing_taken", "not_measurable"}
    naive = {(o.defended, o.seed): o for o in result.outcomes if o.attacker == "fine_tune"}
    known = {(o.defended, o.seed): o.test or 0.0 for o in result.outcomes if o.attacker == "renormalised"}
    for seed in range(3):
        assert known["locked", seed] > 0.8
        if hide is rescaled:
            assert naive["locked", seed].status == "failed" or naive["locked", seed] in stuck_at_chance(result.record)
            assert (naive["source_only", seed].test or 0.0) > 0.8, "a tutorial would call it a lock"
