"""Labels are seen, not concluded: removal of what is zero is tried, and what fails or differs is said."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archlock.models import labelled, structure_of
from edited_families import FAMILIES, model_of, random_removals

IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_label_exact_is_true_and_the_others_are_not(family: str) -> None:
    """A share of the hundred random removals of benchmarks/exact_removal.py."""
    removals = random_removals(family, 3, np.random.default_rng(1))
    for one in removals:
        assert (one.difference <= 1e-5) == one.exact, one
    assert any(one.exact for one in removals)


def test_blocks_and_groups_of_a_transformer() -> None:
    model = model_of("vit")
    found = labelled(model, structure_of(model, IMAGES[:1]), IMAGES)
    stream, *others = found.groups
    assert not stream.exact
    assert stream.why.startswith("a normalisation over channels (vit.layernorm): answers differ by ")
    assert all(group.exact and not group.why for group in others)
    assert [block.exact for block in found.blocks] == [True, True]


class Stubborn(nn.Module):
    """Counts on the width of its first layer, on its block, and shifts what the second one says."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.first(images).view(len(images), 4, -1, 16)
        maps = torch.cos(self.second(maps))
        return self.head(torch.relu(self.third(maps)).mean((2, 3)))


def test_what_fails_is_fixed_and_what_differs_is_not_exact() -> None:
    model = Stubborn().eval()
    found = labelled(model, structure_of(model, IMAGES[:1]), IMAGES)
    assert [(group.name, group.exact) for group in found.groups] == [("second", False), ("third", True)]
    assert found.groups[0].why.startswith("answers differ by "), "the cosine of nothing is one"
    (fails,) = [one for one in found.fixed if one.layer == "first"]
    assert "without some of them the forward pass fails (" in fails.why


def test_labels_are_those_of_single_precision_networks_and_leave_the_model_alone() -> None:
    model = model_of("ours").bfloat16()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = labelled(model, structure_of(model, IMAGES[:1].bfloat16()), IMAGES)
    assert all(group.exact for group in found.groups)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.stem.convolution.weight.dtype is torch.bfloat16
