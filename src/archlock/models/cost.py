"""What a model costs: parameters and arithmetic."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(model: nn.Module) -> int:
    """Number of parameters (not buffers); one shared by several modules counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_int8_bytes(model: nn.Module) -> int:
    """Bytes of the weights in eight bits: one for each weight of convolutions and linear layers, four for a scale of
    each of their channels, and four for every other parameter (biases, normalisations)."""
    total = 0
    for one in model.modules():
        for name, parameter in one.named_parameters(recurse=False):
            is_weight = name == "weight" and parameter.dim() > 1
            total += parameter.numel() + 4 * len(parameter) if is_weight else 4 * parameter.numel()
    return total


def count_flops(model: nn.Module, shape: tuple[int, int, int]) -> int:
    """Floating-point operations for one image of shape (channels, height, width): 2 for every multiply-add.

    Counts convolutions and linear layers, without biases, as often as they are called; normalisation, activations,
    pooling and sums are left out, as in the benchmarks' tables (which give half of this number: multiply-adds). Runs
    the model once on zeros, in evaluation mode, and leaves it untouched.
    """
    total = 0

    def count(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        weight = module.weight  # (no parameter, where it is parametrised or kept by a hook)
        assert isinstance(weight, Tensor)
        per_output = weight[0].numel()  # a convolution: input channels of the group x kernel; a linear layer: inputs
        total += 2 * per_output * output.numel()

    handles = [
        module.register_forward_hook(count)
        for module in model.modules()
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear)
    ]
    modes = {module: module.training for module in model.modules()}
    parameter = next(model.parameters(), torch.zeros(()))
    try:
        model.eval()
        with torch.no_grad():
            model(torch.zeros(1, *shape, device=parameter.device, dtype=parameter.dtype))
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training
    return total


def count_all_flops(model: nn.Module, shape: tuple[int, int, int]) -> int:
    """As :func:`count_flops`, with every matrix product there is, attention too: as torch counts them."""
    modes = {module: module.training for module in model.modules()}
    parameter = next(model.parameters(), torch.zeros(()))
    counter = FlopCounterMode(display=False)
    try:
        model.eval()
        with counter, torch.no_grad():
            model(torch.zeros(1, *shape, device=parameter.device, dtype=parameter.dtype))
    finally:
        for module, training in modes.items():
            module.training = training
    return counter.get_total_flops()


def count_training_flops(model: nn.Module, shape: tuple[int, int, int]) -> int:
    """Floating-point operations of one image of shape (channels, height, width) in a step of training.

    The pass forward, and backward as far as parameters require it: a frozen body costs its forward pass alone, since
    only what lies after the first trained layer is gone back through. Every matrix product and convolution counts, as
    torch counts them (attention as well, which :func:`count_flops` leaves out); the update of the weights does not.
    Runs the model on two zero images in evaluation mode; weights, gradients, statistics and mode are left as they were.
    """
    modes = {module: module.training for module in model.modules()}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    parameter = next(model.parameters(), torch.zeros(()))
    images = torch.zeros(2, *shape, device=parameter.device, dtype=parameter.dtype)
    counter = FlopCounterMode(display=False)
    try:
        model.eval()
        with counter, torch.enable_grad():
            answers = model(images)
            if trained:
                torch.autograd.grad(answers.sum(), trained, allow_unused=True)
    finally:
        for module, training in modes.items():
            module.training = training
    return counter.get_total_flops() // len(images)
