import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archlock.models import build, count_flops, count_parameters, count_training_flops
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Signature


def test_by_hand():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, groups=1), nn.Flatten(), nn.Linear(8 * 4 * 4, 5))
    assert count_parameters(model) == 3 * 8 * 9 + 8 + 128 * 5 + 5
    assert count_flops(model, (3, 8, 8)) == 2 * (16 * 8 * 27 + 128 * 5)


def test_equals_the_counter_of_torch():
    signature = Signature("dense", (3, 16, 16), 3, (0.5,) * 3, (0.25,) * 3)
    for space in SPACES.values():
        codes = {
            "transnas101_macro": "4123",
            "mobilenet_macro": "01200112",
            "sizes": "13228",
            "locking_macro": "01021120012",
        }
        code = codes.get(space.name, "312301")
        model = build(space.architecture(code), signature, width=4, depth=2, seed=0)
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            model.eval()(torch.zeros(1, 3, 16, 16))
        assert count_flops(model, (3, 16, 16)) == counter.get_total_flops()


def test_dead_edges_cost_nothing():
    signature = Signature("classification", (3, 16, 16), 3, (0.5,) * 3, (0.25,) * 3)
    costs = []
    for code, prune in (("000100", True), ("330100", True), ("330100", False)):
        model = build(Architecture("nasbench201", code), signature, width=4, depth=1, prune=prune, seed=0)
        costs.append((count_parameters(model), count_flops(model, (3, 16, 16))))
    assert costs[0] == costs[1]
    assert costs[1][0] < costs[2][0]
    assert costs[1][1] < costs[2][1]


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    count_flops(model, (1, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == [True, True, True, False]
    assert all(not module._forward_hooks for module in model.modules())


def test_a_shared_parameter_counts_once():
    shared = nn.Linear(4, 4)
    assert count_parameters(nn.Sequential(shared, shared)) == 20


def test_training_by_hand():
    """Back through a layer costs a pass for the weights, and one for its input where something before it trains."""
    model = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 5))
    whole = nn.Sequential(nn.Flatten(), model)
    first, middle, last = 2 * 12 * 8, 2 * 8 * 6, 2 * 6 * 5
    forward = first + middle + last
    assert count_flops(whole, (3, 2, 2)) == forward
    assert count_training_flops(whole, (3, 2, 2)) == forward + first + 2 * middle + 2 * last
    model[0].requires_grad_(False)
    assert count_training_flops(whole, (3, 2, 2)) == forward + middle + 2 * last
    model[2].requires_grad_(False)
    assert count_training_flops(whole, (3, 2, 2)) == forward + last
    model.requires_grad_(False)
    assert count_training_flops(whole, (3, 2, 2)) == forward


def test_training_a_network_costs_about_three_passes_and_leaves_it_alone():
    signature = Signature("classification", (3, 16, 16), 10, (0.5,) * 3, (0.25,) * 3)
    model = build(Architecture("nasbench201", "314231"), signature, width=8, depth=1, seed=0).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = count_training_flops(model, (3, 16, 16))
    assert 2.8 < found / count_flops(model, (3, 16, 16)) < 3
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
