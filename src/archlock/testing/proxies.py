"""What every proxy must keep: ``for check in PROXY_CHECKS: check(proxy)``, and ``same_in_another_process(proxies)``.

Plug-in authors run it on a proxy of their own. The models here are small but have what breaks promises: normalisation
by buffers, batch statistics, dropout, in-place rectifiers, a residual sum, frozen parameters, gradients already there.
"""

import copy
import math
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor, nn

from archlock.errors import ArchLockError, ConfigurationError, MeasurementError, UnsupportedError
from archlock.execution import one_thread
from archlock.proxies import Cost, Proxy, measure_together
from archlock.tasks import KINDS, Kind
from archlock.training import Batch

EVERY: tuple[Kind, ...] = get_args(Kind)
OLDEST: tuple[Kind, ...] = ("classification", "dense")
"""Kinds with which every promise is held; with the others those that could depend on them."""


class SmallNetwork(nn.Module):
    """Standardise, convolve, a residual sum, head. ``connected=False`` makes it a constant predictor."""

    mean: Tensor

    def __init__(self, kind: Kind, *, connected: bool = True, width: int = 6) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.4))
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.body = nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.Dropout(0.2),
        )
        self.tail = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU())
        self.connected = connected
        pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 4))
        self.head = nn.Conv2d(width, 2, 1) if KINDS[kind].dense else pooled

    def forward(self, images: Tensor) -> Tensor:
        """Four logits, or an image of two channels."""
        hidden = self.stem((images - self.mean) / 0.25)
        if not self.connected:
            hidden = hidden * 0
        result: Tensor = self.head(self.tail(hidden + self.body(hidden.clone())))
        return result


def small_model(kind: Kind, *, seed: int = 0, connected: bool = True) -> nn.Module:
    """The small network with random weights from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SmallNetwork(kind, connected=connected)


def small_batches(kind: Kind, count: int = 2, size: int = 8) -> list[Batch]:
    """Batches of random 6 x 6 images: four classes, labels or numbers, or random target images of two channels."""
    chance = torch.Generator().manual_seed(1)
    found = []
    for _ in range(count):
        images = torch.rand(size, 3, 6, 6, generator=chance).contiguous(memory_format=torch.channels_last)
        found.append(Batch(images, _targets(kind, size, chance), kind))
    return found


def _targets(kind: Kind, size: int, chance: torch.Generator) -> Tensor:
    learned = KINDS[kind]
    if learned.has_classes:
        return torch.arange(size) % 4
    numbers = torch.rand((size, 2, 6, 6) if learned.dense else (size, 4), generator=chance)
    return numbers if learned.floating else (numbers > 0.5).to(torch.uint8)


def kinds_of(proxy: Proxy) -> list[Kind]:
    """The kinds of task that a proxy supports; of many the oldest, for promises that do not depend on the kind."""
    able = [kind for kind in EVERY if proxy.supports(kind)]
    return [kind for kind in able if kind in OLDEST] or able


def describes_itself(proxy: Proxy) -> None:
    """Name, paper, unit and cost are there, it needs one or two batches, and some kind of task has a meaning."""
    assert proxy.name
    assert proxy.paper
    assert proxy.unit
    assert proxy.cost in get_args(Cost)
    assert proxy.batches in (1, 2)
    assert kinds_of(proxy)


def has_a_value(proxy: Proxy) -> None:
    """A finite float for a connected model on every kind it supports; UnsupportedError that says so on the others."""
    for kind in EVERY:
        model, batches = small_model(kind), small_batches(kind)
        if proxy.supports(kind):
            value = proxy.measure(model, batches, seed=0)
            assert isinstance(value, float)
            assert math.isfinite(value)
        else:
            words = _refusal(proxy, model, batches, UnsupportedError)
            assert f"{proxy.name} has no meaning for a {kind} task" in words


def leaves_no_footprints(proxy: Proxy) -> None:
    """Weights, buffers, gradients, modes, hooks, ``requires_grad``, batches and global random states are as before."""
    for kind in kinds_of(proxy):
        model, batches = small_model(kind), small_batches(kind)
        first = next(model.parameters())
        first.requires_grad_(False)
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        next(model.children()).eval()
        before, state = _photograph(model), _random_states()
        kept = copy.deepcopy([(batch.images, batch.targets) for batch in batches])
        proxy.measure(model, batches, seed=0)
        assert _photograph(model) == before
        assert _random_states() == state
        for batch, (images, targets) in zip(batches, kept, strict=True):
            assert torch.equal(batch.images, images)
            assert torch.equal(batch.targets, targets)
            assert not batch.images.requires_grad


def depends_on_nothing_else(proxy: Proxy) -> None:
    """Same bits again, in evaluation mode, without gradients, after other random numbers, and on a copy."""
    for kind in kinds_of(proxy):
        model, batches = small_model(kind), small_batches(kind)
        value = proxy.measure(model, batches, seed=0)
        assert proxy.measure(model, batches, seed=0) == value
        with torch.inference_mode(), torch.random.fork_rng(devices=[]), torch.autocast("cpu", dtype=torch.bfloat16):
            torch.manual_seed(99)
            other = copy.deepcopy(model).eval().requires_grad_(False)
            assert proxy.measure(other, batches, seed=0) == value


def takes_the_first_batches(proxy: Proxy) -> None:
    """Batches beyond those it needs change nothing; too few raise ConfigurationError that says how many it needs."""
    for kind in kinds_of(proxy):
        model, batches = small_model(kind), small_batches(kind, count=4)
        value = proxy.measure(model, batches, seed=0)
        assert proxy.measure(model, batches[: proxy.batches], seed=0) == value
        words = _refusal(proxy, model, batches[: proxy.batches - 1], ConfigurationError)
        assert f"got {proxy.batches - 1}" in words or "got batches of []" in words


def refuses_what_has_no_value(proxy: Proxy) -> None:
    """MeasurementError with the proxy's name for a constant predictor (unless the proxy only counts) and NaN weights.

    A proxy that does not look at the weights may give the latter a finite value.
    """
    for kind in kinds_of(proxy):
        batches = small_batches(kind)
        constant = small_model(kind, connected=False)
        if proxy.cost == "counts":
            assert math.isfinite(proxy.measure(constant, batches, seed=0))
        else:
            assert proxy.name in _refusal(proxy, constant, batches, MeasurementError)
        broken = small_model(kind)
        with torch.no_grad():
            next(broken.parameters()).fill_(math.nan)
        values = {proxy.measure(small_model(kind, seed=seed), batches, seed=0) for seed in (0, 1)}
        if len(values) == 2:
            assert proxy.name in _refusal(proxy, broken, batches, MeasurementError)


def is_the_same_in_company(proxy: Proxy) -> None:
    """Measured twice on a bench it shares, and alone: the same bits."""
    for kind in kinds_of(proxy):
        model, batches = small_model(kind), small_batches(kind)
        together = measure_together(model, batches, [proxy], seed=3)[proxy.name]
        assert together.status == "valid"
        assert together.note == ""
        assert together.value == proxy.measure(model, batches, seed=3)


PROXY_CHECKS: tuple[Callable[[Proxy], None], ...] = (
    describes_itself,
    has_a_value,
    leaves_no_footprints,
    depends_on_nothing_else,
    takes_the_first_batches,
    refuses_what_has_no_value,
    is_the_same_in_company,
)


def same_in_another_process(proxies: Sequence[Proxy]) -> None:
    """A new process gives every proxy the same bits (costs the start of one process, whatever the number)."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(_values, proxies).result()
    assert _values(proxies) == there


def _values(proxies: Sequence[Proxy]) -> list[float]:
    with one_thread():
        return [
            proxy.measure(small_model(kind), small_batches(kind), seed=0)
            for proxy in proxies
            for kind in kinds_of(proxy)
        ]


def _refusal(proxy: Proxy, model: nn.Module, batches: Sequence[Batch], expected: type[ArchLockError]) -> str:
    """The words with which a proxy refuses to measure."""
    try:
        value = proxy.measure(model, batches, seed=0)
    except expected as error:
        return str(error)
    raise AssertionError(f"{proxy.name} should raise {expected.__name__}, but gave the value {value}")


def _photograph(model: nn.Module) -> list[object]:
    tensors = [
        (
            name,
            tensor.requires_grad,
            tensor.stride(),
            tensor.tolist(),
            None if tensor.grad is None else tensor.grad.tolist(),
        )
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]
    ]
    modules = [(m.training, len(m._forward_hooks), len(m._forward_pre_hooks), sorted(vars(m))) for m in model.modules()]
    return [tensors, modules]


def _random_states() -> tuple[object, ...]:
    # not Python's own generator: run-time type checkers draw from it to pick the elements they look at
    words: Any = np.random.get_state(legacy=True)  # noqa: NPY002  (the global generator is what must be left alone)
    return torch.random.get_rng_state().tolist(), words[1].tolist(), words[2]
