"""Smaller networks: the right numbers are left, layers know their sizes, shared weights stay so, nothing is emptied."""

import copy

import pytest
import torch
from torch import Tensor, nn

from archlock.errors import RunError, UnsupportedError
from archlock.models import dropped, groups_of, narrowed, norms_of, resized, structure_of, ties_of, zeroed
from edited_families import Tied

IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def chain() -> nn.Sequential:
    """A convolution, a depthwise and a plain one, normalised in three ways, and a head."""
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1, groups=6),
        nn.GroupNorm(6, 6), nn.Conv2d(6, 8, 1), nn.GroupNorm(2, 8), nn.ConvTranspose2d(8, 4, 2), nn.Flatten(1),
        nn.Linear(4 * 81, 5), nn.LayerNorm(5), nn.Linear(5, 2),
    ).eval()  # fmt: skip


def answers(model: nn.Module) -> Tensor:
    with torch.no_grad():
        return model(IMAGES)


def test_the_right_numbers_are_left_and_layers_know_their_sizes() -> None:
    model = chain()
    model[5].weight.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    structure = structure_of(model, IMAGES[:1])
    assert {group.name: group.units for group in structure.groups} == {"0": 6, "5": 4, "7": 4, "9": 5}
    small = narrowed(model, structure, {"0": [1, 4], "5": [2], "7": [0], "9": [3]})
    kept = [0, 2, 3, 5]
    assert torch.equal(small[0].weight, before["0.weight"][kept])
    assert torch.equal(small[1].running_var, before["1.running_var"][kept])
    assert torch.equal(small[5].weight, before["5.weight"][[0, 1, 3, 4, 5, 7]][:, kept]), "one of each group of norms"
    assert not small[5].weight.requires_grad
    assert (small[0].out_channels, small[1].num_features) == (4, 4)
    assert (small[3].groups, small[3].in_channels, small[3].out_channels) == (4, 4, 4)
    assert (small[4].num_groups, small[4].num_channels) == (4, 4)
    assert (small[6].num_groups, small[6].num_channels) == (2, 6)
    assert (small[7].in_channels, small[7].out_channels) == (6, 3)
    assert (small[9].in_features, small[9].out_features, small[10].normalized_shape) == (3 * 81, 4, (4,))
    assert answers(small).shape == (2, 2)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    again = resized(chain(), {name: tuple(value.shape) for name, value in small.state_dict().items()})
    again.load_state_dict(small.state_dict())
    assert torch.equal(answers(again), answers(small))
    assert str(again) == str(small)


def grouped() -> nn.Sequential:
    """A convolution of two channels a group, and a normalisation of two."""
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 1, groups=4), nn.GroupNorm(4, 8), nn.Flatten(1), nn.Linear(8 * 36, 2)
    ).eval()  # fmt: skip


def test_what_is_narrowed_until_a_group_has_one_channel_is_narrowed_again() -> None:
    small: nn.Module = grouped()
    for left in (4, 3, 1):
        structure = structure_of(small, IMAGES[:1])
        gone = {group.name: range(group.units - left // (len(group.axes[0].indices[0]))) for group in structure.groups}
        small = narrowed(small, structure, gone)
        again = resized(grouped(), {name: v.shape for name, v in small.state_dict().items()}, groups_of(small))
        again.load_state_dict(small.state_dict())
        assert torch.equal(answers(again), answers(small))
        assert str(again) == str(small)
    assert "1, kernel_size=(1, 1)" in str(small)
    assert groups_of(small) == {}


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"1": 3, "2": 4}, "'1' with 3 groups; expected 1 to 4, a divisor of its 8 channels"),
        ({"1": 4, "2": 8}, "'2' with 8 groups; expected 1 to 4"),
        ({"1": 4, "2": 0}, "'2' with 0 groups"),
        ({"0": 1}, "lists groups of '0', which has none"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups: dict[str, int], words: str) -> None:
    with pytest.raises(RunError, match=words):
        resized(grouped(), {}, groups)


def test_zeroed_units_say_nothing_and_their_norm_is_that_of_what_was_there() -> None:
    model = chain()
    structure = structure_of(model, IMAGES[:1])
    small = zeroed(model, structure, {"0": [1]})
    assert not small[0].weight[1].any()
    assert not small[1].bias[1].any()
    assert small[5].weight[:, 1].any(), "columns of what takes it stay"
    of = [model[0].weight[1], model[0].bias[1], model[1].weight[1], model[1].bias[1], model[3].weight[1]]
    of += [model[3].bias[1], model[4].weight[1], model[4].bias[1]]
    wanted = torch.cat([one.flatten() for one in of]).norm()
    torch.testing.assert_close(norms_of(model, structure, structure.group("0"))[1], wanted.detach())


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"0": range(6)}, "this would leave 0 empty: all 6 places of its dimension 0 would go; keep at least one of 0"),
        ({"5": [4]}, "group '5' has the units 0 to 3; got 4"),
        ({"1": [0]}, "this network has no group '1' that can go; it has 0, 5, 7, 9"),
    ],
)
def test_a_choice_that_leaves_nothing_or_is_not_there_is_refused(chosen: dict[str, list[int]], words: str) -> None:
    model = chain()
    with pytest.raises(UnsupportedError, match=words):
        narrowed(model, structure_of(model, IMAGES[:1]), chosen)


def test_shared_weights_are_one_unit_and_stay_shared() -> None:
    model = Tied().eval()
    structure = structure_of(model, IMAGES[:1])
    assert [(group.name, group.units) for group in structure.groups] == [("kernel", 4), ("first", 6)]
    assert {axis.tensor for axis in structure.groups[1].axes} == {
        "first.weight", "one.weight", "head.weight", "shift",
    }, "what goes in and what comes out of a layer that is used twice is the same"  # fmt: skip
    small = narrowed(model, structure, {"kernel": [1], "first": [0, 5]})
    assert small.other.weight is small.one.weight
    assert (small.one.weight.shape, small.shift.shape, len(small.kernel)) == ((4, 4), (4,), 3)
    assert ties_of(small) == {"other.weight": "one.weight"}
    assert answers(small).shape == (2, 3)


class Residual(nn.Module):
    """Answers a tuple, as blocks of transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 4, 1)

    def forward(self, maps: Tensor, unused: bool = True) -> tuple[Tensor, None]:
        return maps + self.layer(maps), None


def test_a_block_is_left_out_whatever_it_answers() -> None:
    class Stack(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.block, self.head = nn.Conv2d(3, 4, 1), Residual(), nn.Linear(4, 2)

        def forward(self, images: Tensor) -> Tensor:
            maps, _ = self.block(self.stem(images), unused=False)
            return self.head(maps.mean((2, 3)))

    model = Stack().eval()
    structure = structure_of(model, IMAGES[:1])
    assert [(block.name, block.parameters, block.macs) for block in structure.blocks] == [("block", 20, 1024)]
    small = dropped(model, structure, ["block"])
    with torch.no_grad():
        assert torch.equal(answers(small), model.head(model.stem(IMAGES).mean((2, 3))))


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"0.weight": (7, 3, 3, 3)}, r"'0.weight' with the shape \(7, 3, 3, 3\); expected at most .*, \(6, 3, 3, 3\)"),
        ({"0.weight": (6, 3, 3)}, "expected at most that of the network it was made of"),
        ({"0.weight": (0, 3, 3, 3)}, "expected at most that of the network it was made of"),
        ({"12.weight": (1,)}, "lists a tensor '12.weight', which this Sequential does not have"),
    ],
)
def test_a_network_is_never_resized_to_more(shapes: dict[str, tuple[int, ...]], words: str) -> None:
    with pytest.raises(RunError, match=words):
        resized(chain(), shapes)
