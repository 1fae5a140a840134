"""Groups and blocks of any network: counts that are known, ties that can be seen, and what stays, with its reason."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from archlock.errors import UnsupportedError
from archlock.models import Network, Structure, build, structure_of, without_numbers
from archlock.models.wiring import Unit, takers_of
from archlock.spaces import SPACES
from archlock.tasks import Signature
from edited_families import library_classifier, model_of
from shared_networks import ResNet

IMAGE = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def found(model: nn.Module, image: Tensor = IMAGE) -> Structure:
    return structure_of(model.eval(), image)


def sizes(structure: Structure) -> tuple[int, int]:
    return len(structure.groups), sum(group.units for group in structure.groups)


def places(structure: Structure, group: str, unit: int) -> dict[tuple[str, int], tuple[int, ...]]:
    """Where a unit sits."""
    return {(axis.tensor, axis.dimension): axis.indices[unit] for axis in structure.group(group).axes}


class Net(nn.Module):
    """Layers by name, and a function of them and the images."""

    def __init__(self, forward, **layers: nn.Module) -> None:
        super().__init__()
        self.how = forward
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, images: Tensor) -> Tensor:
        return self.how(self, images)


def pooled(maps: Tensor) -> Tensor:
    return maps.mean((2, 3))


@pytest.mark.parametrize(("family", "side", "wanted"), [("ResNet", 32, (12, 2880)), ("MobileNetV2", 32, (25, 9128))])
def test_known_sizes_of_networks_of_hugging_face(family: str, side: int, wanted: tuple[int, int]) -> None:
    import transformers as library

    config = library.ResNetConfig(
        embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2] * 4, layer_type="basic"
    ) if family == "ResNet" else library.MobileNetV2Config()  # fmt: skip
    empty = without_numbers(lambda: getattr(library, f"{family}ForImageClassification")(config))
    model = empty.to_empty(device="cpu")
    structure = found(model, torch.rand(1, 3, side, side))
    assert sizes(structure) == wanted
    assert [one.layer for one in structure.fixed] == ["classifier" if family == "MobileNetV2" else "classifier.1"]
    assert structure.parameters == sum(value.numel() for value in model.parameters())


def test_padding_shortcuts_tie_ranges_and_hold_what_is_beside_them() -> None:
    structure = found(ResNet(3), torch.rand(1, 3, 32, 32))
    assert sizes(structure) == (10, 336 + 16), "the inner channels, and those of the first stage"
    stream = places(structure, "conv1", 5)
    layers = ("conv1", "layer1.2.conv2", "layer2.0.conv2", "layer3.2.conv2")
    assert [stream[f"{name}.weight", 0] for name in layers] == [(5,), (5,), (13,), (29,)]
    assert stream["linear.weight", 1] == (29,)
    held = {one.layer: (one.channels, one.of, one.why) for one in structure.fixed}
    assert held["layer2.2.conv2"] == (16, 32, "it meets a padding of so many channels (layer2.0)")
    assert held["layer3.0.conv2"][:2] == (48, 64)
    assert [block.name for block in structure.blocks] == [
        f"layer{stage}.{place}" for stage in (1, 2, 3) for place in range(3) if stage == 1 or place
    ]


def test_columns_are_those_that_change_when_a_channel_is_disturbed() -> None:
    """Two ways to the same answer: numbers carried along, and channels disturbed (``wiring``)."""
    model = ResNet(1).eval()
    structure = found(model)
    for layer, norm in (("layer2.0.conv1", "layer2.0.bn1"), ("layer3.0.conv1", "layer3.0.bn1")):
        group = structure.group(layer)
        with torch.no_grad():
            taken = takers_of(
                model, Unit(layer, norm), list(range(group.units)), IMAGE, generator=torch.Generator().manual_seed(1)
            )
        (axis,) = [axis for axis in group.axes if axis.taken]
        assert taken is not None
        columns = taken[axis.tensor.removesuffix(".weight")][0].tolist()
        assert columns == [unit for unit in range(group.units) for _ in axis.indices[unit]]
        assert [one for indices in axis.indices for one in indices] == list(range(group.units))


@pytest.mark.parametrize("space", SPACES)
def test_networks_of_every_space_have_groups(space: str) -> None:
    signature = Signature("classification", (3, 16, 16), 3, (0.3,) * 3, (0.4,) * 3)
    rng = np.random.default_rng(3)
    for _ in range(2):
        network = build(SPACES[space].sample(rng), signature, width=4, depth=1, seed=0)
        structure = found(network)
        assert isinstance(network, Network)
        made = {layer for group in structure.groups for layer in group.layers}
        layers = {name for name, part in network.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)}
        assert made == layers - {"head"}, "all that is built is used, and can be narrowed"


def test_what_goes_with_a_unit_is_counted() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 1, bias=False), nn.Flatten(),
        nn.Linear(4 * 256, 2),
    )  # fmt: skip
    first, second = found(model).groups
    assert (first.name, first.units, first.parameters) == ("0", 6, 27 + 1 + 2 + 4)
    assert first.macs == 256 * (27 + 4)
    assert (second.name, second.parameters) == ("3", 6 + 2 * 256)
    assert places(found(model), "3", 1)["5.weight", 1] == tuple(range(256, 512))


def test_depthwise_goes_with_its_producer_and_groups_keep_as_many() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 1), nn.Conv2d(8, 16, 3, groups=8), nn.ReLU(), nn.Conv2d(16, 12, 1, groups=4),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 2),
    )  # fmt: skip
    structure = found(model)
    assert [(group.name, group.units) for group in structure.groups] == [("0", 2), ("3", 3)]
    assert places(structure, "0", 0)["1.weight", 0] == (0, 1, 4, 5, 8, 9, 12, 13), "two of the four of each group"
    assert places(structure, "3", 1)["3.weight", 0] == (1, 4, 7, 10)


def test_concatenation_and_two_uses_of_one_layer() -> None:
    def forward(net: Net, images: Tensor) -> Tensor:
        maps = torch.cat([net.one(images), net.two(images)], 1)
        return net.head(pooled(net.again(torch.relu(net.again(maps)))))

    structure = found(
        Net(
            forward,
            one=nn.Conv2d(3, 4, 1),
            two=nn.Conv2d(3, 2, 1),
            again=nn.Conv2d(6, 6, 1, bias=False),
            head=nn.Linear(6, 2),
        )
    )
    assert [(group.name, group.units) for group in structure.groups] == [("one", 4), ("two", 2)]
    assert places(structure, "two", 1) == {
        ("two.weight", 0): (1,), ("two.bias", 0): (1,), ("again.weight", 0): (5,), ("again.weight", 1): (5,),
        ("head.weight", 1): (5,),
    }  # fmt: skip


def test_heads_go_as_a_whole_however_an_attention_is_written() -> None:
    found_by = {}
    for way in ("sdpa", "eager"):
        model = library_classifier("vit")
        model.set_attn_implementation(way)
        found_by[way] = found(model)
    by_name = [{group.name: set(group.axes) for group in one.groups} for one in found_by.values()]
    assert by_name[0] == by_name[1]
    heads = [group for group in found_by["sdpa"].groups if group.kind == "heads"]
    assert [group.units for group in heads] == [4, 4]
    assert places(found_by["sdpa"], heads[0].name, 2)[f"{heads[0].name}.weight", 0] == (8, 9, 10, 11)
    stream = found_by["sdpa"].groups[0]
    assert {axis.tensor for axis in stream.axes} > {"vit.embeddings.cls_token", "vit.embeddings.position_embeddings"}
    assert "a normalisation over channels" in stream.why


def test_queries_that_share_keys_go_with_them() -> None:
    def forward(net: Net, images: Tensor) -> Tensor:
        tokens = images.flatten(2).transpose(1, 2)
        query, key, value = (layer(tokens).unflatten(-1, (-1, 4)).transpose(1, 2) for layer in (net.q, net.k, net.v))
        said = F.scaled_dot_product_attention(query, key, value, enable_gqa=True)
        return net.head(said.transpose(1, 2).flatten(2).mean(1))

    layers = {"q": nn.Linear(3, 16), "k": nn.Linear(3, 8), "v": nn.Linear(3, 8), "head": nn.Linear(16, 2)}
    structure = found(Net(forward, **layers))
    assert [(group.kind, group.units) for group in structure.groups] == [("heads", 2)]
    assert places(structure, "q", 0)["q.weight", 0] == tuple(range(8))
    assert places(structure, "q", 0)["k.weight", 0] == tuple(range(4))


def convolution_and(forward, **layers: nn.Module) -> Net:
    return Net(forward, first=nn.Conv2d(3, 4, 1), head=nn.Linear(4, 2), **layers)


REASONS = {
    "an operation that is not known": (
        convolution_and(lambda net, images: net.head(pooled(F.fold(F.unfold(net.first(images), 1), (16, 16), 1)))),
        r"first: it goes through (im2col|unfold\w*) in \w+, which is not followed",
    ),
    "the image is added": (
        Net(
            lambda net, images: net.head(pooled(net.first(images) + images)),
            first=nn.Conv2d(3, 3, 1),
            head=nn.Linear(3, 2),
        ),
        "first: it takes the channels of the image",
    ),
    "a computed weight": (
        Net(
            lambda net, images: net.head(pooled(net.first(images))),
            first=parametrizations.weight_norm(nn.Conv2d(3, 4, 1)),
            head=nn.Linear(4, 2),
        ),
        "first: it is not used for an answer, or its weight is computed",
    ),
    "one channel for all": (
        Net(
            lambda net, images: net.head(pooled(net.first(images).expand(-1, 4, -1, -1))),
            first=nn.Conv2d(3, 1, 1),
            head=nn.Linear(4, 2),
        ),
        "first: all its channels belong together and cannot go one by one",
    ),
}


@pytest.mark.parametrize("case", REASONS)
def test_what_stays_has_its_reason(case: str) -> None:
    model, words = REASONS[case]
    structure = found(model)
    assert not structure.groups
    assert any(re.search(words, f"{one.layer}: {one.why}") for one in structure.fixed), structure.fixed


def test_frozen_parameters_are_said_and_half_precision_is_followed() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 5, 1), nn.Flatten(), nn.Linear(1280, 2)
    ).bfloat16()
    model[0].requires_grad_(False)
    structure = found(model, IMAGE.bfloat16())
    assert [group.frozen for group in structure.groups] == [True, False]


def test_a_forward_pass_that_decides_by_numbers_is_refused_with_the_words_of_export() -> None:
    def forward(net: Net, images: Tensor) -> Tensor:
        maps = net.first(images)
        if maps.sum() > 0:
            maps = -maps
        return net.head(pooled(maps))

    with pytest.raises(UnsupportedError) as said:
        found(convolution_and(forward))
    words = str(said.value)
    assert "its forward pass decides by the numbers in an image (Net, test_groups.py:" in words
    assert "if maps.sum() > 0" in words
    assert "torch.export: Could not guard on data-dependent expression" in words


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    structure = found(model_of("ours"))
    with pytest.raises(UnsupportedError, match=r"no group 'stem' that can go; it has stem\.convolution, "):
        structure.group("stem")
    with pytest.raises(UnsupportedError, match=r"no block 'stem' that can go; it has none$"):
        structure.block("stem")
