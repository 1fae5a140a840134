"""How much a unit matters: scores of its numbers and of the direction in which training moves them.

A *unit* is what goes as one (``models.groups``). Scores of all prunable units are brought to one scale (divided by
their 2-norm over all of them) and added with weights; the smallest sum is the most redundant unit (HESSO, Chen et al.
2024, arXiv 2409.09085, formulas after its released code).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from archlock.catalog import Catalog
from archlock.errors import MeasurementError

Rows = Mapping[str, Tensor]
"""Of each group by name: units x numbers."""
Scores = Mapping[str, Tensor]
"""Of each group by name: one number a unit."""


class Saliency(ABC):
    """One score. Higher is more needed."""

    name: str
    paper: str

    @abstractmethod
    def scores(
        self, weights: Float[Tensor, "units numbers"], direction: Float[Tensor, "units numbers"]
    ) -> Float[Tensor, " units"]:
        """Of each unit of one group; ``direction`` is what training would subtract."""


class Magnitude(Saliency):
    """The 2-norm of a unit's numbers."""

    name, paper = "magnitude", "Li et al. 2017"

    def scores(
        self, weights: Float[Tensor, "units numbers"], direction: Float[Tensor, "units numbers"]
    ) -> Float[Tensor, " units"]:
        """norm(w)."""
        del direction
        return _norms(weights)


class MeanMagnitude(Saliency):
    """The 2-norm by how many numbers there are, which favours small units."""

    name, paper = "avg_magnitude", "Chen et al. 2024"

    def scores(
        self, weights: Float[Tensor, "units numbers"], direction: Float[Tensor, "units numbers"]
    ) -> Float[Tensor, " units"]:
        """norm(w) / number of numbers."""
        del direction
        return _norms(weights) / weights.shape[1]


class CosineSimilarity(Saliency):
    """How far the next step goes straight away from zero (0) or straight to it (2).

    That is the sign of the released code: a unit which the step would make larger counts as redundant. In practice the
    cosine of thousands of numbers is near 0 and the score near 1 for all.
    """

    name, paper = "cosine_similarity", "Chen et al. 2024"

    def scores(
        self, weights: Float[Tensor, "units numbers"], direction: Float[Tensor, "units numbers"]
    ) -> Float[Tensor, " units"]:
        """<w, d> / (norm(w) norm(d)) + 1."""
        norms = _norms(weights) * _norms(direction)
        return (weights * direction).sum(1) / norms.clamp_min(torch.finfo(norms.dtype).tiny) + 1


class FirstOrder(Saliency):
    """By how much the loss changes to first order without the unit."""

    name, paper = "taylor_first_order", "Molchanov et al. 2017"

    def scores(
        self, weights: Float[Tensor, "units numbers"], direction: Float[Tensor, "units numbers"]
    ) -> Float[Tensor, " units"]:
        """abs(<w, d>)."""
        return (weights * direction).sum(1).abs()


class SecondOrder(Saliency):
    """Half the square of the first order (Fisher in place of a Hessian)."""

    name, paper = "taylor_second_order", "Chen et al. 2024"

    def scores(
        self, weights: Float[Tensor, "units numbers"], direction: Float[Tensor, "units numbers"]
    ) -> Float[Tensor, " units"]:
        """0.5 <w, d>^2."""
        return 0.5 * (weights * direction).sum(1).square()


class RelativeMagnitude(Saliency):
    """The 2-norm as a share of its mean in the group, so that groups can be compared."""

    name, paper = "relative_magnitude", "Fang et al. 2023"

    def scores(
        self, weights: Float[Tensor, "units numbers"], direction: Float[Tensor, "units numbers"]
    ) -> Float[Tensor, " units"]:
        """norm(w) / mean of norm(w)."""
        del direction
        norms = _norms(weights)
        return norms / norms.mean().clamp_min(torch.finfo(norms.dtype).tiny)


def _norms(rows: Float[Tensor, "units numbers"]) -> Float[Tensor, " units"]:
    return rows.square().sum(1).sqrt()


_MEMBERS: Final[Sequence[Saliency]] = (
    Magnitude(),
    MeanMagnitude(),
    CosineSimilarity(),
    FirstOrder(),
    SecondOrder(),
    RelativeMagnitude(),
)
SALIENCIES: Final = Catalog[Saliency]("saliency", {one.name: one for one in _MEMBERS})


def saliency_of(weights: Rows, direction: Rows, weighting: Mapping[str, float]) -> Scores:
    """The weighted sum of scores of every unit of every group.

    A score that is not finite raises MeasurementError: the network has diverged.
    """
    total = {group: torch.zeros(len(rows), dtype=torch.float64) for group, rows in weights.items()}
    for name, weight in weighting.items():
        found = {
            group: SALIENCIES[name].scores(rows, direction[group]).double().cpu() for group, rows in weights.items()
        }
        scale = float(torch.cat(list(found.values())).norm())
        if not scale < float("inf"):
            raise MeasurementError(f"the score {name} of units is no finite number: the network has diverged")
        for group, scores in found.items():
            total[group] += weight * scores / (scale or 1.0)
    return total
