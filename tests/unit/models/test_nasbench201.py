import csv
import gzip

import torch

from archlock.models.builders import BUILDERS
from archlock.models.cost import count_parameters
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture, cell_edges
from archlock.tasks import Signature
from shared_data import shared

CIFAR10 = Signature("classification", (3, 32, 32), 10, (0.5,) * 3, (0.25,) * 3)


def parameters(code, *, prune):
    with torch.device("meta"):
        network = BUILDERS["nasbench201"](Architecture("nasbench201", code), CIFAR10, width=16, depth=5, prune=prune)
    return count_parameters(network)


def test_parameters_equal_the_table():
    with gzip.open(shared("nasbench201.csv.gz"), "rt") as stream:
        rows = list(csv.DictReader(stream))
    some = [rows[int(index)] for index in rng_for(0, "rows").choice(len(rows), 200, replace=False)]
    dead = 0
    for number, row in enumerate(some):
        published = parameters(row["ops"], prune=False)
        assert published == round(float(row["params_M_cifar10"]) * 1e6)
        edges = cell_edges(Architecture("nasbench201", row["ops"]))
        weights_dead = any(not edge.alive and "conv" in edge.operation for edge in edges)
        dead += weights_dead
        if weights_dead:
            assert parameters(row["ops"], prune=True) < published
        elif number < 30:
            assert parameters(row["ops"], prune=True) == published
    assert dead >= 10  # the draw holds cells on which the two differ


def test_known_parameter_counts():
    # the cell of 3x3 convolutions alone is the largest of the benchmark
    assert parameters("333333", prune=False) == 1_531_546
    assert parameters("000000", prune=True) == parameters("000000", prune=False) == parameters("111111", prune=True)


def test_resolution_and_channels_by_stage():
    with torch.no_grad():
        network = BUILDERS["nasbench201"](
            SPACES["nasbench201"].architecture("111111"), CIFAR10, width=4, depth=2, prune=True
        )
        maps = network.stem(torch.rand(2, 3, 32, 32))
        shapes = []
        for part in network.cells:
            maps = part(maps)
            shapes.append(tuple(maps.shape[1:]))
    assert shapes == [(4, 32, 32)] * 2 + [(8, 16, 16)] * 3 + [(16, 8, 8)] * 3
