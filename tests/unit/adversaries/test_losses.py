"""What adversaries make large, by hand."""

import pytest
import torch
from torch import Tensor, nn

from archlock.adversaries import difference_of_logits_ratio, margins
from archlock.adversaries.losses import climb
from archlock.errors import UnsupportedError
from masked_models import Detached

LOGITS = torch.tensor([[3.0, 1.0, 0.0, -1.0], [3.0, 1.0, 0.0, -1.0], [0.0, 0.0, 2.0, 1.0]])
LABELS = torch.tensor([0, 2, 2])


def test_margins_and_ratios_by_hand() -> None:
    assert margins(LOGITS, LABELS).tolist() == [2.0, -3.0, 1.0]
    # sorted: 3, 1, 0 -> first less third is 3; in the last row 2, 1, 0 -> 2
    assert difference_of_logits_ratio(LOGITS, LABELS).tolist() == pytest.approx([-2 / 3, 1.0, -1 / 2])


def test_the_ratio_knows_no_scale_and_two_classes_have_their_margin() -> None:
    scaled = difference_of_logits_ratio(1e6 * LOGITS + 7, LABELS)
    assert scaled.tolist() == pytest.approx([-2 / 3, 1.0, -1 / 2], rel=1e-5)
    assert difference_of_logits_ratio(LOGITS[:, :2], torch.tensor([0, 1, 0])).tolist() == [-2.0, 2.0, 0.0]


def test_a_gradient_is_that_of_each_image_alone() -> None:
    head = nn.Linear(4, 3)
    model, images, labels = nn.Sequential(nn.Flatten(), head), torch.rand(5, 1, 2, 2), torch.tensor([0, 1, 2, 0, 1])
    found = climb(model, images, labels, "cross_entropy")
    with torch.no_grad():
        shares = head(images.flatten(1)).softmax(1) - nn.functional.one_hot(labels, 3)
    assert torch.allclose(found.gradient.flatten(1), shares @ head.weight, atol=1e-6)
    assert head.weight.grad is None


def test_no_gradient_is_said_whether_the_weights_have_one_or_not() -> None:
    for model in (Detached(), Detached().requires_grad_(False)):
        with pytest.raises(UnsupportedError, match=r"the answers of Detached have no gradient in its images .* square"):
            climb(model, torch.rand(2, 1, 2, 2), torch.tensor([0, 1]), "dlr")


def test_a_gradient_that_is_no_number_counts_as_none() -> None:
    class Root(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return (images.flatten(1) - images.flatten(1)).abs().sqrt()

    found = climb(Root(), torch.rand(2, 1, 2, 2), torch.tensor([0, 1]), "cross_entropy")
    assert torch.equal(found.gradient, torch.zeros(2, 1, 2, 2))
