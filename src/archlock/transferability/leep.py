"""How well the model's own answers foretell the target labels, without touching the model.

Paper: Nguyen, Hassner, Seeger, Archambeau, "LEEP: A New Measure to Evaluate Transferability of Learned
Representations", ICML 2020, eq. 2.
"""

import numpy as np
from jaxtyping import Float64, Int64

from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features


class Leep(Estimate):
    """Mean log likelihood of the labels under sum_z P(y | z) p(z | x), z the source classes; at most 0.

    P(y | z) is the empirical conditional of labels given the source classes, from the same examples. A model whose
    answers are the same for all images has minus the entropy of the labels, the least there is.
    """

    name = "leep"
    paper = "Nguyen et al., LEEP: A New Measure to Evaluate Transferability of Learned Representations, ICML 2020"
    unit = "nats per example"
    needs = "source_probabilities"

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """Computed from all examples at once."""
        return expected_log_prediction(features.sources, features.places)


def expected_log_prediction(
    probabilities: Float64[np.ndarray, "examples sources"], labels: Int64[np.ndarray, " examples"]
) -> float:
    """LEEP of soft assignments to anything: source classes, or components of a mixture (N-LEEP)."""
    joint = np.zeros((int(labels.max()) + 1, probabilities.shape[1]))
    np.add.at(joint, labels, probabilities)
    total = joint.sum(0)
    likely = total > 0
    conditional = joint[:, likely] / total[likely]
    return float(np.log((probabilities[:, likely] * conditional[labels]).sum(1)).mean())
