import csv
import gzip

import torch

from archlock.models.builders import BUILDERS
from archlock.models.cost import count_parameters
from archlock.seeding import rng_for
from archlock.spaces import Architecture, cell_edges
from archlock.tasks import Signature
from shared_data import shared

SCENE = Signature("classification", (3, 256, 256), 63, (0.5,) * 3, (0.25,) * 3)


def parameters(code, *, prune):
    with torch.device("meta"):
        network = BUILDERS["transnas101_micro"](
            Architecture("transnas101_micro", code), SCENE, width=64, depth=2, prune=prune
        )
    return count_parameters(network)


def test_parameters_equal_the_table():
    """The class_scene model of the table ends in one linear layer from 512 features to 63 classes, and nothing else."""
    with gzip.open(shared("transnas101_micro.csv.gz"), "rt") as stream:
        rows = list(csv.DictReader(stream))
    dead = 0
    for number, index in enumerate(rng_for(0, "rows").choice(len(rows), 120, replace=False)):
        row = rows[int(index)]
        published = parameters(row["ops"], prune=False)
        assert published == round(float(row["params_M"]) * 1e6)
        edges = cell_edges(Architecture("transnas101_micro", row["ops"]))
        # the cells at the start of a module have weights on skips from the input, too
        weights_dead = any(not edge.alive and ("conv" in edge.operation or edge.tail == 0) for edge in edges)
        dead += weights_dead
        if weights_dead:
            assert parameters(row["ops"], prune=True) < published
        elif number < 30:
            assert parameters(row["ops"], prune=True) == published
    assert dead >= 10


def test_skeleton_by_hand():
    stem, head = 3 * 32 * 9 + 64 + 32 * 64 * 9 + 128, 512 * 63 + 63
    assert parameters("000000", prune=True) == stem + head == 51_807


def test_the_stem_reduces_large_images_only():
    architecture = Architecture("transnas101_micro", "000100")
    strides = {}
    for size in (8, 63, 64, 127, 128, 256):
        signature = Signature("classification", (3, size, size + 1), 2, (0.5,) * 3, (0.25,) * 3)
        network = BUILDERS["transnas101_micro"](architecture, signature, width=2, depth=1, prune=True)
        strides[size] = network.stride
    assert strides == {8: 8, 63: 8, 64: 16, 127: 16, 128: 32, 256: 32}
