import math

import pytest
import torch

from archlock.models.builders import build
from archlock.models.initialisation import drawing
from archlock.spaces import Architecture
from archlock.tasks import Signature


def test_drawing_depends_on_seed_and_use_alone_and_leaves_no_trace():
    before = torch.random.get_rng_state()
    draws = []
    for seed, use in ((1, "a"), (1, "a"), (2, "a"), (1, "b")):
        with drawing(seed, use):
            draws.append(torch.rand(1).item())
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3
    assert torch.equal(torch.random.get_rng_state(), before)


def test_drawing_leaves_no_trace_after_an_error():
    before = torch.random.get_rng_state()
    with pytest.raises(RuntimeError, match="size"), drawing(0, "a"):
        torch.rand(2) @ torch.rand(3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_scheme():
    signature = Signature("classification", (3, 8, 8), 10, (0.5,) * 3, (0.25,) * 3)
    model = build(Architecture("nasbench201", "333333"), signature, width=32, depth=1, seed=0)
    weight = model.cells[0].operations["0-1"].convolution.weight
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (32 * 9)), rel=0.05)
    norm = model.cells[0].operations["0-1"].norm
    assert norm.weight.eq(1).all()
    assert norm.bias.eq(0).all()
    assert model.head.bias.eq(0).all()
    assert model.head.weight.abs().max().item() <= 1 / math.sqrt(128)
