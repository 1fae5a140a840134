"""Gradient descent as a plan says: the optimiser, the learning rate at each step, the number of steps."""

import math
from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor, nn

from archlock.training.plan import Optimiser, Plan

REMEMBERED: Final[dict[Optimiser, tuple[str, ...]]] = {
    "sgd": ("momentum_buffer",),
    "adamw": ("exp_avg", "exp_avg_sq"),
}
"""What an optimiser remembers of a parameter, in tensors of its shape, by their names in its state."""


def optimiser_for(parameters: Iterable[nn.Parameter], plan: Plan) -> torch.optim.Optimizer:
    """The plan's; weight decay for what has two dimensions and more (not for normalisation and biases)."""
    trained = list(parameters)
    decayed = [p for p in trained if p.ndim > 1]
    plain = [p for p in trained if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    if plan.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(plan.momentum, 0.999), fused=True)
    return torch.optim.SGD(
        groups, lr=plan.learning_rate, momentum=plan.momentum, nesterov=plan.momentum > 0, fused=True
    )


def set_rate(optimiser: torch.optim.Optimizer, plan: Plan, *, step: int, examples: int) -> None:
    """Set the learning rate of step ``step``, counted from the beginning of a training on so many examples."""
    rate = plan.learning_rate * schedule((step + 0.5) / (plan.epochs * steps_per_epoch(plan, examples)), plan.warmup)
    for group in optimiser.param_groups:
        group["lr"] = rate


def descend(optimiser: torch.optim.Optimizer, loss: Tensor, plan: Plan) -> None:
    """One step down the gradient of ``loss``, which is clipped where the plan says so."""
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    if plan.clip is not None:
        trained = (parameter for group in optimiser.param_groups for parameter in group["params"])
        torch.nn.utils.clip_grad_norm_(trained, plan.clip)
    optimiser.step()


def steps_per_epoch(plan: Plan, examples: int) -> int:
    """Number of batches; there is no last batch of one example, unless it is the only one."""
    return max(1, math.ceil((examples - 1) / plan.batch_size))


def schedule(done: float, warmup: float) -> float:
    """Share of the peak learning rate when ``done`` of the training (0 to 1) is over: linear up, cosine down.

    Asked for the middle of each step, so that no step has the rate 0: few-shot attacks have only a handful.
    """
    if done < warmup:
        return done / warmup
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def divergence(task: str, plan: Plan, epoch: int) -> str:
    """What to tell about a training whose loss in an epoch (from 1) was not finite."""
    return f"training on {task!r} diverged in epoch {epoch} at learning rate {plan.learning_rate:g}; try a smaller one"


def channels_last(model: nn.Module) -> nn.Module:
    """Convolution weights in channels-last memory: same values, about twice the speed on CPU."""
    for parameter in model.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model
