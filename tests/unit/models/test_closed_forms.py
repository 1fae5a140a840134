"""Costs of whole spaces are those of the networks that are built."""

from dataclasses import fields

import numpy as np
import pytest

from archlock.models import build, costs_of, costs_of_module, count_flops, count_parameters
from archlock.spaces import SPACES
from archlock.tasks import Signature

CODES = {
    "nasbench201": ("000100", "111004", "333333", "421211", "312304"),
    "transnas101_micro": ("000100", "312213", "331123", "103123"),
    "transnas101_macro": ("4111", "123414", "241133"),
    "mobilenet_macro": ("00000000", "12021201", "22222222"),
    "sizes": ("11111", "81352", "88888"),
    "locking_macro": ("00121020101", "10100112002", "01011101120"),
}


def signature(shape: tuple[int, int, int], kind: str = "classification") -> Signature:
    outputs = 10 if kind == "classification" else shape[0]
    return Signature(kind, shape, outputs, (0.5,) * shape[0], (0.25,) * shape[0])  # type: ignore[arg-type]


@pytest.mark.parametrize("space", CODES)
@pytest.mark.parametrize(("shape", "depth", "kind"), [((3, 16, 16), 1, "classification"), ((1, 9, 12), 2, "dense")])
def test_they_equal_the_built_network(space: str, shape: tuple[int, int, int], depth: int, kind: str) -> None:
    chosen = [SPACES[space].architecture(code) for code in CODES[space]]
    task = signature(shape, kind)
    costs = costs_of(chosen, task, width=6, depth=depth)
    for row, architecture in enumerate(chosen):
        model = build(architecture, task, width=6, depth=depth, seed=0)
        counted = costs_of_module(model, shape)
        for field in fields(costs):
            assert getattr(costs, field.name)[row] == getattr(counted, field.name)[0], (architecture, field.name)
        assert costs.parameters[row] == count_parameters(model)
        assert 2 * costs.macs[row] == count_flops(model, shape)


def test_dead_parts_cost_nothing_and_everybody_has_the_skeleton() -> None:
    space, task = SPACES["nasbench201"], signature((3, 32, 32))
    dead, alive = (space.architecture(code) for code in ("330100", "000100"))
    costs = costs_of([dead, alive], task, width=16, depth=5)
    assert costs.parameters[0] == costs.parameters[1] == 73_306
    assert costs.at(np.array([1])).macs[0] == 7_783_040, "MACs and not FLOPs: half of what count_flops says"


def test_a_whole_space_of_published_sizes() -> None:
    """Of NAS-Bench-201 at its published size, the parameters are those of the tables: 1.531546 M for the largest."""
    space = SPACES["nasbench201"]
    every = tuple(space.enumerate())
    costs = costs_of(every, signature((3, 32, 32)), width=16, depth=5, memory=False)
    assert costs.parameters.max() == 1_531_546
    assert every[int(costs.parameters.argmax())].code == "333333"
    assert len(costs.peak_bytes) == len(costs.at(np.array([0, 1])).moved_bytes) == 0


def test_intensity_is_flops_for_each_byte() -> None:
    costs = costs_of([SPACES["nasbench201"].architecture("333333")], signature((3, 8, 8)), width=4, depth=1)
    flops, stored, moved = 2 * costs.macs[0], costs.weights_bytes[0], costs.moved_bytes[0]
    assert costs.intensity[0] == pytest.approx(flops / (stored + moved))


def test_of_nobody_it_is_nothing() -> None:
    assert len(costs_of([], signature((3, 8, 8)), width=4, depth=1).macs) == 0
