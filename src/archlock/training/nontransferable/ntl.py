"""NTL: a high loss on the target, and its features far from those of the source (Wang et al. 2022, ICLR, eq. 4)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archlock.errors import ConfigurationError
from archlock.training.batches import Batch
from archlock.training.losses import loss_of
from archlock.training.nontransferable.method import (
    NontransferableTraining,
    Restricted,
    features_and_answers,
    kept_statistics,
)
from archlock.training.nontransferable.mmd import mmd


@dataclass(frozen=True, slots=True)
class Ntl(NontransferableTraining):
    """Minimises KL_S - min(1, a KL_T) min(1, b MMD(phi_S, phi_T)) over a batch of the source and one of a target.

    KL_S and KL_T are divergences of the softmax from one-hot labels, which is cross entropy; phi are the features
    before the head. Deviations from the paper and its code:

    * Target labels are no source labels here, so KL_T is that of a head of the target's own. It is fitted to the
      features when a round begins and does not move in the round, as in non-transferable pruning (Ding et al. 2024).
    * KL is a mean over examples, as the paper writes it; the code divides by the number of classes once more.
    * phi are the last features, not those of an early layer.
    * The target passes with its own batch statistics, and leaves no trace in the running ones: these networks normalise
      by batch, those of the paper do not.
    * The rate suits a few hundred steps of small networks; in the paper it is 1e-4, times 0.999 after every epoch.
    """

    label_weight: float = 0.1
    """a"""
    feature_weight: float = 0.1
    """b"""
    learning_rate: float = 1e-3
    """Of Adam."""

    name = "ntl"
    paper = "Wang et al. 2022, Non-Transferable Learning (ICLR)"
    summary = "raises the loss on the target and drives its features away from those of the source"

    def __post_init__(self) -> None:
        if min(self.label_weight, self.feature_weight, self.learning_rate) <= 0:
            raise ConfigurationError(
                "NTL needs weights and a learning rate above 0; got "
                f"{self.label_weight}, {self.feature_weight} and {self.learning_rate}"
            )

    @property
    def batches_per_step(self) -> int:
        """One of the source and one of a target."""
        return 2

    def optimisers(self, parameters: Iterable[nn.Parameter]) -> tuple[torch.optim.Optimizer, ...]:
        """Adam, for everything."""
        return (torch.optim.Adam(parameters, lr=self.learning_rate),)

    def step(
        self,
        model: nn.Module,
        optimisers: Sequence[torch.optim.Optimizer],
        source: Iterator[Batch],
        target: Restricted,
    ) -> float:
        """See the head of the class."""
        ours, theirs = next(source), next(target.batches)
        features, answers = features_and_answers(model, ours.images)
        with kept_statistics(model):
            others, _ = features_and_answers(model, theirs.images)
        wanted = loss_of(answers.float(), ours.targets, kind=ours.kind, label_smoothing=0.0)
        unwanted = F.cross_entropy(target.head(others.float()), theirs.targets)
        loss = self.loss(wanted, unwanted, mmd(features.float(), others.float()))
        optimisers[0].zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimisers[0].step()
        return float(loss.detach())

    def loss(self, source: Tensor, target: Tensor, apart: Tensor) -> Tensor:
        """Of the loss on the source, that on the target, and the discrepancy of their features: all scalars."""
        return source - (self.label_weight * target).clamp(max=1) * (self.feature_weight * apart).clamp(max=1)
