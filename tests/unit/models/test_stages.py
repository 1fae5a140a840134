import pytest
from torch import nn

from archlock.models import Classifier, build, last_stage
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


def classifier(*body: nn.Module) -> nn.Module:
    """Body and head; what the layers do is not asked."""
    return Classifier(nn.Sequential(*body), nn.Linear(4, 2))


def test_of_any_other_module_it_is_the_last_third_of_what_holds_weights():
    blocks = [nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.ReLU()) for _ in range(3)]
    model = classifier(*blocks, nn.BatchNorm2d(1, affine=False), nn.Flatten(), nn.Dropout())
    assert last_stage(model) == ("body.2.0", "body.2.1", "body.2.2", "body.3", "body.4", "body.5", "head")


def test_a_third_is_rounded_up():
    model = classifier(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    assert last_stage(model) == ("body.2", "body.3", "head")


def test_of_a_head_alone_it_is_the_head():
    assert last_stage(classifier(nn.Flatten())) == ("head",)
