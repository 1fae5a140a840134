import pytest
import torch

from archlock.attacks import ATTACKS
from archlock.errors import UnsupportedError
from archlock.models import build, with_kept_head, with_new_head
from archlock.testing.attacks import ARCHITECTURE, PLAN, target_task, trained_network
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import fit

NAMES = ("direct", "direct_head")


def changed(one, other):
    return [name for name, value in one.state_dict().items() if not torch.equal(value, other.state_dict()[name])]


def test_direct_is_the_old_head_and_a_training_of_all_weights():
    model, task = trained_network(), target_task()
    adapted = ATTACKS["direct"].adapt(model, task, setting=0.02, plan=PLAN, seed=4, device="cpu")
    expected = fit(with_kept_head(model, task.signature, seed=4), task, PLAN.with_rate(0.02), seed=4)
    assert adapted.validation == expected.validation
    assert changed(adapted.model, expected.model) == []
    assert "stem.convolution.weight" in changed(adapted.model, model)


def test_direct_head_trains_the_head_alone():
    model, task = trained_network(), target_task()
    adapted = ATTACKS["direct_head"].adapt(model, task, setting=0.1, plan=PLAN, seed=0, device="cpu")
    assert changed(adapted.model, model) == ["head.weight", "head.bias"]


@pytest.mark.parametrize("name", NAMES)
def test_on_its_own_task_the_old_head_is_worth_more_than_a_new_one(name):
    source = small_digits(train=120, validation=60, test=60, labels=(0, 1, 2, 3, 4))
    slow = PLAN.with_rate(1e-6)
    kept = ATTACKS[name].adapt(trained_network(), source, setting=1e-6, plan=slow, seed=0, device="cpu")
    fresh = fit(with_new_head(trained_network(), source.signature, seed=0), source, slow, seed=0)
    assert kept.validation > fresh.validation + 0.3


@pytest.mark.parametrize("name", NAMES)
def test_heads_that_have_no_rows_to_keep(name):
    with pytest.raises(UnsupportedError, match=r"a dense task has none; give Network a new head"):
        ATTACKS[name].run(trained_network(), small_negatives(train=8, validation=4, test=4), plan=PLAN, seed=0)
    dense = build(ARCHITECTURE, small_negatives().signature, width=2, depth=1, seed=0)
    with pytest.raises(UnsupportedError, match=r"the head of Network is a DenseDecoder, not the nn.Linear of a class"):
        ATTACKS[name].run(dense, target_task(), plan=PLAN, seed=0)
