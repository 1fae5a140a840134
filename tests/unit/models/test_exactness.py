"""Labels are seen, not concluded: removal of what is zero is tried, and what fails or differs is said."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archlock.models import as_classifier, labelled, narrowed, structure_of
from edited_branches import WithAuxiliary
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


@pytest.mark.parametrize("classifier", [False, True])
def test_layers_that_only_a_training_uses_get_narrower_with_the_others(classifier: bool) -> None:
    model: nn.Module = WithAuxiliary().eval()
    if classifier:
        model = as_classifier(model, (3, 16, 16)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = labelled(model, structure_of(model, IMAGES[:1]), IMAGES)
    assert [(group.name.split(".")[-1], group.units, group.exact) for group in found.groups] == [
        ("first", 8, True),
        ("second", 6, True),
    ]
    assert {one.layer.split(".")[-1] for one in found.fixed} == {"head", "auxiliary", "beside"}
    assert {one.why for one in found.fixed} == {"it makes the answer", "it is used only while the network trains"}
    small = narrowed(model, found, {group.name: [1, 2] for group in found.groups})
    assert small(IMAGES).shape == (2, 2)
    said = small.train()(IMAGES)
    assert (said if classifier else said[1]).shape == (2, 2)
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    of_use = sum(
        layer.weight.numel() * 256 for name, layer in model.named_modules() if name.endswith(("first", "second"))
    )
    assert found.macs == of_use + 12, "what only a training needs is no work of an answer"


@pytest.mark.parametrize(
    "layer",
    [
        nn.Hardswish(),
        nn.Hardsigmoid(),
        nn.PReLU(),
        nn.PReLU(8),
        nn.LogSigmoid(),
        nn.RReLU(),
        nn.InstanceNorm2d(8, affine=True),
        nn.InstanceNorm2d(8, affine=True, track_running_stats=True),
    ],
)
def test_channels_go_through_activations_and_norms_of_single_channels(layer: nn.Module) -> None:
    torch.manual_seed(2)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), copy.deepcopy(layer), nn.Conv2d(8, 3, 3), nn.Flatten(), nn.Linear(432, 2))
    model.eval()
    found = labelled(model, structure_of(model, IMAGES[:1]), IMAGES)
    group = found.group("0")
    assert group.units == 8, found.fixed
    assert group.exact == (not isinstance(layer, nn.Hardsigmoid | nn.LogSigmoid)), "of which nothing is not nothing"
    small = narrowed(model, found, {"0": [1, 2, 5]})
    assert small(IMAGES).shape == (2, 2)
    assert str(small[1]) == str(layer).replace("8", "5")
