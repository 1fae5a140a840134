import csv
import gzip

import pytest
import torch

from archlock.errors import ConfigurationError
from archlock.models import build, count_flops, count_parameters
from archlock.models.builders import BUILDERS
from archlock.spaces import SPACES
from archlock.tasks import Signature
from shared_data import shared

SPACE = SPACES["mobilenet_macro"]
CIFAR = Signature("classification", (3, 32, 32), 10, (0.5,) * 3, (0.25,) * 3)


def counts(code, *, width=32, signature=CIFAR):
    """Parameters and multiply-adds of the network that is built."""
    with torch.device("meta"):
        network = BUILDERS["mobilenet_macro"](SPACE.architecture(code), signature, width=width, depth=1, prune=True)
    return count_parameters(network), count_flops(network, signature.shape) // 2


def test_published_counts():
    assert counts("02012100") == (890_666, 47_327_744)
    assert counts("11111221") == (2_181_386, 65_012_224)


def test_counts_of_all_recorded_networks():
    """A layer costs the same whatever the others are, so seventeen built networks say the counts of all."""
    with gzip.open(shared("nasbench_macro.csv.gz"), "rt") as stream:
        rows = list(csv.DictReader(stream))
    smallest = "0" * SPACE.places
    base = counts(smallest)
    added = {
        (place, digit): [
            more - less
            for more, less in zip(counts(smallest[:place] + digit + smallest[place + 1 :]), base, strict=True)
        ]
        for place in range(SPACE.places)
        for digit in "12"
    }
    for row in rows:
        parts = [added.get((place, digit), (0, 0)) for place, digit in enumerate(row["code"])]
        said = [base[which] + sum(part[which] for part in parts) for which in (0, 1)]
        assert said == [int(row["params"]), int(row["flops"])], row["code"]
    for row in rows[:: len(rows) // 20]:
        assert counts(row["code"]) == (int(row["params"]), int(row["flops"]))


def test_codes_of_one_function_are_one_model():
    models = [build(SPACE.architecture(code), CIFAR, width=4, depth=1, seed=3) for code in ("10120210", "10102201")]
    one, same = (model.state_dict() for model in models)
    assert list(one) == list(same)
    assert all(torch.equal(one[name], same[name]) for name in one)


def test_width_resolution_and_head_are_free():
    signature = Signature("classification", (1, 64, 48), 3, (0.5,), (0.25,))
    network = build(SPACE.architecture("01200112"), signature, width=6, depth=2, seed=0)
    assert (network.features, network.stride) == (240, 8)
    assert network.cells(network.stem(torch.rand(2, 1, 64, 48))).shape == (2, 48, 8, 6)
    assert network(torch.rand(2, 1, 64, 48)).shape == (2, 3)


@pytest.mark.parametrize(("code", "added"), [("01000000", True), ("10000000", False)])
def test_a_bottleneck_is_added_where_it_keeps_the_shape(code, added):
    network = build(SPACE.architecture(code), CIFAR, width=4, depth=1, seed=0).eval()
    layer = next(one for one in network.cells if hasattr(one, "project"))
    torch.nn.init.zeros_(layer.project.norm.weight)
    maps = torch.rand(2, layer.expand.convolution.in_channels, 8, 8)
    assert torch.equal(layer(maps), maps) == added


def test_the_secure_variant_has_groups_of_one_width_and_is_no_other_code():
    architecture = SPACE.architecture("02012100")
    plain, secure = (build(architecture, CIFAR, width=16, depth=1, group_width=g, seed=0) for g in (1, 8))
    blocks = [m for m in secure.modules() if type(m).__name__ == "InvertedBottleneck"]
    assert len(blocks) == 4
    for block in blocks:
        layer = block.depthwise.convolution
        assert layer.in_channels // layer.groups == 8
    assert secure.architecture == plain.architecture
    added = sum(7 * b.depthwise.convolution.weight.numel() // 8 for b in blocks)
    assert count_parameters(secure) - count_parameters(plain) == added
    same = build(architecture, CIFAR, width=16, depth=1, seed=0).state_dict()
    assert all(torch.equal(value, same[name]) for name, value in plain.state_dict().items())


@pytest.mark.parametrize(
    ("space", "code", "width", "groups", "words"),
    [
        ("mobilenet_macro", "11111111", 6, 16, r"groups of 16 channels do not divide 18 \(expansion 3 of 6\)"),
        (
            "nasbench201",
            "421211",
            8,
            4,
            "nasbench201 have no depthwise convolutions to group; a group width is for mobile",
        ),
        ("mobilenet_macro", "11111111", 8, 0, "the width of groups is a whole number, at least 1; got 0"),
    ],
)
def test_groups_that_cannot_be_are_refused(space, code, width, groups, words):
    with pytest.raises(ConfigurationError, match=words):
        build(SPACES[space].architecture(code), CIFAR, width=width, depth=1, group_width=groups, seed=0)
