"""Disguises by chance: what an operator stands for, how often tricks are taken, and what a policy learns."""

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError
from archlock.leaks import (
    Chance,
    Policy,
    Recording,
    as_from_arena,
    even_policy,
    in_disguise,
    learned,
    sampled_disguise,
    skeleton,
    training_network,
    watch_sizes,
)
from archlock.models import MANOEUVRES, Disguise, Trick, convolutions_of, disguised
from archlock.seeding import rng_for

SHAPE = (3, 16, 16)
EVERY = [name for name, one in MANOEUVRES.items() if one.tricks]


@pytest.mark.parametrize("number", [0, 2, 5, 7])
def test_the_skeleton_behind_a_disguise_is_that_of_the_network(number: int) -> None:
    network = training_network(number, SHAPE, seed=5)[1]
    before = tuple(one.kind for one in watch_sizes(network, SHAPE).operators)
    hidden = in_disguise(network, even_policy(EVERY, 0.9), SHAPE, rng_for(0, number))
    true = tuple(one.kind for one in watch_sizes(hidden, SHAPE, true=True).operators)
    running = tuple(one.kind for one in watch_sizes(hidden, SHAPE).operators)
    assert skeleton(true) == skeleton(before)
    assert "decoy" in true
    assert "decoy" not in running
    assert skeleton(running) != skeleton(before)


def test_of_a_disguise_one_operator_is_true_and_has_the_old_kernel_and_stride() -> None:
    layer = nn.Conv2d(8, 8, 3, stride=2, padding=1)
    tricks = (Trick("kernel"), Trick("branch", 4, "outputs"), Trick("deepen", 1, "conv1 activation"), Trick("dummy", 1))
    network = nn.Sequential(disguised(layer, tricks), nn.ReLU())
    seen = watch_sizes(network, (8, 16, 16), true=True)
    assert [one.kind for one in seen.operators] == ["conv3", *["decoy"] * 7, "activation"]
    assert (seen.operators[0].kernel, seen.operators[0].stride, seen.operators[0].channels) == (3, 2, 8)
    kinds = [one.kind for one in watch_sizes(network, (8, 16, 16)).operators]
    assert kinds == [*["conv5"] * 4, "concat", "activation", "conv1", "add", "activation"]
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())


def test_tricks_are_taken_as_often_as_they_are_likely() -> None:
    model = nn.Sequential(*(nn.Conv2d(8, 8, 3) for _ in range(400)))
    policy = Policy((Chance(Trick("dummy", 1), 0.1), Chance(Trick("dummy", 2), 0.3), Chance(Trick("kernel"), 0.5)))
    plan = sampled_disguise(policy, model, convolutions_of(model), np.random.default_rng(0))
    taken = [trick for one in plan for trick in one.tricks]
    shares = [taken.count(one.trick) / 400 for one in policy.chances]
    assert np.abs(np.subtract(shares, [0.1, 0.3, 0.5])).max() < 0.07
    assert plan == sampled_disguise(policy, model, convolutions_of(model), np.random.default_rng(0))
    assert sampled_disguise(Policy(), model, convolutions_of(model), np.random.default_rng(0)) == ()


def test_a_policy_moves_to_what_good_plans_have_in_common() -> None:
    model = nn.Sequential(nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3))
    policy = even_policy(("dummy", "kernel"), 0.4)
    one = (Disguise("0", (Trick("dummy", 2),)), Disguise("1", (Trick("dummy", 2),)))
    moved = learned(policy, [one, one], model, ["0", "1"], 0.5)
    assert moved.of(Trick("dummy", 2)) == pytest.approx(0.5 * 0.2 + 0.5)
    assert moved.of(Trick("dummy", 1)) == pytest.approx(0.1)
    assert moved.of(Trick("kernel")) == pytest.approx(0.2)
    assert policy.scaled(0.5).of(Trick("kernel")) == 0.2
    assert policy.fingerprint != moved.fingerprint


def test_chances_that_are_none_are_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"chances of dummy are at least 0 and at most 1 in all; got \[0.7, 0.6\]"
    ):
        Policy((Chance(Trick("dummy", 1), 0.7), Chance(Trick("dummy", 2), 0.6)))


def test_from_an_arena_sizes_say_nothing() -> None:
    seen = as_from_arena(Recording((4, 8, 0, 16), (1, 2, 0, 0), (0.1, 0.2, 0.3, 0.4)))
    assert (seen.sizes, seen.held, seen.seconds) == ((16,) * 4, (0,) * 4, (0.1, 0.2, 0.3, 0.4))


def test_a_hidden_network_runs_and_is_left_without_hooks() -> None:
    network = in_disguise(training_network(3, SHAPE, seed=1)[1], even_policy(EVERY, 0.5), SHAPE, rng_for(0, "x"))
    with torch.no_grad():
        assert torch.isfinite(network(torch.rand(2, *SHAPE))).all()
