"""Every manoeuvre computes what the convolution computed, on random convolutions in both precisions, and on models."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import RunError
from archlock.models import (
    MANOEUVRES,
    Convolution,
    Disguise,
    Disguised,
    Trick,
    build,
    convolutions_of,
    decoded_edits,
    disguised,
    edit_record,
    restructured,
    without_numbers,
)
from archlock.seeding import rng_for
from archlock.spaces import SPACES
from archlock.tasks import Signature

SIGNATURE = Signature("classification", (3, 12, 12), 5, (0.5,) * 3, (0.2,) * 3)
RANDOM = 15


def random_convolution(number: int) -> nn.Conv2d:
    """Channels, kernel, stride, dilation, groups and bias at random."""
    rng = rng_for(0, "convolution", number)
    groups = int(rng.choice((1, 1, 2, 4, 16)))
    into, made = (16, 16 * int(rng.choice((1, 2)))) if groups > 1 else (int(rng.choice((3, 8, 12))), 8)
    kernel = tuple((1, 3, 5)[i] for i in rng.integers(3, size=2)) if number % 3 == 0 else int(rng.choice((1, 3, 5)))
    torch.manual_seed(number)
    return nn.Conv2d(
        into,
        made,
        kernel,
        stride=int(rng.choice((1, 2))),
        padding=int(rng.integers(3)),
        dilation=int(rng.choice((1, 2))),
        groups=groups,
        bias=bool(rng.integers(2)),
    )


def every_trick(layer: nn.Conv2d) -> list[tuple[Trick, ...]]:
    """Each option of each manoeuvre alone."""
    return [(trick,) for one in MANOEUVRES.values() for trick in one.options((layer,))]


def random_chain(layer: nn.Conv2d, rng: np.random.Generator) -> tuple[Trick, ...]:
    """One option of every manoeuvre, in the order of the catalog."""
    row: tuple[nn.Module, ...] = (layer,)
    done: tuple[Trick, ...] = ()
    for one in MANOEUVRES.values():
        options = one.options(row)
        if options:
            trick = options[int(rng.integers(len(options)))]
            row, done = one.apply(row, trick), (*done, trick)
    return done


@pytest.mark.parametrize(("precision", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 2e-6)])
def test_every_trick_and_chains_of_them_are_exact(precision: Any, tolerance: float) -> None:
    seen = set()
    for number in range(RANDOM):
        layer = random_convolution(number).to(precision)
        kept = {name: value.clone() for name, value in layer.state_dict().items()}
        maps = torch.randn(2, layer.in_channels, 13, 11, dtype=precision)
        wanted = layer(maps)
        for tricks in (*every_trick(layer), random_chain(layer, rng_for(1, "chain", number))):
            seen |= {(one.manoeuvre, one.of) for one in tricks}
            made = disguised(layer, tricks)
            apart = (made(maps) - wanted).abs().max() / wanted.abs().max()
            assert apart <= tolerance, (layer, tricks)
            assert made(maps).dtype == precision
        assert all(torch.equal(value, kept[name]) for name, value in layer.state_dict().items())
    named = {"group", "kernel", "branch", "deepen", "dummy"}
    assert {name for name, _ in seen} == named == set(MANOEUVRES) - {"fold", "arena"}
    assert {of for _, of in seen} >= {"outputs", "inputs", "conv1", "depthwise3 activation"}


def test_what_each_does_is_what_it_says() -> None:
    layer = nn.Conv2d(8, 16, 1, groups=8)
    wider = disguised(layer, (Trick("kernel"),)).working
    assert (wider.kernel_size, wider.padding, wider.groups) == ((3, 3), (1, 1), 8)
    assert int((wider.weight != 0).sum()) == layer.weight.numel()
    grouped = disguised(layer, (Trick("group", 4),)).working
    assert (grouped.groups, tuple(grouped.weight.shape)) == (2, (16, 4, 1, 1))
    parts = disguised(nn.Conv2d(8, 16, 3), (Trick("branch", 4, "inputs"),)).row[0].parts
    assert [(part.in_channels, part.out_channels, part.bias is not None) for part in parts] == [
        (2, 16, True),
        *[(2, 16, False)] * 3,
    ]
    deep = disguised(layer, (Trick("deepen", 1, "depthwise3 activation"), Trick("dummy", 2)))
    assert [type(part).__name__ for part in deep.row] == ["Conv2d", "Unbounded", "Conv2d", "Zeros", "Zeros"]
    assert deep.true == Convolution(1, 1, 8, 8, 16)


@pytest.mark.parametrize(
    "tricks",
    [
        (Trick("branch", 3, "outputs"),),
        (Trick("branch", 2, "inputs"), Trick("kernel")),  # (a kernel is no more one kernel)
        (Trick("dummy", 9),),
        (Trick("mirror"),),
    ],
)
def test_a_trick_that_does_not_fit_is_refused(tricks: tuple[Trick, ...]) -> None:
    with pytest.raises(RunError, match=r"does not fit a Convolution\(kernel=3.*the record was changed"):
        disguised(nn.Conv2d(8, 8, 3), tricks)


def test_subclasses_heads_hooks_and_other_edges_stay_as_they_are() -> None:
    class Own(nn.Conv2d):
        pass

    hooked = nn.Conv2d(2, 2, 1)
    hooked.register_forward_hook(lambda *_: None)
    layers = [nn.Conv2d(2, 2, 1), Own(2, 2, 1), hooked, nn.Conv2d(2, 2, 1, padding_mode="reflect"), nn.Linear(2, 2)]
    model = nn.Sequential(*layers)
    assert convolutions_of(model) == ["0"]
    model.head = nn.Conv2d(2, 2, 1)
    assert convolutions_of(model) == ["0"]


class Pads(nn.Module):
    """Pads by the shape of its convolution, as networks from TensorFlow do."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3, stride=2)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        more = self.convolution.kernel_size[0] - self.convolution.stride[0]
        return self.convolution(nn.functional.pad(maps, (0, more, 0, more)))


def test_a_convolution_in_disguise_answers_for_its_shape_as_before() -> None:
    torch.manual_seed(0)
    model, images = nn.Sequential(Pads()), torch.rand(2, 3, 8, 8)
    hidden = restructured(model, [Disguise("0.convolution", (Trick("kernel"), Trick("branch", 2, "outputs")))])
    torch.testing.assert_close(hidden(images), model(images), rtol=1e-5, atol=1e-6)


def test_a_model_in_disguise_is_described_and_built_again_without_numbers() -> None:
    def make() -> nn.Module:
        return build(SPACES["mobilenet_macro"].architecture("02012100"), SIGNATURE, width=8, depth=1, seed=0).eval()

    model = make()
    images = torch.rand(3, 3, 12, 12)
    wanted = model(images)
    rng = rng_for(0, "plan")
    edits = [Disguise(name, random_chain(model.get_submodule(name), rng)) for name in convolutions_of(model)]
    assert len({trick.manoeuvre for one in edits for trick in one.tricks}) == 5
    read = decoded_edits([edit_record(one) for one in edits])
    assert read == tuple(edits)
    hidden = restructured(model, edits)
    assert sum(isinstance(part, Disguised) for part in hidden.modules()) == len(edits)
    assert (hidden(images) - wanted).abs().max() <= 1e-5 * wanted.abs().max()
    empty = restructured(without_numbers(make), edits)
    shapes = {name: value.shape for name, value in hidden.state_dict().items()}
    assert {name: value.shape for name, value in empty.state_dict().items()} == shapes
    assert all(value.is_meta for value in empty.state_dict().values())


def test_chains_in_every_order_of_identities_and_zeros_are_taken() -> None:
    layer = nn.Conv2d(4, 4, 3, padding=1)
    maps = torch.randn(1, 4, 5, 5)
    for tricks in itertools.permutations((Trick("dummy", 1), Trick("deepen", 1, "conv1"), Trick("dummy", 2))):
        torch.testing.assert_close(disguised(layer, tricks)(maps), layer(maps))
