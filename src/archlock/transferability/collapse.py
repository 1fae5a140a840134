"""How little the images of one class differ, next to how much the classes do.

Papers: Papyan, Han, Donoho, "Prevalence of neural collapse during the terminal phase of deep learning training", PNAS
2020; on transfer Galanti, Gyorgy, Hutter, "On the Role of Neural Collapse in Transfer Learning", ICLR 2022.
"""

from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features
from archlock.transferability.state_measures import neural_collapse


class Collapse(Estimate):
    """-NC1 of the target's classes, at most 0: near 0 each of them is a point of its own (see ``neural_collapse``)."""

    name = "collapse"
    paper = "Papyan, Han, Donoho, Prevalence of neural collapse, PNAS 2020"
    unit = "variance within classes / between them, per class, negated"

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """Nothing is random."""
        return -neural_collapse(features.features, features.labels)
