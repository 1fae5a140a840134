import torch

from archlock.models.builders import BUILDERS
from archlock.models.cost import count_parameters
from archlock.spaces import Architecture
from archlock.tasks import Signature

SCENE = Signature("classification", (3, 256, 256), 63, (0.5,) * 3, (0.25,) * 3)


def block_parameters(channels_in, channels_out, *, changes):
    convolutions = 9 * channels_in * channels_out + 9 * channels_out**2 + 4 * channels_out
    return convolutions + (channels_in * channels_out + 2 * channels_out if changes else 0)


def test_parameters_by_hand():
    with torch.device("meta"):
        network = BUILDERS["transnas101_macro"](
            Architecture("transnas101_macro", "4123"), SCENE, width=64, depth=2, prune=True
        )
    modules = [(64, 128, True), (128, 128, False), (128, 256, True), (256, 256, True)]
    blocks = sum(block_parameters(a, b, changes=c) + block_parameters(b, b, changes=False) for a, b, c in modules)
    assert count_parameters(network) == 3 * 32 * 9 + 64 + 32 * 64 * 9 + 128 + blocks + 256 * 63 + 63


def test_shapes_follow_the_code():
    architecture = Architecture("transnas101_macro", "431221")
    signature = Signature("classification", (1, 32, 32), 2, (0.5,), (0.25,))
    network = BUILDERS["transnas101_macro"](architecture, signature, width=2, depth=1, prune=True)
    maps, shapes = network.stem(torch.rand(2, 1, 32, 32)), []
    for block in network.cells:
        maps = block(maps)
        shapes.append(tuple(maps.shape[1:3]))
    assert shapes == [(4, 16), (4, 8), (4, 8), (8, 8), (16, 8), (16, 8)]
    assert (network.features, network.stride) == (16, 4)
