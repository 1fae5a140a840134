"""How good a model, or each network of a stack, is on a split: accuracy, or R squared for a dense task."""

import math
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.execution import has_float64
from archlock.models import StackedNetwork
from archlock.tasks import Split
from archlock.training.batches import batches

NOT_FINITE = "the answers of the model are not finite numbers; its training has diverged"


def evaluate(model: nn.Module, split: Split, *, device: str = "cpu") -> float:
    """Score in (-inf, 1], higher is better: the share of right answers, or 1 - squared error / variance (dense).

    The model must be on ``device``; it is used in evaluation mode and every module is left in the mode it was in.
    Answers that are not finite raise :class:`~archlock.errors.MeasurementError`.
    """
    (score,) = _scores(model, lambda images: model(images)[None], split, 500, device)
    if math.isnan(score):
        raise MeasurementError(NOT_FINITE)
    return score


def evaluate_copy(model: nn.Module, split: Split, *, device: str) -> float:
    """As :func:`evaluate`, by a copy on that device; the model stays where it is."""
    return evaluate(deepcopy(model).to(device), split, device=device)


@torch.no_grad()
def only_answer(model: nn.Module, split: Split, *, device: str) -> int | None:
    """The class that the model answers for every image of the split; None where it answers several, or pixels.

    As :func:`evaluate_copy`, by a copy in evaluation mode.
    """
    copy, found = deepcopy(model).to(device).eval(), set[int]()
    if split.targets.ndim > 1:
        return None
    for batch in batches(split, 500):
        found |= set(copy(batch.to(device).images).argmax(1).tolist())
        if len(found) > 1:
            return None
    return found.pop()


def summed_in(device: str) -> torch.dtype:
    """In which precision sums of many numbers are taken on that device: double, where it has it."""
    return torch.float64 if has_float64(device) else torch.float32


def evaluate_stack(stack: StackedNetwork, split: Split, *, device: str = "cpu") -> tuple[float, ...]:
    """The score of each network, as :func:`evaluate` gives it; NaN where the answers are not finite."""
    return _scores(stack, lambda images: stack(images.repeat(1, len(stack), 1, 1)), split, 64, device)


@torch.no_grad()
def _scores(
    model: nn.Module, answers_to: Callable[[Tensor], Tensor], split: Split, batch_size: int, device: str
) -> tuple[float, ...]:
    """Of answers networks x N x outputs; nothing is read from the device before the end."""
    modes, exact = {module: module.training for module in model.modules()}, summed_in(device)
    model.eval()
    try:
        right_or_error, finite, total = torch.zeros(()), torch.ones((), dtype=torch.bool), 0
        moments = torch.zeros(2, dtype=torch.float64)
        for batch in batches(split, batch_size):
            on_device = batch.to(device)
            answers = answers_to(on_device.images)
            finite = finite.to(device) & torch.isfinite(answers).flatten(1).all(1)
            total += batch.targets.numel()
            if batch.targets.is_floating_point():
                found = torch.stack([(one - on_device.targets).to(exact).square().sum() for one in answers])
                moments += _moments(batch.targets)
            else:
                found = (answers.argmax(2) == on_device.targets).sum(1)
            right_or_error = right_or_error.to(device) + found
    finally:
        for module, training in modes.items():
            module.training = training
    if split.targets.ndim == 1:
        scores = [right / total for right in right_or_error.tolist()]
    else:
        variance = float(moments[1] - moments[0] ** 2 / total)
        scores = [1 - error / max(variance, 1e-12) for error in right_or_error.tolist()]
    return tuple(score if good else math.nan for score, good in zip(scores, finite.tolist(), strict=True))


def _moments(values: Tensor) -> Tensor:
    exact = values.double()
    return torch.stack([exact.sum(), exact.square().sum()])
