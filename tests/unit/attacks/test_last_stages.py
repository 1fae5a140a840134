import torch
from torch import nn

from archlock.attacks import ATTACKS
from archlock.models import last_stage
from archlock.testing.attacks import PLAN, target_task, trained_network
from archlock.testing.small_tasks import small_negatives

ATTACK = ATTACKS["last_stages"]


def inside(name, parts):
    return any(name.startswith(f"{part}.") for part in parts)


def test_what_comes_before_the_last_stage_is_bit_for_bit_the_same():
    for task in (target_task(), small_negatives(train=64, validation=20, test=20)):
        model = trained_network()
        adapted = ATTACK.adapt(model, task, setting=0.1, plan=PLAN, seed=0, device="cpu").model
        before, after, parts = model.state_dict(), adapted.state_dict(), last_stage(model)
        frozen = [name for name in before if not inside(name, parts)]
        assert frozen[:2] == ["normalise.mean", "normalise.std"]
        assert "cells.2.operations.0-1.norm.running_mean" in frozen
        assert all(torch.equal(before[name], after[name]) for name in frozen)
        trained = [name for name in before if inside(name, parts) and not name.startswith("head.")]
        assert not any(torch.equal(before[name], after[name]) for name in trained)


def test_a_stranger_keeps_its_first_two_thirds():
    task = target_task()
    blocks = [layer for _ in range(3) for layer in (nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1))]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(64, 3))
    adapted = ATTACK.adapt(model, task, setting=0.1, plan=PLAN, seed=0, device="cpu").model
    before, after = model[:-1].state_dict(), adapted.body.model.state_dict()
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == {"4", "5"}
