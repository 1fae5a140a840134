import torch

from archlock.attacks import ATTACKS
from archlock.models import build, count_parameters, ordinary, reinitialised, with_new_head
from archlock.spaces import Architecture
from archlock.testing.attacks import PLAN, target_task, trained_network
from archlock.testing.small_tasks import small_negatives
from archlock.training import fit

ATTACK = ATTACKS["ordinary"]


def test_nothing_but_the_size_of_the_model_matters():
    model, task = trained_network(), target_task()
    size = count_parameters(with_new_head(model, task.signature, seed=0))
    network = ordinary(task.signature, parameters=size, seed=0)
    expected = fit(network, task, PLAN.with_rate(0.1), seed=0)
    for one in (model, reinitialised(model, seed=7)):
        adapted = ATTACK.adapt(one, task, setting=0.1, plan=PLAN, seed=0, device="cpu")
        assert adapted.validation == expected.validation
        state = adapted.model.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in expected.model.state_dict().items())


def test_a_larger_model_is_met_by_a_larger_network():
    task = target_task()
    sizes = []
    for width in (4, 12):
        model = build(Architecture("nasbench201", "314321"), task.signature, width=width, depth=1, seed=0)
        sizes.append(count_parameters(ATTACK.adapt(model, task, setting=0.1, plan=PLAN, seed=0, device="cpu").model))
    assert sizes[1] > 5 * sizes[0]


def test_a_dense_target_is_learnt_as_well():
    task = small_negatives(train=120, validation=20, test=20)
    assert ATTACK.run(trained_network(), task, plan=PLAN, seed=0).test > 0.1
