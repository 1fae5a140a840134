"""Layers whose second derivatives are as cheap as their first.

PyTorch writes the second derivative of batch normalisation as some twenty passes over the activations, and that of a
convolution with transposed copies of them; together they take most of the time of an exact Hessian-vector product of a
convolutional network. Both need no more than the kernels of the first derivative: a convolution's gradients are linear
in each of their three arguments, and a batch norm's gradient is one projection, applied to two vectors (Ioffe and
Szegedy 2015, section 3, differentiated once more in the images). A rectifier and a mean of windows are flat in their
images: PyTorch says so with zeros, which are filled, added, and (those of the pooling) laid out differently from what
they are added to, so that all that follows is slow; here nothing is said.

A difference of two gradients is no way around all this: scaling the weights shifts unnormalised shortcuts against
normalised branches, rectifiers switch, the gradient jumps, and the quotient misses the Hessian several times over.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float64
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


@dataclass
class WayBack:
    """What the swapped convolutions do about their weights when something runs back through them.

    A weight w is linear in its convolution, so the product of w and a gradient in w is one of outputs and the gradient
    there: where only that product is wanted, as at the end of w' H g, the gradient itself need not be formed.
    """

    wanted: Literal["gradients", "products", "neither"] = "gradients"
    """Whether gradients in their weights are formed, or their products with the weights; else none arrives."""
    products: list[Float64[Tensor, ""]] = field(default_factory=list)
    """The products of the weights and what the gradients would have been, one for every use."""


@contextmanager
def cheap_second_derivatives(model: nn.Module) -> Iterator[WayBack]:
    """Inside, what runs through a private model is differentiable twice, at small cost, in images and layer weights.

    Plain 2-d convolutions, batch norms in training mode, rectifiers (not in place) and average poolings are swapped;
    biases, scales and shifts of these are held fixed (no gradient arrives at them). Everything else is as outside. What
    is given may be set later, before anything runs back.
    """
    way = WayBack()
    swapped = []
    for module in model.modules():
        if type(module) is nn.Conv2d and module.padding_mode == "zeros" and not isinstance(module.padding, str):
            module.forward = partial(_convolved, module, way)  # type: ignore[method-assign]
        elif type(module) is nn.BatchNorm2d and module.training:
            module.forward = partial(_normalised, module)  # type: ignore[method-assign]
        elif type(module) is nn.ReLU and not module.inplace:
            module.forward = _Rectify.apply  # type: ignore[method-assign]
        elif type(module) is nn.AvgPool2d:
            module.forward = partial(_pooled, module)  # type: ignore[method-assign]
        else:
            continue
        swapped.append(module)
    try:
        yield way
    finally:
        for module in swapped:
            del module.forward


def _convolved(module: nn.Conv2d, way: WayBack, images: Tensor) -> Tensor:
    bias = None if module.bias is None else module.bias.detach()
    settings = (module.stride, module.padding, module.dilation, False, (0, 0), module.groups)
    result: Tensor = _Convolve.apply(images, module.weight, bias, settings, way)  # type: ignore[no-untyped-call]
    return result


def _normalised(module: nn.BatchNorm2d, images: Tensor) -> Tensor:
    if images.numel() == images.shape[1]:
        return nn.BatchNorm2d.forward(module, images)  # one value a channel: PyTorch says what is wrong with that
    scale = images.new_ones(images.shape[1]) if module.weight is None else module.weight.detach()
    shift = images.new_zeros(images.shape[1]) if module.bias is None else module.bias.detach()
    result: Tensor = _Normalise.apply(images, scale, shift, module.eps)  # type: ignore[no-untyped-call]
    return result


def _pooled(module: nn.AvgPool2d, images: Tensor) -> Tensor:
    step = module.kernel_size if module.stride is None else module.stride
    window = [_pair(size) for size in (module.kernel_size, step, module.padding)]
    settings = (*window, module.ceil_mode, module.count_include_pad, module.divisor_override)
    result: Tensor = _Pool.apply(images, settings)  # type: ignore[no-untyped-call]
    return result


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


class _Convolve(torch.autograd.Function):
    """Convolution with zero padding."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, settings: Any, way: WayBack) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(images, weight)
        ctx.settings, ctx.way = settings, way
        return torch.ops.aten.convolution(images, weight, bias, *settings)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return None, None, None, None, None
        images, weight = ctx.saved_tensors
        if ctx.way.wanted == "gradients":
            found = _ConvolveBack.apply(gradient, images, weight, ctx.settings, ctx.way)  # type: ignore[no-untyped-call]
            return *found, None, None, None
        back, _ = _gradients(gradient, images, weight, ctx.settings, weights=False)
        if ctx.way.wanted == "products":
            ctx.way.products.append(_inner_product(images, back))
        return back, None, None, None, None


class _ConvolveBack(torch.autograd.Function):
    """The gradients in images and weight."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, images: Tensor, weight: Tensor, settings: Any, way: WayBack
    ) -> tuple[Tensor, Tensor | None]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(gradient, images, weight)
        ctx.settings, ctx.way = settings, way
        return _gradients(gradient, images, weight, settings, weights=True)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_images: Tensor | None, to_weight: Tensor | None) -> tuple[Tensor | None, ...]:
        gradient, images, weight = ctx.saved_tensors
        in_gradient, in_images, in_weight = None, None, None
        if to_images is not None:
            in_gradient = torch.ops.aten.convolution(to_images, weight, None, *ctx.settings)
            if ctx.way.wanted == "products":
                ctx.way.products.append(_inner_product(in_gradient, gradient))
            elif ctx.way.wanted == "gradients":
                _, in_weight = _gradients(gradient, to_images, weight, ctx.settings, weights=True)
        if to_weight is not None:
            more = torch.ops.aten.convolution(images, to_weight, None, *ctx.settings)
            in_gradient = more if in_gradient is None else in_gradient.add_(more)
            in_images, _ = _gradients(gradient, images, to_weight, ctx.settings, weights=False)
        return in_gradient, in_images, in_weight, None, None


def _gradients(
    gradient: Tensor, like: Tensor, weight: Tensor, settings: Any, *, weights: bool
) -> tuple[Tensor, Tensor | None]:
    back = torch.ops.aten.convolution_backward(gradient, like, weight, None, *settings, [True, weights, False])
    return back[0], back[1]


class _Normalise(torch.autograd.Function):
    """Normalises by batch statistics, then scales and shifts."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, scale: Tensor, shift: Tensor, eps: float) -> Tensor:
        ctx.set_materialize_grads(False)
        # that kernel's own statistics of a channels-last batch are sums in sequence: a hundred times less accurate
        mean = images.mean((0, 2, 3))
        variance = (images - mean.reshape(1, -1, 1, 1)).square_().mean((0, 2, 3))
        inverse = (variance + eps).rsqrt()
        result, _, _ = torch.native_batch_norm(images, scale, shift, mean, variance, False, 0.0, eps)
        ctx.save_for_backward(images, scale, mean, inverse)
        ctx.eps = eps
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None, None, None]:
        if gradient is None:
            return None, None, None, None
        found = _NormaliseBack.apply(gradient, *ctx.saved_tensors, ctx.eps)  # type: ignore[no-untyped-call]
        return found, None, None, None


class _NormaliseBack(torch.autograd.Function):
    """The gradient in the images: g -> k (g - mean(g) - y mean(g y)), k the scale by deviation, y the normalised."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, images: Tensor, scale: Tensor, mean: Tensor, inverse: Tensor, eps: float
    ) -> Tensor:
        ctx.set_materialize_grads(False)
        projected, along = _projected(gradient, images, scale, mean, inverse, eps)
        ctx.save_for_backward(images, scale, mean, inverse, projected, along)
        ctx.eps = eps
        return projected

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, vector: Tensor | None) -> tuple[Tensor | None, ...]:
        if vector is None:
            return None, None, None, None, None, None
        images, scale, mean, inverse, projected, along = ctx.saved_tensors
        count = images.numel() // images.shape[1]
        back, vector_along = _projected(vector, images, scale, mean, inverse, ctx.eps)
        overlap = _by_channel(vector, projected)
        slope = -overlap * inverse.square() / count  # of the normalised images, which are (images - mean) * inverse
        shape = (1, -1, 1, 1)
        second = torch.addcmul((-mean * slope).reshape(shape), images, slope.reshape(shape))
        second.addcmul_(back, (along * inverse / count).reshape(shape), value=-1)
        second.addcmul_(projected, (vector_along * inverse / count).reshape(shape), value=-1)
        return back, second, None, None, None, None


class _Rectify(torch.autograd.Function):
    """The positive part."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.set_materialize_grads(False)
        result = torch.relu(values)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> Tensor | None:
        if gradient is None:
            return None
        (result,) = ctx.saved_tensors
        back: Tensor = _RectifyBack.apply(gradient, result.detach())  # type: ignore[no-untyped-call]
        return back


class _RectifyBack(torch.autograd.Function):
    """The gradient in the values: linear in the one that arrives, and flat in the values."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, result: Tensor) -> Tensor:
        ctx.save_for_backward(result)
        return torch.ops.aten.threshold_backward(gradient, result, 0)  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, vector: Tensor) -> tuple[Tensor, None]:
        (result,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(vector, result, 0), None


class _Pool(torch.autograd.Function):
    """Means of windows."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, settings: Any) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(images)
        ctx.settings = settings
        return torch.ops.aten.avg_pool2d(images, *settings)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None]:
        if gradient is None:
            return None, None
        (images,) = ctx.saved_tensors
        return _PoolBack.apply(gradient, images.detach(), ctx.settings), None  # type: ignore[no-untyped-call]


class _PoolBack(torch.autograd.Function):
    """The gradient in the images: linear in the one that arrives; of the images only the shape is used."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, images: Tensor, settings: Any) -> Tensor:
        ctx.settings = settings
        return torch.ops.aten.avg_pool2d_backward(gradient, images, *settings)  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, vector: Tensor) -> tuple[Tensor, None, None]:
        return torch.ops.aten.avg_pool2d(vector, *ctx.settings), None, None


def _projected(
    gradient: Tensor, images: Tensor, scale: Tensor, mean: Tensor, inverse: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """The gradient in the images, and the sum by channel of gradient times normalised images."""
    back = torch.ops.aten.native_batch_norm_backward(
        gradient, images, scale, None, None, mean, inverse, True, eps, [True, True, False]
    )
    return back[0], back[1]


def _by_channel(one: Tensor, other: Tensor) -> Tensor:
    """Inner products of the channels; that kernel gives them in one pass as the gradient of a scale."""
    plain = one.new_zeros(one.shape[1]), one.new_ones(one.shape[1])
    back = torch.ops.aten.native_batch_norm_backward(
        one, other, None, None, None, *plain, True, 0.0, [False, True, False]
    )
    return back[1]  # type: ignore[no-any-return]


def _inner_product(one: Tensor, other: Tensor) -> Tensor:
    """By example in their own precision, of the examples in float64."""
    return (one * other).sum((1, 2, 3)).sum(dtype=torch.float64)
