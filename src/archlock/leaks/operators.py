"""What an operator of a forward pass is: the labels that a reader is taught and judged by, never what it is given.

Operators are those of ATen below autograd, in evaluation mode: a linear layer is one matrix product, flattening and
other views are none. Kinds of convolutions have their kernel in their name, as in the literature (DeepSniffer,
DeepPeep): their costs differ most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from torch import Tensor

from archlock.errors import UnsupportedError

CONVOLUTIONS: Final = ("conv1", "conv3", "conv5", "conv7", "depthwise", "grouped")
OPERATORS: Final = (
    *CONVOLUTIONS, "norm", "activation", "pool", "add", "concat", "copy", "mean", "linear", "scale", "other", "decoy",
)  # fmt: skip
"""Every kind of operator there is a name for."""
DECOY: Final = "decoy"
"""What is there to mislead, as whoever disguised the model knows it; no operator is one by itself."""
PASSING: Final = ("norm", "scale", "copy", "other", DECOY)
"""Kinds that are no part of the skeleton: folding removes them, and decoys add them, without another function."""

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "norm": ("native_batch_norm", "_native_batch_norm_legit_no_training", "native_group_norm"),
    "activation": (
        "relu", "hardtanh", "silu", "hardswish", "gelu", "elu", "sigmoid", "leaky_relu", "clamp", "clamp_min",
        "threshold", "tanh", "hardsigmoid", "_prelu_kernel", "relu6", "mish", "softplus",
    ),
    "pool": ("max_pool2d_with_indices", "avg_pool2d", "max_pool2d"),
    "concat": ("cat",),
    "copy": ("clone", "copy", "constant_pad_nd", "pixel_shuffle", "_to_copy", "stack", "channel_shuffle", "roll"),
    "mean": ("mean", "_adaptive_avg_pool2d", "sum", "amax", "_adaptive_max_pool2d"),
    "linear": ("addmm", "mm", "linear"),
    "scale": ("sub", "mul", "div", "rsub", "neg"),
}  # fmt: skip
_KINDS: Final = MappingProxyType({name: kind for kind, names in _NAMES.items() for name in names})
_TRANSFORMERS: Final = ("softmax", "layer_norm", "attention", "bmm")
_KERNELS: Final = (1, 3, 5, 7)


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator, as whoever has the model knows it."""

    kind: str
    """One of ``OPERATORS``."""
    channels: int
    """Of what it makes; of a matrix product its columns."""
    kernel: int = 0
    """Height or width, whichever is larger; 0 where there is none."""
    stride: int = 1
    groups: int = 1


def operator_of(namespace: str, name: str, arguments: Sequence[Any], made: Tensor | None) -> Operator:
    """The operator of a call of ``namespace::name``.

    Attention, layer normalisation and quantised operators raise UnsupportedError: readers do not know them.
    """
    bare = name.rstrip("_")
    channels = made.shape[1] if made is not None and made.ndim > 1 else 0
    if namespace == "quantized" or "quantize" in name:
        raise UnsupportedError(
            f"the model computes {namespace}::{name}, a quantised operator, which readers do not know; give the model "
            "in float32, as it was before it was quantised"
        )
    if any(word in name for word in _TRANSFORMERS):
        raise UnsupportedError(
            f"the model computes {namespace}::{name}, an operator of transformers, which readers do not know yet; give "
            "a network of convolutions"
        )
    if namespace != "aten":
        return Operator("other", channels)
    if bare in ("convolution", "_convolution"):
        return _convolution(arguments, channels)
    if bare == "add":
        return Operator(_sum(arguments), channels)
    kind = _KINDS.get(bare, "other")
    if kind == "pool":
        kernel, stride = _largest(arguments[1]), _largest(arguments[2] if len(arguments) > 2 else arguments[1])
        return Operator(kind, channels, kernel, stride or kernel)
    return Operator(kind, channels)


def _convolution(arguments: Sequence[Any], channels: int) -> Operator:
    """``convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)``."""
    weight, stride, groups = arguments[1], _largest(arguments[3]), int(arguments[8])
    return convolution_operator(int(max(weight.shape[2:])), stride, groups, channels, of_one=weight.shape[1] == 1)


def convolution_operator(kernel: int, stride: int, groups: int, channels: int, *, of_one: bool) -> Operator:
    """The operator of a convolution; ``of_one``: every output is made of one input channel."""
    if groups == 1:
        kind = f"conv{min(_KERNELS, key=lambda one: (abs(one - kernel), -one))}"
    else:
        kind = "depthwise" if of_one else "grouped"
    return Operator(kind, channels, kernel, stride, groups)


def _sum(arguments: Sequence[Any]) -> str:
    """Two feature maps are added; a number or one value a channel only shifts."""
    left, right = arguments[0], arguments[1]
    both = isinstance(left, Tensor) and isinstance(right, Tensor)
    return "add" if both and left.shape == right.shape else "scale"


def _largest(value: Any) -> int:
    return int(max(value, default=0)) if isinstance(value, Sequence) else int(value)
