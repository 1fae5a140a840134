"""A trained network whose features were made ill-conditioned: the same information, hard to fit a head to."""

import torch
from torch import Tensor, nn

from archlock.models import Classifier
from archlock.testing.attacks import trained_network
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan

PLAN = Plan(4, batch_size=16, shift=0.0)
TARGET = small_digits(train=100, validation=80, test=200, labels=(5, 6, 7, 8, 9))


def mixed(mixing: Tensor) -> Classifier:
    """The network of the contract suite with its features mixed by a matrix."""
    model = trained_network()
    width = model.head.in_features
    model.head = nn.Identity()
    layer = nn.Linear(width, width, bias=False)
    with torch.no_grad():
        layer.weight.copy_(mixing)
    return Classifier(nn.Sequential(model, layer), nn.Linear(width, 5))


def scaled(*, turned: bool) -> Tensor:
    """Feature 0 times 1e6 and the others times 1e-3; turned: a hidden direction times 1e3 and the others times 0.1."""
    width = trained_network().head.in_features
    if not turned:
        return torch.diag(torch.tensor([1e6] + [1e-3] * (width - 1)))
    basis = torch.linalg.qr(torch.randn(width, width, generator=torch.Generator().manual_seed(0)))[0]
    return basis @ torch.diag(torch.tensor([1e3] + [0.1] * (width - 1))) @ basis.T
