"""The first weights, from a seed; the global random state is never touched.

One scheme for all our networks, that of TransNAS-Bench-101: convolutions Kaiming normal by fan-out (He et al. 2015),
batch normalisation 1 and 0; heads as in torch, with bias 0. NAS-Bench-201 trained from torch's defaults instead; after
batch normalisation the two differ only in the scale of the weights, and a scheme stated here does not change with
torch.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from archlock.models.network import DenseDecoder, Network
from archlock.models.operations import Affine
from archlock.seeding import derive_seed


@contextmanager
def drawing(seed: int, use: str) -> Iterator[None]:
    """Inside, what draws from torch's default CPU generator depends on the seed alone; outside, nothing has changed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, use))
        yield


def draw_body(network: Network) -> None:
    """Draw all the weights of a network but its head's (inside :func:`drawing`); running statistics begin anew."""
    for part in (network.stem, network.cells, network.tail):
        draw_part(part)


def draw_part(part: nn.Module) -> None:
    """Draw the convolutions of a module and reset its normalisations (inside :func:`drawing`)."""
    for module in part.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:  # (none as built; a normalisation may have been folded)
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm | Affine):
            module.reset_parameters()


def draw_head(head: nn.Linear | DenseDecoder) -> None:
    """Draw the weights of a head (inside :func:`drawing`)."""
    linear = head if isinstance(head, nn.Linear) else head.linear
    linear.reset_parameters()
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)
