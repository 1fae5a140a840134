"""Batch normalisation whose statistics are taken anew, for a network that was changed and not trained since."""

from copy import deepcopy
from typing import Final

import torch
from torch import nn

from archlock.tasks import Split
from archlock.training.batches import batches

BATCH: Final = 50
_Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


def recalibrated(model: nn.Module, images: Split, *, device: str = "cpu") -> nn.Module:
    """A copy on the device, in evaluation mode, whose batch normalisations have the mean statistics of these images.

    Everything else is as it was; a network without running statistics is only copied.
    """
    copy = deepcopy(model).to(device).eval()
    norms = [part for part in copy.modules() if isinstance(part, _Norm) and part.running_var is not None]
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # (the plain mean over batches)
        norm.train()
    with torch.no_grad():
        for batch in batches(images, BATCH) if norms else ():
            if len(batch) > 1:
                copy(batch.to(device).images)
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum
    return copy.eval()
