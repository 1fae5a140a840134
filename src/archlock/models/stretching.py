"""How far a model can stretch a change of its images: followed through a forward pass, operation by operation.

Of what comes next to each other the factors are multiplied (Szegedy et al., "Intriguing properties of neural networks",
ICLR 2014, section 4.3); where paths meet they are added (a sum) or the root of the sum of their squares is taken (side
by side); what is no function of the image counts as a constant. Nothing is read from the code of a model: any module
whose operations are known has a bound, shortcuts and cells included.
"""

import math
from collections.abc import Callable, Mapping, Sequence
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
}
"""Largest slope of activations."""
_MOVES: Final = frozenset(
    "view _unsafe_view reshape transpose permute t select slice squeeze unsqueeze clone _to_copy detach alias narrow flip "
    "roll unbind split split_with_sizes chunk constant_pad_nd contiguous movedim diagonal pixel_shuffle lift_fresh "
    "pixel_unshuffle channel_shuffle native_channel_shuffle dropout".split()
)
"""Operations that put numbers elsewhere, each at most once."""
_LINEAR: Final = frozenset("avg_pool2d _adaptive_avg_pool2d upsample_nearest2d upsample_bilinear2d reflection_pad2d".split())
"""Linear operations of one tensor: their norm is that of the operation itself."""


class Unknown(Exception):
    """An operation without a bound, in words."""


class _Follower(TorchDispatchMode):
    """Writes a line for every tensor that depends on the images."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.lines: list[Line] = [lambda _: 1.0]
        self.places = {id(images): 0}
        self.alive = [images]  # (an identity is one only as long as its tensor lives)
        self.norms: dict[int, Factor] = {}
        """Of layers, by where their weights lie."""

    def __torch_dispatch__(self, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        answer = func(*args, **kwargs)
        leaves = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        if not any(id(one) in self.places for one in leaves):
            return answer
        name = func.overloadpacket.__name__
        if func._schema.is_mutable:
            self._check_alone(args[0], name)
        line = self._line(name.rstrip("_") if name.endswith("_") else name, func, args, kwargs, answer)
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
            raise Unknown(f"{name} writes into a tensor that is seen from two places")

    def _line(self, name: str, func: Any, args: Any, kwargs: Any, answer: Any) -> Line:
        given = [one for one in args if isinstance(one, Tensor) and id(one) in self.places]
        if name in ("cat", "stack"):
            parts = [self.places[id(one)] for one in args[0] if id(one) in self.places]
            return lambda values: math.sqrt(sum(values[place] ** 2 for place in parts))
        if not given:
            raise Unknown(f"{name} takes the image in a way that is not followed")
        place, first = self.places[id(given[0])], given[0]
        if name in ("add", "sub", "rsub"):
            return self._sum(args, kwargs, answer)
        if len(given) > 1:
            raise Unknown(f"{name} of two things that depend on the image has no bound")
        factor = self._factor(name, func, args, kwargs, first, answer)
        return lambda values: values[place] * factor()

    def _sum(self, args: Any, kwargs: Any, answer: Tensor) -> Line:
        scales = (1.0, abs(float(kwargs.get("alpha", args[2] if len(args) > 2 else 1))))
        terms = [
            (self.places[id(one)], scale * math.sqrt(answer.numel() / one.numel()))
            for one, scale in zip(args[:2], scales, strict=False)
            if isinstance(one, Tensor) and id(one) in self.places
        ]
        return lambda values: sum(values[place] * scale for place, scale in terms)

    def _factor(self, name: str, func: Any, args: Any, kwargs: Any, first: Tensor, answer: Any) -> Factor:
        """By how much one operation can stretch its one input."""
        if name in _SLOPES:
            return lambda: _SLOPES[name]
        if name in _MOVES:
            return lambda: 1.0
        if name in ("expand", "repeat"):
            return lambda: math.sqrt(answer.numel() / first.numel())
        if name in ("mean", "sum"):
            size = first.numel() / answer.numel()
            return lambda: size ** (-0.5 if name == "mean" else 0.5)
        if name in ("mul", "div"):
            return self._scaling(name, args, first, answer)
        if name == "leaky_relu":
            return lambda: max(1.0, abs(float(args[1] if len(args) > 1 else 0.01)))
        if name == "elu" and len(args) == 1:
            return lambda: 1.0
        if name in ("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"):
            return _normalising(name, args)
        if name in ("max_pool2d_with_indices", "max_pool2d"):
            return lambda: _overlap(args)
        if name in ("amax", "amin"):
            return lambda: 1.0
        if name == "convolution" and first is args[0]:
            weight, rest = args[1].detach().double(), args[3:]
            return self._norm(args[1], first, lambda x: func(x, weight, None, *rest))
        if name in ("mm", "addmm") and first is args[-2]:
            matrix = args[-1].detach().double()
            return self._kept(args[-1], lambda: float(torch.linalg.matrix_norm(matrix, 2)))
        if name in _LINEAR:
            return self._norm(None, first, lambda x: func(x, *args[1:], **kwargs))
        raise Unknown(f"no bound is known for {name}")

    def _scaling(self, name: str, args: Any, first: Tensor, answer: Tensor) -> Factor:
        other = args[1] if args[0] is first else args[0]
        if name == "div" and args[0] is not first:
            raise Unknown("no bound is known for a division by what depends on the image")
        sizes = torch.as_tensor(other).detach().abs().double()
        size = float(sizes.max()) if name == "mul" else 1 / float(sizes.min())
        return lambda: size * math.sqrt(answer.numel() / first.numel())

    def _norm(self, weight: Tensor | None, first: Tensor, layer: Callable[[Tensor], Tensor]) -> Factor:
        shape = tuple(first.shape[1:])
        return self._kept(weight, lambda: largest_stretch(layer, shape))

    def _kept(self, weight: Tensor | None, factor: Factor) -> Factor:
        once = cache(factor)
        if weight is not None:
            self.norms[weight.data_ptr()] = once
        return once


def _normalising(name: str, args: Any) -> Factor:
    """Of batch normalisation with running statistics."""
    weight, mean, variance = args[1], args[3], args[4]
    if variance is None or mean is None or (name == "native_batch_norm" and args[5]):
        raise Unknown("no bound is known for batch normalisation by the statistics of the batch")
    scale = torch.ones_like(variance) if weight is None else weight.detach().abs()
    found = float((scale / (variance + args[-1]).sqrt()).max())
    return lambda: found


def _overlap(args: Any) -> float:
    """Root of the number of windows of a maximum that one number can be in."""
    kernel = args[1] if len(args[1]) > 1 else args[1] * 2
    stride = (args[2] if len(args) > 2 and args[2] else kernel) if len(args) > 2 else kernel
    stride = stride if len(stride) > 1 else stride * 2
    return math.sqrt(math.prod(math.ceil(k / s) for k, s in zip(kernel, stride, strict=True)))


def largest_stretch(layer: Callable[[Tensor], Tensor], shape: tuple[int, ...], *, seed: int = 0) -> float:
    """Largest factor by which a linear function of batches in double precision stretches an input of that shape.

    By power iteration; what it finds is at most the true norm, and within a relative 1e-3 of it as a rule.
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
def follow_stretching(model: nn.Module, shape: tuple[int, int, int]) -> tuple[float, dict[str, float]]:
    """Bound of the Lipschitz constant (L2) of a model in evaluation mode, and the norms of its layers by name.

    Images of that shape, in [0, 1]; the model is left as it was. An operation without a bound raises Unknown.
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
    return values[follower.places[id(answer)]], layers
