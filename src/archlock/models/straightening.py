"""Activations without a gradient (coarse steps, signs, quantised values) get one, and answer the same.

A model that was released with rounded activations cannot be fine-tuned through them: their gradient is zero. Whoever
knows that puts a slope in place of it (straight-through estimators, Bengio et al. 2013). Here it is the slope of the
activation itself over a wide step, so a step function is seen as the ramp that it follows, and is flat where it is
flat.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from archlock.models.replacing import put

STEP = 0.5
"""Half the width of the step over which the slope is taken, in standard deviations of what the activation is given."""


class StraightThrough(nn.Module):
    """An activation with the slope over a wide step as its gradient; its answer is the activation's own."""

    def __init__(self, activation: nn.Module, step: float) -> None:
        super().__init__()
        self.activation, self.step = activation, step

    def forward(self, given: Tensor) -> Tensor:
        """The activation's answer."""
        with torch.no_grad():
            answer: Tensor = self.activation(given)
            above, below = self.activation(given + self.step), self.activation(given - self.step)
            slope = (above - below) / (2 * self.step)
        ramp = given * slope
        result: Tensor = answer + (ramp - ramp.detach())
        return result


def straighten(model: nn.Module, few: Tensor) -> int:
    """Give the activations of a model that have no gradient one, in place, and say how many; its answers stay.

    An activation is a module without parameters and without parts that answers each number by one number. Whether it
    has a gradient is tried, on images N x C x H x W.
    """
    seen: dict[str, Tensor] = {}

    def look(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, given: tuple[Any, ...], answer: object) -> None:
            alike = len(given) == 1 and isinstance(given[0], Tensor) and isinstance(answer, Tensor)
            if alike and given[0].shape == answer.shape and given[0].is_floating_point():  # type: ignore[attr-defined]
                seen[name] = given[0].detach().clone()

        return hook

    done = {id(module.activation) for module in model.modules() if isinstance(module, StraightThrough)}
    simple = {
        name: module
        for name, module in model.named_modules()
        if name and id(module) not in done and not list(module.children()) and not list(module.parameters())
    }
    handles = [module.register_forward_hook(look(name)) for name, module in simple.items()]
    try:
        with torch.no_grad():
            model(few)
    finally:
        for handle in handles:
            handle.remove()
    flat = {name: given for name, given in seen.items() if _flat(simple[name], given)}
    for name, given in flat.items():
        put(model, name, StraightThrough(simple[name], max(STEP * float(given.std()), 1e-6)))
    return len(flat)


def _flat(activation: nn.Module, given: Tensor) -> bool:
    """Whether its answer varies with what it is given, number by number, and its gradient does not know it."""
    with torch.enable_grad():
        probe = given.clone().requires_grad_(True)
        answer = activation(probe)
        if answer.requires_grad:
            (slope,) = torch.autograd.grad(answer.sum(), probe, allow_unused=True)
            if slope is not None and bool((slope != 0).any()):
                return False
    with torch.no_grad():
        order = torch.arange(given.numel() - 1, -1, -1, device=given.device)
        turned = activation(given.flatten()[order].reshape(given.shape)).flatten()[order].reshape(given.shape)
        each_alone = torch.allclose(turned, answer, rtol=1e-5, atol=1e-6)
        return each_alone and float(answer.std()) > 0
