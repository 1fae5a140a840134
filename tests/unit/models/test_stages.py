import pytest
from torch import nn

from archlock.errors import UnsupportedError
from archlock.models import build, last_stage
from archlock.spaces import Architecture
from archlock.tasks import Signature

DIGITS = Signature("classification", (1, 8, 8), 10, (0.3,), (0.4,))
NEGATIVES = Signature("dense", (1, 8, 8), 1, (0.3,), (0.4,))


@pytest.mark.parametrize(
    ("architecture", "stage"),
    [
        (Architecture("nasbench201", "314321"), range(5, 8)),  # two cells, block, two cells, block, two cells
        (Architecture("transnas101_micro", "313321"), range(8, 10)),  # modules 4 1 4 1 4 of two cells each
        (Architecture("transnas101_macro", "1431"), range(4, 8)),  # the third module is the last that shrinks
    ],
)
@pytest.mark.parametrize("signature", [DIGITS, NEGATIVES])
def test_the_last_stage_of_a_network_begins_where_it_last_shrinks(architecture, stage, signature):
    model = build(architecture, signature, width=2, depth=2, seed=0)
    assert last_stage(model) == (*(f"cells.{place}" for place in stage), "tail", "head")


def test_of_any_other_module_it_is_the_last_third_of_what_holds_weights():
    blocks = [nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.ReLU()) for _ in range(3)]
    model = nn.Sequential(*blocks, nn.BatchNorm2d(1, affine=False), nn.Flatten(), nn.Dropout(), nn.Linear(4, 2))
    assert last_stage(model) == ("2.0", "2.1", "2.2", "3", "4", "5", "6")


def test_a_third_is_rounded_up():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2))
    assert last_stage(model) == ("2", "3", "4")


def test_a_head_that_stands_in_front_belongs_to_the_last_stage():
    class Reversed(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(3, 2)
            self.first, self.second = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)

    assert last_stage(Reversed()) == ("second", "head")


def test_of_a_head_alone_it_is_the_head():
    assert last_stage(nn.Linear(2, 2)) == ("",)
    assert last_stage(nn.Sequential(nn.Flatten(), nn.Linear(2, 2))) == ("1",)


def test_a_model_without_a_head_has_none():
    with pytest.raises(UnsupportedError, match=r"Conv2d has no nn.Linear, so its head cannot be found"):
        last_stage(nn.Conv2d(1, 1, 1))
