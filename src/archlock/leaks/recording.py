"""Watch real forward passes of a model: what every operator asks for and how long it takes, and what operators they
are.

Operators are watched where PyTorch dispatches them, so nothing is printed and the model is left untouched. Sizes are of
what outlives an operator; the work space that it gives back before it ends is not seen, which favours the owner. Times
are CPU times of the thread with one numerical thread, each the least of several passes: on a quiet machine the time by
the wall, on a busy one what a patient observer finds out.
"""

import math
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from statistics import median
from typing import Any, Final
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from archlock.errors import MeasurementError, UnsupportedError
from archlock.execution import one_thread
from archlock.leaks.disguises import before_disguise
from archlock.leaks.operators import Operator, operator_of

Shape = tuple[int, int, int]
PASSES: Final = 15
"""Timed passes, after two that are not."""
BATCHES: Final = (1, 2, 4, 8)
"""Images in a call, of a remote user."""
SHRUNK: Final = (1, 2)
"""Height and width of the images of a remote user, as parts of the model's own."""
CALLS: Final = 12
"""Of each kind, after one that is not timed."""


@dataclass(frozen=True, slots=True)
class Recording:
    """All numbers of one model, of which an observer sees some."""

    sizes: tuple[int, ...]
    held: tuple[int, ...]
    seconds: tuple[float, ...] = ()
    latencies: tuple[float, ...] = ()
    """By batch, then by size; the calls that a model cannot take are left out with all of their size."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What one pass asks for, and the operators that do; the latter are labels, for scores alone."""

    sizes: tuple[int, ...]
    held: tuple[int, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """How long operators take."""

    seconds: tuple[float, ...]
    spread: float
    """By how much halves of the passes disagree on an operator, as a share: large on a busy machine."""


def watch_sizes(module: nn.Module, shape: Shape, *, true: bool = False) -> Sizes:
    """The allocations of a forward pass on one image of shape (channels, height, width), the same in every process.

    Operators are those that run; with ``true`` of disguised convolutions what they were before, and decoys. A model
    that cannot run at that size, one whose operators depend on the image, and operators that readers do not know raise
    UnsupportedError in words.
    """
    images = _images(1, shape)
    with _quiet(module):
        _try(module, images, shape)
        with before_disguise(module) if true else nullcontext(lambda: None) as before:
            found = [_SizesPass(one, before) for one in (torch.zeros_like(images), images)]
            for watched in found:
                with watched:
                    kept = module(watched.image)  # noqa: F841 (the answer is not given back within the pass)
                watched.over = True
    _check_same(*found)
    made = found[1].noted
    return Sizes(tuple(s.size for s in made), tuple(s.held for s in made), tuple(s.operator for s in made))


def watch_times(
    module: nn.Module, shape: Shape, *, passes: int = PASSES, clock: Callable[[], float] = time.thread_time
) -> Times:
    """Seconds of each operator of :func:`watch_sizes`, in the same order: the least of so many passes."""
    images = _images(1, shape)
    with _quiet(module):
        _try(module, images, shape)
        every = []
        for _ in range(passes + 2):
            watched = _TimesPass(clock)
            with watched:
                module(images)
            every.append(watched.seconds)
    if len({len(one) for one in every}) > 1:
        raise UnsupportedError(f"passes have {sorted({len(one) for one in every})} operators; expected always as many")
    return Times(tuple(min(values) for values in zip(*every[2:], strict=True)), spread_of(every[2:]))


def spread_of(passes: Sequence[Sequence[float]]) -> float:
    """How much the even and the odd passes disagree on an operator: median of |a - b| / min(a, b) of their least."""
    even, odd = ([min(values) for values in zip(*passes[start::2], strict=True)] for start in (0, 1))
    return float(median(abs(a - b) / max(min(a, b), 1e-9) for a, b in zip(even, odd, strict=True)))


def watch_calls(
    module: nn.Module,
    shape: Shape,
    *,
    calls: int = CALLS,
    for_seconds: float = 0.0,
    clock: Callable[[], float] = time.thread_time,
) -> tuple[float, ...]:
    """Seconds of whole calls, the least of so many, over ``BATCHES`` and the sizes by ``SHRUNK``.

    All kinds of calls are made in turn, so that a slow moment of the machine does not make one kind slow; ``calls`` of
    each and as many more as it takes for ``for_seconds`` to pass.
    """
    with _quiet(module):
        asked = [_images(batch, at) for at in _sizes_taken(module, shape) for batch in BATCHES]
        spent: list[list[float]] = [[] for _ in asked]
        until = time.perf_counter() + for_seconds
        while len(spent[0]) <= calls or time.perf_counter() < until:  # (the first round warms up)
            for images, seconds in zip(asked, spent, strict=True):
                began = clock()
                module(images)
                seconds.append(clock() - began)
    return tuple(min(seconds[1:]) for seconds in spent)


def _sizes_taken(module: nn.Module, shape: Shape) -> Iterator[Shape]:
    """Of ``SHRUNK``, those that the model can run at; it runs at its own."""
    for part in SHRUNK:
        at = (shape[0], math.ceil(shape[1] / part), math.ceil(shape[2] / part))
        try:
            module(_images(1, at))
        except Exception:
            if part == 1:
                _try(module, _images(1, at), at)
            continue
        yield at


def _images(count: int, shape: tuple[int, ...]) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


@contextmanager
def _quiet(module: nn.Module) -> Iterator[None]:
    """In evaluation mode, without gradients, with one thread; everything is as before afterwards."""
    modes = {one: one.training for one in module.modules()}
    module.eval()
    try:
        with one_thread(), torch.no_grad(), torch.random.fork_rng(devices=[]):
            yield
    finally:
        for one, training in modes.items():
            one.training = training


def _try(module: nn.Module, images: Tensor, shape: tuple[int, ...]) -> None:
    """UnsupportedError that names the layer where the model cannot run, or that is quantised."""
    quantised = [name for name, one in module.named_modules() if "quantized" in type(one).__module__]
    if quantised:
        raise UnsupportedError(
            f"{quantised[0] or 'the model itself'} is a quantised layer, whose operators readers do not know; give the "
            "model in float32, as it was before it was quantised"
        )
    entered: list[str] = []
    names = {one: name for name, one in module.named_modules()}

    def enter(one: nn.Module, _: Any) -> None:
        entered.append(names[one])

    def leave(*_: Any) -> None:
        entered.pop()

    hooks = [one.register_forward_pre_hook(enter) for one in module.modules()]
    hooks += [one.register_forward_hook(leave) for one in module.modules()]
    try:
        module(images)
    except UnsupportedError:
        raise
    except Exception as error:
        layer = next((name for name in reversed(entered) if name), "the model itself")
        words = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UnsupportedError(
            f"the model cannot run on images of channels x height x width {tuple(shape)}: in {layer}: {words}; give "
            "the size that it was trained for with --size"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()


@lru_cache(maxsize=4096)
def _is_operator(func: Any) -> bool:
    """Whether a call computes something; views, and tensors that are only made room for, do not."""
    returns = func._schema.returns
    is_view = any(one.alias_info is not None and not one.alias_info.is_write for one in returns)
    return not is_view and not func._schema.name.startswith(("aten::empty", "aten::_local_scalar", "aten::is_"))


class _Pass(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """What sees every operator, and is never compiled itself (which would cost seconds before the first)."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class _TimesPass(_Pass):
    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.clock, self.seconds = clock, list[float]()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator by the clock."""
        if not _is_operator(func):
            return func(*args, **(kwargs or {}))
        clock = self.clock
        began = clock()
        made = func(*args, **(kwargs or {}))
        self.seconds.append(clock() - began)
        return made


@dataclass(slots=True)
class _Noted:
    name: str
    operator: Operator
    size: int
    waiting: int = 0
    """Tensors of it that are not given back yet."""
    held: int = 0


class _SizesPass(_Pass):
    def __init__(self, image: Tensor, before: Callable[[], Operator | None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.image, self.before = image, before
        self.noted: list[_Noted] = []
        self.over = False
        self._known: WeakKeyDictionary[Any, bool] = WeakKeyDictionary({image.untyped_storage(): True})

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator, and note what it asks for and when that is given back."""
        made = func(*args, **(kwargs or {}))
        if not _is_operator(func):
            return made
        tensors = [one for one in tree_flatten(made)[0] if isinstance(one, Tensor)]
        bare = func._schema.name.partition("::")[2]
        operator = self.before() or operator_of(func.namespace, bare, args, tensors[0] if tensors else None)
        noted = _Noted(f"{func.namespace}::{bare}", operator, 0)
        number = len(self.noted)
        self.noted.append(noted)
        for storage in {one.untyped_storage(): None for one in tensors if one.numel()}:
            if storage not in self._known:
                self._known[storage] = True
                noted.size += storage.nbytes()
                noted.waiting += 1
                weakref.finalize(storage, self._freed, noted, number).atexit = False
        return made

    def _freed(self, noted: _Noted, number: int) -> None:
        noted.waiting -= 1
        if not noted.waiting and not self.over:
            noted.held = max(1, len(self.noted) - 1 - number)


def _check_same(first: _SizesPass, second: _SizesPass) -> None:
    """UnsupportedError where two images lead to different operators, with the first that differs."""
    for number, (one, other) in enumerate(zip_longest(first.noted, second.noted), 1):
        if one is None or other is None or (one.name, one.size) != (other.name, other.size):
            kept = one or other
            raise UnsupportedError(
                f"what the model computes depends on the image: operator {number} is {kept.name} for one image and "
                f"{(other.name if one and other else 'not there')} for another; readers need the same trace for all"
            )
    if not second.noted:
        raise MeasurementError("the model computes nothing that can be observed")
