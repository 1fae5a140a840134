"""The linear probe of a dense task: the decoder of a network fitted in closed form on frozen feature maps.

A decoder says all the pixels of a patch from the features at its place, so it is a linear regression with as many
examples as there are places: ridge regression on standardised features, solved from moments gathered batch by batch.
"""

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.models import DenseDecoder
from archlock.tasks import Split
from archlock.training.batches import batches, looked_at


def decoder_moments(
    model: nn.Module, decoder: DenseDecoder, split: Split, device: str
) -> tuple[Float64[np.ndarray, "rows rows"], Float64[np.ndarray, "rows outputs"]]:
    """Sums over all places of a split: (x, 1)(x, 1)' and (x, 1)y', x the features and y the pixels of a patch.

    Patches are those of :meth:`~archlock.models.DenseDecoder.patches`. The model is used in evaluation
    mode, which it must be in. Features that are not finite raise :class:`~archlock.errors.MeasurementError`.
    """
    gram, cross = torch.zeros(()), torch.zeros(())
    seen: list[Tensor] = []
    handle = decoder.linear.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        for batch in batches(split, looked_at(100, split)):
            with torch.no_grad():
                model(batch.images.to(device))
            maps = seen.pop().cpu().double()
            features = torch.cat([maps, torch.ones_like(maps[:, :1])], 1).transpose(0, 1).flatten(1)
            height, width = maps.shape[2:]
            pixels = decoder.patches(batch.targets.double(), (height, width)).transpose(0, 1).flatten(1)
            gram, cross = gram + features @ features.T, cross + features @ pixels.T
    finally:
        handle.remove()
    moments = gram.numpy(), cross.numpy()
    if not all(np.isfinite(moment).all() for moment in moments):
        raise MeasurementError("the features of the model are not finite numbers; its training has diverged")
    return moments


def ridge(
    gram: Float64[np.ndarray, "rows rows"], cross: Float64[np.ndarray, "rows outputs"], strength: float
) -> tuple[Float64[np.ndarray, "outputs features"], Float64[np.ndarray, " outputs"]]:
    """Weights w and biases b that minimise strength * sum |w x + b - y|^2 + |w scale|^2, scale the deviations of x.

    The arguments are those of :func:`decoder_moments`; a feature that is constant gets the weight 0.
    """
    count, total = gram[-1, -1], gram[:-1, -1]
    mean, bias = total / count, cross[-1] / count
    scatter = gram[:-1, :-1] - np.outer(total, mean)
    scale = np.sqrt(np.maximum(scatter.diagonal() / count, 0))
    scale[scale < 1e-6] = np.inf
    values, vectors = np.linalg.eigh(scatter / np.outer(scale, scale))
    projected = vectors.T @ ((cross[:-1] - np.outer(total, bias)) / scale[:, None])
    weight = (vectors @ (projected / np.maximum(values + 1 / strength, 1e-9 * count)[:, None])).T / scale
    return weight, bias - weight @ mean
