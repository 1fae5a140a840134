"""What is watched: numbers in order, the same whatever things are called, and refusals in words."""

from collections import OrderedDict
from dataclasses import fields
from itertools import count

import pytest
import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.leaks import (
    GENERATORS,
    OBSERVERS,
    Observation,
    Recording,
    training_network,
    watch_calls,
    watch_sizes,
    watch_times,
)
from archlock.leaks.families import Padded
from archlock.leaks.recording import BATCHES, spread_of

SHAPE = (3, 8, 8)


class Skips(nn.Module):
    """Two convolutions, the first answer added to the second."""

    def __init__(self, *, inplace: bool = False) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.relu, self.head = nn.ReLU(inplace), nn.Linear(4, 2)

    def forward(self, images: Tensor) -> Tensor:
        first = self.one(images)
        second = self.relu(self.two(first))
        return self.head((first + second).mean((2, 3)))


def test_sizes_and_givings_back_are_those_counted_by_hand() -> None:
    found = watch_sizes(Skips(), SHAPE)
    assert [one.kind for one in found.operators] == ["conv3", "conv1", "activation", "add", "mean", "linear"]
    maps = 4 * 8 * 8 * 4  # channels x height x width x bytes of a float
    assert found.sizes == (maps, maps, maps, maps, 4 * 4, 2 * 4)
    # first: until forward has ended; the second's argument: until its module has; what is added: until its mean
    assert found.held == (5, 1, 3, 1, 1, 0)


def test_what_is_done_in_place_asks_for_nothing() -> None:
    found = watch_sizes(Skips(inplace=True), SHAPE)
    assert found.sizes[2] == 0
    assert OBSERVERS["memory"].visible(found.sizes) == (0, 1, 3, 4, 5)
    assert OBSERVERS["both"].visible(found.sizes) == (0, 1, 2, 3, 4, 5)


def test_an_operator_is_described_by_its_kernel_stride_groups_and_channels() -> None:
    network = nn.Sequential(
        nn.Conv2d(4, 8, 5, stride=2, padding=2, groups=2), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.MaxPool2d(2),
        nn.BatchNorm2d(8), nn.Conv2d(8, 4, 7, padding=3), nn.AvgPool2d(3, 1),
    )  # fmt: skip
    found = watch_sizes(network, (4, 12, 12)).operators
    assert [(one.kind, one.kernel, one.stride, one.groups, one.channels) for one in found] == [
        ("grouped", 5, 2, 2, 8),
        ("depthwise", 3, 1, 8, 8),
        ("pool", 2, 2, 1, 8),
        ("norm", 0, 1, 1, 8),
        ("conv7", 7, 1, 1, 4),
        ("pool", 3, 1, 1, 4),
    ]


def test_a_shortcut_without_weights_is_a_copy_among_the_residual_networks() -> None:
    maps = torch.arange(2 * 3 * 4 * 4.0).view(2, 3, 4, 4)
    made = Padded(3, 6, 2)(maps)
    assert made.shape == (2, 6, 2, 2)
    assert torch.equal(made[:, 1:4], maps[:, :, ::2, ::2])
    assert not made[:, [0, 4, 5]].any()
    names = tuple(GENERATORS)
    several = [training_network(names.index("residual") + len(names) * n, (3, 32, 32), seed=0)[1] for n in range(8)]
    padded = [network for network in several if any(isinstance(part, Padded) for part in network.modules())]
    assert 0 < len(padded) < len(several)
    assert "copy" in {one.kind for one in watch_sizes(padded[0].eval(), (3, 32, 32)).operators}


def test_another_order_and_other_names_of_the_parts_give_the_same_observation() -> None:
    def network(names: tuple[str, ...]) -> nn.Module:
        class Named(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                parts = {"a": nn.Conv2d(3, 4, 3, padding=1), "b": nn.BatchNorm2d(4), "c": nn.Linear(4, 2)}
                for name, key in sorted(zip(names, parts, strict=True)):
                    setattr(self, name, parts[key])

            def forward(self, images: Tensor) -> Tensor:
                a, b, c = (getattr(self, name) for name in names)
                return c(b(a(images)).mean((2, 3)).relu().sigmoid())

        return Named()

    here, there = network(("first", "second", "third")), network(("z", "y", "x"))
    assert list(here.state_dict()) != list(there.state_dict())
    clock = [count().__next__, count().__next__]
    seen = []
    for module, ticks in zip((here, there), clock, strict=True):
        found = watch_sizes(module, SHAPE)
        times = watch_times(module, SHAPE, passes=2, clock=lambda ticks=ticks: float(ticks()))
        recording = Recording(found.sizes, found.held, times.seconds)
        seen.append([OBSERVERS[name].observe(recording) for name in ("memory", "timer", "both")])
    assert seen[0] == seen[1]


def test_an_observation_holds_numbers_and_nothing_else() -> None:
    kinds = {str(one.type) for one in fields(Observation)}
    assert kinds == {"tuple[float, ...]", "tuple[int, ...]"}
    seen = {name: OBSERVERS[name].observe(Recording((8,) * 6, (1,) * 6, (0.1,) * 6, (0.5,))) for name in OBSERVERS}
    empty = {name: {f.name for f in fields(one) if not getattr(one, f.name)} for name, one in seen.items()}
    assert empty == {
        "service": {"seconds", "sizes", "held"},
        "memory": {"seconds", "latencies"},
        "timer": {"sizes", "held", "latencies"},
        "both": {"latencies"},
    }


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"seconds": (0.1,) * 4}, "a trace of 4 operators is too short to read; expected at least 5"),
        ({"seconds": (0.1, -0.5, 0.1, 0.1, 0.1)}, "seconds of an observation are 0 or above; number 2 is -0.5"),
        ({"seconds": (0.1, 0.1, float("nan"), 0.1, 0.1)}, "number 3 is nan"),
        ({"sizes": (1,) * 6, "held": (1,) * 5}, r"of one length; got \[5, 6\]"),
        ({}, "at least one column"),
    ],
)
def test_what_cannot_be_observed_is_refused(columns: dict, words: str) -> None:
    with pytest.raises(MeasurementError, match=words):
        Observation(**columns)


def test_the_least_of_the_passes_counts_and_their_disagreement_is_said() -> None:
    assert spread_of([(1.0, 4.0), (1.5, 2.0), (3.0, 3.0), (2.0, 9.0)]) == 0.5  # halves (1, 3) and (1.5, 2)
    ticks = iter([0.0, 9.0] * 8 * 2 + [0.0, 3.0] * 8 + [0.0, 2.0] * 8)
    network = nn.Sequential(*[nn.ReLU() for _ in range(8)])
    found = watch_times(network, SHAPE, passes=2, clock=lambda: next(ticks))
    assert found.seconds == (2.0,) * 8
    assert found.spread == 0.5


def test_a_remote_user_asks_by_batch_and_by_size_as_far_as_the_model_goes() -> None:
    any_size = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1))
    assert len(watch_calls(any_size, SHAPE, calls=1)) == 2 * len(BATCHES)
    one_size = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 36, 2))
    assert len(watch_calls(one_size, SHAPE, calls=1)) == len(BATCHES)


def test_kinds_of_calls_are_made_in_turn_so_that_a_slow_moment_makes_none_slow() -> None:
    seen: list[tuple[int, ...]] = []

    class Watched(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(tuple(images.shape))
            return images

    watch_calls(Watched(), SHAPE, calls=3)
    kinds = [(batch, 3, side, side) for side in (8, 4) for batch in BATCHES]
    assert seen[-4 * len(kinds) :] == 4 * kinds


def test_a_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    model.train()
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    watch_sizes(model, SHAPE), watch_times(model, SHAPE, passes=2), watch_calls(model, SHAPE, calls=1)
    assert all(one.training for one in model.modules())
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


class Depends(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.relu() if images.sum() > 0 else images.relu().sigmoid()


class Attends(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(images, images, images)


class Quantised(nn.Identity):
    """As those of PyTorch are known: by where their class is from."""

    __module__ = "torch.ao.nn.quantized.modules.linear"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            nn.Sequential(OrderedDict(stem=nn.Conv2d(3, 4, 3), late=nn.Sequential(nn.Conv2d(5, 4, 3)))),
            r"cannot run on images of channels x height x width \(3, 8, 8\): in late.0: .*give the size",
        ),
        (Depends(), "depends on the image: operator 4 is aten::sigmoid for one image and not there for another"),
        (Attends(), "scaled_dot_product.*an operator of transformers, which readers do not know yet"),
        (nn.LayerNorm(8), "native_layer_norm, an operator of transformers"),
        (nn.Sequential(Quantised()), "0 is a quantised layer, whose operators readers do not know; give the model in"),
    ],
    ids=["wrong layer", "depends on the image", "attention", "layer norm", "quantised"],
)
def test_what_cannot_be_watched_is_refused_in_words(model: nn.Module, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        watch_sizes(model, SHAPE)
