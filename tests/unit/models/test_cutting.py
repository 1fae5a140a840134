import copy

import torch
from torch import nn

from archlock.models import Cut, Place, as_classifier, build, places, pooled
from archlock.spaces import Architecture
from archlock.tasks import Signature

IMAGES = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def blocks(count: int) -> nn.Module:
    torch.manual_seed(0)
    parts = [nn.Sequential(nn.Conv2d(1 if not n else 4, 4, 3, padding=1), nn.ReLU()) for n in range(count)]
    return as_classifier(nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), (1, 8, 8))


def test_blocks_are_the_places_where_there_are_enough_and_layers_where_not() -> None:
    assert [p.name for p in places(blocks(5), IMAGES[:1])] == [f"body.model.{place}" for place in range(5)]
    assert [p.name for p in places(blocks(1), IMAGES[:1])] == ["body.model.0.0", "body.model.0", "body.model.1"]
    many = places(blocks(30), IMAGES[:1])
    assert len(many) == 12
    assert (many[0].name, many[-1]) == ("body.model.0", Place("body.model.29", 4))


def test_a_cut_computes_what_the_place_says_and_nothing_behind_it() -> None:
    model = blocks(5).eval()
    known = model.body.model[:2](IMAGES)
    for pooling, wide in ((1, 4), (2, 16)):
        cut = Cut(copy.deepcopy(model), Place("body.model.1", 4), pooling)
        torch.testing.assert_close(cut(IMAGES), pooled(known, pooling))
        assert cut(IMAGES).shape == (5, wide)
    behind = cut.model.body.model[3][0]
    cut(IMAGES).sum().backward()
    assert behind.weight.grad is None
    assert cut.model.body.model[0][0].weight.grad is not None
    assert copy.deepcopy(cut)(IMAGES).shape == (5, 16)


def test_networks_of_ours_are_cut_at_their_cells() -> None:
    signature = Signature("classification", (1, 8, 8), 3, (0.3,), (0.4,))
    network = build(Architecture("nasbench201", "314321"), signature, width=4, depth=1, seed=0)
    state = [(module.training, len(module._forward_hooks)) for module in network.modules()]
    names = [place.name for place in places(network, IMAGES[:1])]
    assert "tail" in names
    assert sum(name.startswith("cells.") for name in names) >= 5
    assert [(module.training, len(module._forward_hooks)) for module in network.modules()] == state
