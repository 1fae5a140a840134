import itertools
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from archlock.errors import ConfigurationError
from archlock.testing.nontransferable import bits, plainly_trained
from archlock.training import NONTRANSFERABLE, Batch
from archlock.training.nontransferable.method import Restricted
from archlock.training.nontransferable.sophon import inverse_cross_entropy, kl_from_uniform

SOPHON = NONTRANSFERABLE["sophon"]


def some_target(count=1):
    generator = torch.Generator().manual_seed(1)
    made = [
        Batch(torch.rand(8, 1, 8, 8, generator=generator), torch.randint(0, 2, (8,), generator=generator))
        for _ in range(count)
    ]
    head = nn.Linear(plainly_trained().head.in_features, 2)
    with torch.no_grad():
        head.weight.copy_(torch.randn(head.weight.shape, generator=generator))
        head.bias.zero_()
    return made, Restricted(itertools.cycle(made), head)


def test_the_two_losses_are_those_of_the_paper():
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0]], dtype=torch.float64)
    labels = torch.tensor([0, 1])
    by_hand = []
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        turned = [1 - value for value in row]
        by_hand.append(math.log(sum(map(math.exp, turned))) - turned[label])
    assert float(inverse_cross_entropy(logits, labels)) == pytest.approx(sum(by_hand) / 2, rel=1e-13)
    by_hand = []
    for row in logits.tolist():
        total = sum(map(math.exp, row))
        by_hand.append(sum(1 / 3 * math.log(1 / 3 / (math.exp(value) / total)) for value in row))
    assert float(kl_from_uniform(logits, labels)) == pytest.approx(sum(by_hand) / 2, rel=1e-13)
    assert float(kl_from_uniform(torch.ones(2, 5), labels)) == pytest.approx(0, abs=1e-6)


def test_the_gradient_is_that_after_the_simulated_step():
    """One simulated step by hand: the weights it comes to, and the gradient of the loss there."""
    (batch,), target = some_target()
    once = replace(SOPHON, simulated_steps=1, inner_rate=0.05, inner_momentum=0.0)
    model = plainly_trained()
    found = once.suppressing(model, target)
    weights = dict(model.named_parameters())
    head = {name: value.detach().clone().requires_grad_(True) for name, value in target.head.named_parameters()}

    def loss(at, of_head, rows, kind):
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        body = nn.Sequential(model)
        seen = []
        handle = model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        states = {f"0.{name}": value for name, value in {**at, **buffers}.items()}
        torch.func.functional_call(body, states, batch.images[rows])
        handle.remove()
        return kind(seen[-1] @ of_head["weight"].T + of_head["bias"], batch.targets[rows])

    every = {**weights, **{f"target {name}": value for name, value in head.items()}}
    gradients = torch.autograd.grad(
        loss(weights, head, slice(0, 4), F.cross_entropy), list(every.values()), allow_unused=True
    )
    moved = {
        name: (value if gradient is None else value - 0.05 * gradient).detach().requires_grad_(True)
        for (name, value), gradient in zip(every.items(), gradients, strict=True)
    }
    at = {name: moved[name] for name in weights}
    of_head = {name: moved[f"target {name}"] for name in head}
    wanted = torch.autograd.grad(
        loss(at, of_head, slice(4, 8), inverse_cross_entropy), list(at.values()), allow_unused=True
    )
    assert any(one is not None and float(one.abs().max()) > 0 for one in wanted)
    for name, one, other in zip(weights, found, wanted, strict=True):
        assert (one is None) == (other is None), name
        if one is not None:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_suppression_leaves_the_network_and_its_statistics_alone():
    _, target = some_target(3)
    model = plainly_trained()
    before, head = bits(model), bits(target.head)
    gradients = SOPHON.suppressing(model, target)
    assert bits(model) == before
    assert bits(target.head) == head
    named = dict(zip((name for name, _ in model.named_parameters()), gradients, strict=True))
    assert named["head.weight"] is named["head.bias"] is None, "the source's head has no part in it"
    assert sum(one is not None for one in named.values()) > 5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inner_rate": 0.0}, r"rates above 0; got 0\.\d+, 0\.\d+ and 0\.0"),
        ({"simulated_steps": 0}, "a simulated step and a reinforcement at least; got 0 and 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes, words):
    with pytest.raises(ConfigurationError, match=words):
        replace(SOPHON, **changes)
