"""Maximum mean discrepancy: how far apart the features of two batches lie, with a gradient (Gretton et al. 2012)."""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from archlock.errors import MeasurementError

KERNELS: Final = 5
"""Gaussian kernels, each twice as wide as the one before."""


def mmd(source: Float[Tensor, "n features"], target: Float[Tensor, "m features"]) -> Float[Tensor, ""]:
    """The squared discrepancy, biased: mean k(s, s') + mean k(t, t') - 2 mean k(s, t), in [0, 2 x ``KERNELS``].

    k is a sum of :data:`KERNELS` kernels exp(-|a - b|^2 / w), w = 1/4, 1/2, 1, 2 and 4 times the mean of |a - b|^2 over
    all pairs of different rows of both batches, as in NTL (Wang et al. 2022) and the code of deep adaptation networks
    before it; no gradient goes through w. Deviation: the batches may be of different size; of equal ones it is theirs.
    Fewer than two rows in all raise :class:`~archlock.errors.MeasurementError`.
    """
    together = torch.cat([source, target])
    count = len(together)
    if not len(source) or not len(target):
        raise MeasurementError(
            f"a discrepancy is one of two batches with an example each at least; got {len(source)} and {len(target)}"
        )
    squares = (together[:, None] - together[None]).square().sum(2)
    middle = squares.detach().sum() / (count**2 - count)
    widths = [middle * 2.0 ** (place - KERNELS // 2) for place in range(KERNELS)]
    smallest = torch.finfo(squares.dtype).tiny
    kernel = torch.stack([torch.exp(-squares / width.clamp_min(smallest)) for width in widths]).sum(0)
    cut = len(source)
    return kernel[:cut, :cut].mean() + kernel[cut:, cut:].mean() - 2 * kernel[:cut, cut:].mean()
