"""What a thief builds from a faultless reading is the network: the same operators on the same sizes."""

import pytest
import torch
from torch import nn

from archlock.errors import UnsupportedError
from archlock.leaks import OBSERVERS, Observation, Read, Reading, Recording, rebuilt, training_network, watch_sizes
from archlock.models import build
from archlock.spaces import SPACES
from archlock.tasks import Signature

SHAPE = (3, 16, 16)


def read_rightly(module: nn.Module) -> tuple[Reading, Observation, list[tuple[str, int, int]]]:
    """A reading without a fault, what was seen, and the convolutions there are."""
    found = watch_sizes(module, SHAPE)
    observer = OBSERVERS["both"]
    rows = tuple(Read((one.kind,), one.kernel, one.stride) for one in found.operators)
    seen = observer.observe(Recording(found.sizes, found.held, (1e-6,) * len(rows)))
    return Reading(rows), seen, convolutions(module)


def convolutions(module: nn.Module) -> list[tuple[str, int, int]]:
    found = watch_sizes(module, SHAPE)
    return [(o.kind, o.kernel, o.channels) for o in found.operators if o.kernel and o.kind != "pool"]


FAMILIES = ("plain", "residual", "bottleneck", "separable", "inverted", "fire", "shuffle", "dense")


@pytest.mark.parametrize("number", range(8), ids=FAMILIES)
def test_a_network_of_the_families_is_built_again_with_its_convolutions(number: int) -> None:
    module = training_network(number, SHAPE, seed=1)[1]
    reading, seen, true = read_rightly(module)
    made = rebuilt(reading, seen, SHAPE, 5)
    assert made(torch.zeros(2, *SHAPE)).shape == (2, 5)
    there = convolutions(made.eval())
    assert len(set(there) & set(true)) >= 0.6 * len(set(true))
    assert abs(len(there) - len(true)) <= 0.3 * len(true)


def test_a_cell_of_ours_is_built_again_with_its_sums() -> None:
    signature = Signature("classification", SHAPE, 5, (0.5,) * 3, (0.2,) * 3)
    module = build(SPACES["nasbench201"].architecture("333111"), signature, width=8, depth=1, seed=0).eval()
    reading, seen, true = read_rightly(module)
    made = rebuilt(reading, seen, SHAPE, 5).eval()
    assert convolutions(made) == true
    sums = [sum(o.kind == "add" for o in watch_sizes(one, SHAPE).operators) for one in (made, module)]
    assert sums[0] > 0.5 * sums[1]


def test_what_cannot_be_built_is_refused() -> None:
    rows = Reading((Read(("mean",)),) * 5)
    with pytest.raises(UnsupportedError, match="row by row, and the sizes that were seen"):
        rebuilt(rows, Observation(seconds=(1.0,) * 5), SHAPE, 5)
    with pytest.raises(UnsupportedError, match="no operator fits the sizes that were seen"):
        rebuilt(rows, Observation(sizes=(1,) * 5, held=(1,) * 5), SHAPE, 5)
