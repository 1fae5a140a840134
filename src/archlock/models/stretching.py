"""How far a model can stretch a change of its images: followed through a forward pass, operation by operation.

Of what comes next to each other the factors are multiplied (Szegedy et al., "Intriguing properties of neural networks",
ICLR 2014, section 4.3); where paths meet they are added (a sum) or the root of the sum of their squares is taken (side
by side); what is no function of the image counts as a constant. Nothing is read from the code of a model: any module
whose operations are known has a bound, shortcuts and cells included.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Factor = Callable[[], float]
Line = Callable[[Sequence[float]], float]
"""The bound of one tensor by those of the tensors before it."""

STEPS: Final = 1000
"""Most steps of a power iteration."""
SETTLED: Final = 1e-7
"""Relative change of a norm from one step to the next at which it has settled."""
NOT_FOLLOWED: Final = "no bound is known: the answer does not depend on the image in a way that is followed"


@dataclass(frozen=True, slots=True)
class Stretching:
    """How far a change of an image may be stretched (L2)."""

    bound: float | None
    """Of the Lipschitz constant of the model; None where an operation has none."""
    note: str
    """Why there is no bound."""
    layers: dict[str, float]
    """Norms of its linear layers and convolutions by name, at the size that they meet, without their bias."""


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    """An operation on one tensor that depends on the image."""

    name: str
    operation: Any
    args: Any
    kwargs: Any
    first: Tensor
    answer: Any

    @property
    def repeated(self) -> float:
        """How often each number of the tensor is in the answer."""
        return float(self.answer.numel() / self.first.numel())


class _UnknownError(Exception):
    """An operation without a bound, in words."""


def _slope(size: float) -> Callable[[_Call], Factor]:
    return lambda _: lambda: size


def _expanding(call: _Call) -> Factor:
    return lambda: math.sqrt(call.repeated)


def _averaging(call: _Call) -> Factor:
    return lambda: call.repeated ** (0.5 if call.name == "mean" else -0.5)


def _scaling(call: _Call) -> Factor:
    """Of a product with, or a division by, what does not depend on the image."""
    left = call.args[0] is call.first
    if call.name == "div" and not left:
        raise _UnknownError("no bound is known for a division by what depends on the image")
    sizes = torch.as_tensor(call.args[1 if left else 0]).detach().abs().double()
    size = float(sizes.max()) if call.name == "mul" else 1 / float(sizes.min())
    return lambda: size * math.sqrt(call.repeated)


def _strided(call: _Call) -> Factor:
    """Of another look at the same numbers."""
    repeats = any(step == 0 and size > 1 for size, step in zip(call.args[1], call.args[2], strict=True))
    if call.repeated != 1 or repeats:
        raise _UnknownError("no bound is known for as_strided that repeats numbers")
    return lambda: 1.0


def _leaky(call: _Call) -> Factor:
    return lambda: max(1.0, abs(float(call.args[1] if len(call.args) > 1 else 0.01)))


def _normalising(call: _Call) -> Factor:
    """Of batch normalisation with running statistics."""
    weight, mean, variance = call.args[1], call.args[3], call.args[4]
    if variance is None or mean is None or (call.name == "native_batch_norm" and call.args[5]):
        raise _UnknownError("no bound is known for batch normalisation by the statistics of the batch")
    scale = torch.ones_like(variance) if weight is None else weight.detach().abs()
    found = float((scale / (variance + call.args[-1]).sqrt()).max())
    return lambda: found


def _overlapping(call: _Call) -> Factor:
    """Of a maximum over windows: the root of how many windows one number can be in."""
    kernel, stride = call.args[1], call.args[2] if len(call.args) > 2 and call.args[2] else call.args[1]
    both = zip(*(one if len(one) > 1 else one * 2 for one in (kernel, stride)), strict=True)
    windows = math.prod(math.ceil(size / step) for size, step in both)
    return lambda: math.sqrt(windows)


def _convolving(call: _Call) -> Factor:
    weight, rest, shape = call.args[1].detach().double(), call.args[3:], tuple(call.first.shape[1:])
    return lambda: largest_stretch(lambda x: call.operation(x, weight, None, *rest), shape)


def _multiplying(call: _Call) -> Factor:
    if call.args[-2] is not call.first:
        raise _UnknownError(f"no bound is known for {call.name} with what depends on the image on the right")
    matrix = call.args[-1].detach().double()
    return lambda: float(torch.linalg.matrix_norm(matrix, 2))


def _itself(call: _Call) -> Factor:
    """Of an operation that is linear."""
    shape = tuple(call.first.shape[1:])
    return lambda: largest_stretch(lambda x: call.operation(x, *call.args[1:], **call.kwargs), shape)


_SLOPES: Final[Mapping[str, float]] = {
    "relu": 1.0,
    "tanh": 1.0,
    "abs": 1.0,
    "neg": 1.0,
    "hardtanh": 1.0,
    "relu6": 1.0,
    "clamp": 1.0,
    "clamp_min": 1.0,
    "softplus": 1.0,
    "sigmoid": 0.25,
    "hardsigmoid": 1 / 6,
    "hardswish": 1.5,
    "silu": 1.0999,
    "gelu": 1.1290,
    "_softmax": 1.0,
    "amax": 1.0,
    "amin": 1.0,
}
"""Largest slope of activations, and maxima over parts that do not overlap."""
_MOVES: Final = (
    *("view", "_unsafe_view", "reshape", "transpose", "permute", "t", "movedim", "squeeze", "unsqueeze", "diagonal"),
    *("select", "slice", "narrow", "unbind", "split", "split_with_sizes", "chunk", "flip", "roll", "constant_pad_nd"),
    *("clone", "_to_copy", "detach", "alias", "contiguous", "lift_fresh", "dropout", "pixel_shuffle"),
    *("pixel_unshuffle", "channel_shuffle", "native_channel_shuffle"),
)
"""Operations that put numbers elsewhere, each at most once."""
_LINEAR: Final = ("avg_pool2d", "_adaptive_avg_pool2d", "upsample_nearest2d", "upsample_bilinear2d", "reflection_pad2d")
_RULES: Final[Mapping[str, Callable[[_Call], Factor]]] = {
    **{name: _slope(size) for name, size in _SLOPES.items()},
    **dict.fromkeys(_MOVES, _slope(1.0)),
    **dict.fromkeys(_LINEAR, _itself),
    **dict.fromkeys(("expand", "repeat"), _expanding),
    **dict.fromkeys(("mean", "sum"), _averaging),
    **dict.fromkeys(("mul", "div"), _scaling),
    **dict.fromkeys(("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"), _normalising),
    **dict.fromkeys(("max_pool2d_with_indices", "max_pool2d"), _overlapping),
    **dict.fromkeys(("mm", "addmm"), _multiplying),
    "convolution": _convolving,
    "leaky_relu": _leaky,
    "as_strided": _strided,
}
"""By how much an operation can stretch its one input, by its name."""
_WEIGHTS: Final = {"convolution": 1, "mm": -1, "addmm": -1}
"""Which of its arguments are the weights of a layer."""


class _Follower(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes a line for every tensor that depends on the images."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lines: list[Line] = [lambda _: 1.0]
        self.places = {id(images): 0}
        self.alive = [images]  # (an identity is one only as long as its tensor lives)
        self.norms: dict[int, Factor] = {}
        """Of layers, by where their weights lie."""
        self.notes: list[str] = []
        """Of operations without a bound."""
        self.lost = False
        """Whether a tensor was changed behind the back of others, whose bounds no longer hold."""

    def __torch_dispatch__(self, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        answer = func(*args, **kwargs)
        leaves = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        if not any(id(one) in self.places for one in leaves):
            return answer
        name = func.overloadpacket.__name__
        try:
            if func._schema.is_mutable:
                self._check_alone(args[0], name)
            line = self._line(name.rstrip("_"), func, args, kwargs, answer)
        except _UnknownError as error:
            self.notes.append(str(error))
            line = lambda _: math.inf  # noqa: E731
        self.lines.append(line)
        for one in tree_leaves(answer):
            if isinstance(one, Tensor):
                self.places[id(one)] = len(self.lines) - 1
                self.alive.append(one)
        return answer

    def _check_alone(self, written: Tensor, name: str) -> None:
        """What is written into must be looked at from nowhere else."""
        storage = written.untyped_storage().data_ptr()
        if any(one is not written and one.untyped_storage().data_ptr() == storage for one in self.alive):
            self.lost = True
            raise _UnknownError(f"{name} writes into a tensor that is seen from two places")

    def _line(self, name: str, func: Any, args: Any, kwargs: Any, answer: Any) -> Line:
        given = [one for one in args if isinstance(one, Tensor) and id(one) in self.places]
        if name in ("cat", "stack"):
            parts = [self.places[id(one)] for one in args[0] if id(one) in self.places]
            return lambda values: math.sqrt(sum(values[place] ** 2 for place in parts))
        if not given:
            raise _UnknownError(f"{name} takes the image in a way that is not followed")
        place, first = self.places[id(given[0])], given[0]
        if name in ("add", "sub", "rsub"):
            return self._sum(args, kwargs, answer)
        if len(given) > 1:
            raise _UnknownError(f"{name} of two things that depend on the image has no bound")
        if name not in _RULES:
            raise _UnknownError(f"no bound is known for {name}")
        factor = cache(_RULES[name](_Call(name, func, args, kwargs, first, answer)))
        if name in _WEIGHTS:
            self.norms[args[_WEIGHTS[name]].data_ptr()] = factor
        return lambda values: values[place] * factor()

    def _sum(self, args: Any, kwargs: Any, answer: Tensor) -> Line:
        scales = (1.0, abs(float(kwargs.get("alpha", args[2] if len(args) > 2 else 1))))
        terms = [
            (self.places[id(one)], scale * math.sqrt(answer.numel() / one.numel()))
            for one, scale in zip(args[:2], scales, strict=False)
            if isinstance(one, Tensor) and id(one) in self.places
        ]
        return lambda values: sum(values[place] * scale for place, scale in terms)


def largest_stretch(layer: Callable[[Tensor], Tensor], shape: tuple[int, ...], *, seed: int = 0) -> float:
    """Largest factor by which a linear function of batches in double precision stretches an input of that shape.

    0 of what is zero everywhere. By power iteration; what it finds is at most the true norm, and within a relative 1e-3
    of it as a rule.
    """
    numbers = torch.Generator().manual_seed(seed)
    vector = torch.randn(1, *shape, generator=numbers, dtype=torch.float64)
    vector, norm = vector / vector.norm(), 0.0
    for _ in range(STEPS):
        with torch.enable_grad():
            leaf = vector.clone().requires_grad_(True)
            said = layer(leaf)
            (back,) = torch.autograd.grad(said, leaf, said.detach())  # (the transpose, applied to what was said)
        before, norm = norm, float(said.detach().norm())
        if norm == 0 or abs(norm - before) <= SETTLED * norm:
            break
        vector = back / back.norm()
    return norm


@torch.no_grad()
def stretching_of(model: nn.Module, shape: tuple[int, int, int]) -> Stretching:
    """Of a model in evaluation mode, for images of that shape in [0, 1]; it is left as it was.

    The bound is loose. Products of two things that depend on the image (attention), normalisation by the statistics of
    an image or a batch, and operations that are not known have none.
    """
    training = {part: part.training for part in model.modules()}
    image = torch.full((1, *shape), 0.5)
    try:
        with _Follower(image) as follower:
            answer = model.eval()(image)
    finally:
        for part, mode in training.items():
            part.training = mode
    values: list[float] = []
    for line in follower.lines:
        values.append(line(values))
    layers = {
        name: follower.norms[part.weight.data_ptr()]()
        for name, part in model.named_modules()
        if isinstance(getattr(part, "weight", None), Tensor) and part.weight.data_ptr() in follower.norms
    }
    bound = values[follower.places[id(answer)]] if id(answer) in follower.places else math.inf
    known = math.isfinite(bound) and not follower.lost
    return Stretching(bound if known else None, "" if known else next(iter(follower.notes), NOT_FOLLOWED), layers)
