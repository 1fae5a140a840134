"""Numbers that are read off the features of a target's images and know nothing of its labels.

Papers: Roy, Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007; Zheng, Bai, Bullins,
Yeh, "Model immunization from a condition number perspective", ICML 2025.
"""

import math

import numpy as np

from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features
from archlock.transferability.state_measures import condition_number, effective_rank


class EffectiveRank(Estimate):
    """How many directions the features fill: exp of the entropy of their singular values (see ``state_measures``)."""

    name = "effective_rank"
    paper = "Roy, Vetterli, The effective rank: a measure of effective dimensionality, EUSIPCO 2007"
    unit = "directions"

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """Nothing is random."""
        return effective_rank(features.features)


class Conditioning(Estimate):
    """-log10 of the condition number of the covariance of the features, at most 0.

    The nearer to 0, the faster a head learns by gradient descent. Features that are the same for all examples (dead
    units) are left out.
    """

    name = "conditioning"
    paper = "Zheng et al., Model immunization from a condition number perspective, ICML 2025"
    unit = "powers of ten, negated"

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """Nothing is random."""
        given = features.features
        return -math.log10(condition_number(given[:, np.ptp(given, axis=0) > 0]))
