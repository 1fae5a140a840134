"""Accuracy of nearest neighbours in the space of features, each example judged by the others.

Papers: Cover, Hart, "Nearest Neighbor Pattern Classification", IEEE Transactions on Information Theory 1967; as an
estimate of transfer Puigcerver, Riquelme, Mustafa, Renggli, Pinto, Gelly, Keysers, Houlsby, "Scalable Transfer
Learning with Expert Models", ICLR 2021.
"""

import numpy as np
from jaxtyping import Float64, Int64

from archlock.errors import ConfigurationError, MeasurementError
from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features

METRICS = ("cosine", "euclidean")

ROWS_AT_ONCE = 1000
"""How many rows of the table of distances are held at one time."""


class Knn(Estimate):
    """Leave-one-out accuracy of a majority vote of the k nearest neighbours, in [0, 1].

    Near is by the cosine or by Euclidean distance. Of classes with equally many votes the one with the nearest
    neighbour wins; of equally near neighbours the earlier example is the nearer. Needs more than k examples.
    """

    name = "knn"
    paper = "Puigcerver et al., Scalable Transfer Learning with Expert Models, ICLR 2021"
    unit = "accuracy as a fraction"

    def __init__(self, neighbours: int = 5, metric: str = "cosine") -> None:
        if neighbours < 1:
            raise ConfigurationError(f"a vote needs at least one neighbour; got {neighbours}")
        if metric not in METRICS:
            raise ConfigurationError(f"unknown metric {metric!r}; known: {', '.join(METRICS)}")
        self.neighbours, self.metric = neighbours, metric

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """The share of examples whose neighbours vote for their class."""
        if len(features) <= self.neighbours:
            raise MeasurementError(
                f"needs more than {self.neighbours} examples, one of them to judge; got {len(features)}"
            )
        nearest = self._nearest(features.features)
        return float((majority(features.places[nearest]) == features.places).mean())

    def _nearest(self, features: Float64[np.ndarray, "examples features"]) -> Int64[np.ndarray, "examples neighbours"]:
        points = features
        if self.metric == "cosine":
            points = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), np.finfo(float).tiny)
        own = (points**2).sum(1)
        found = []
        for start in range(0, len(points), ROWS_AT_ONCE):
            rows = np.arange(start, min(start + ROWS_AT_ONCE, len(points)))
            distances = own - 2 * points[rows] @ points.T  # less the row's own square, which changes no order
            distances[rows - start, rows] = np.inf
            found.append(np.argsort(distances, axis=1, kind="stable")[:, : self.neighbours])
        return np.concatenate(found)


def majority(votes: Int64[np.ndarray, "examples neighbours"]) -> Int64[np.ndarray, " examples"]:
    """The class with the most votes in each row; of several the one that comes first in the row."""
    alike = (votes[:, :, None] == votes[:, None, :]).sum(2)
    winners: np.ndarray = votes[np.arange(len(votes)), alike.argmax(1)]
    return winners
