"""The loss that belongs to the kind of task, of one network or of several at once."""

from jaxtyping import Float
from torch import Tensor

from archlock.tasks import Kind
from archlock.training.batches import kind_of_tensor
from archlock.training.kinds import LEARNING


def loss_of(outputs: Tensor, targets: Tensor, *, kind: Kind | None = None, label_smoothing: float = 0.0) -> Tensor:
    """Mean loss, a scalar; without a ``kind`` the targets say it (:class:`~archlock.training.batches.Batch`).

    Cross entropy for class targets, mean squared error for image targets, and so on (``kinds``).
    """
    learning = LEARNING[kind_of_tensor(targets) if kind is None else kind]
    return learning.loss(outputs, targets, label_smoothing=label_smoothing)


def losses_of(
    outputs: Float[Tensor, "k n *outputs"], targets: Tensor, *, kind: Kind, label_smoothing: float = 0.0
) -> Float[Tensor, " k"]:
    """What :func:`loss_of` says of each network's answers to its own examples (targets K x N, or K x N x C x H x W)."""
    return LEARNING[kind].losses(outputs, targets, label_smoothing=label_smoothing)
