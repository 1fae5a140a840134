"""How good a model is on a split: accuracy, or R squared for a dense task."""

import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.tasks import Split
from archlock.training.batches import batches


@torch.no_grad()
def evaluate(model: nn.Module, split: Split, *, device: str = "cpu") -> float:
    """Score in (-inf, 1], higher is better: the share of right answers, or 1 - squared error / variance (dense).

    The model must be on ``device``; it is used in evaluation mode and every module is left in the mode it was in.
    Answers that are not finite raise :class:`~archlock.errors.MeasurementError`.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        right, error, total = 0, 0.0, 0
        moments = torch.zeros(2, dtype=torch.float64)
        for batch in batches(split, 500):
            outputs = model(batch.images.to(device)).cpu()
            if not torch.isfinite(outputs).all():
                raise MeasurementError("the answers of the model are not finite numbers; its training has diverged")
            total += batch.targets.numel()
            if batch.targets.is_floating_point():
                error += float((outputs - batch.targets).double().square().sum())
                moments += _moments(batch.targets)
            else:
                right += int((outputs.argmax(1) == batch.targets).sum())
    finally:
        for module, training in modes.items():
            module.training = training
    if split.targets.ndim == 1:
        return right / total
    variance = float(moments[1] - moments[0] ** 2 / total)
    return 1 - error / max(variance, 1e-12)


def _moments(values: Tensor) -> Tensor:
    exact = values.double()
    return torch.stack([exact.sum(), exact.square().sum()])
