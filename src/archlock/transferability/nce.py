"""How much of the target label stays unknown when the model's answer is known.

Paper: Tran, Nguyen, Hassner, "Transferability and Hardness of Supervised Classification Tasks", ICCV 2019.
"""

import numpy as np
from jaxtyping import Int64

from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features


class Nce(Estimate):
    """Minus the conditional entropy H(Y | Z) of target labels given source labels; at most 0.

    The paper has two labels of each image; here the source label Z is the model's most likely class, as in the
    comparisons of the LEEP paper.
    """

    name = "nce"
    paper = "Tran et al., Transferability and Hardness of Supervised Classification Tasks, ICCV 2019"
    unit = "nats"
    needs = "source_probabilities"

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """Of equally likely source classes the first counts."""
        return negative_conditional_entropy(features.sources.argmax(1).astype(np.int64), features.places)


def negative_conditional_entropy(
    sources: Int64[np.ndarray, " examples"], labels: Int64[np.ndarray, " examples"]
) -> float:
    """The sum over pairs of P(y, z) log P(y | z)."""
    counts = np.zeros((int(labels.max()) + 1, int(sources.max()) + 1))
    np.add.at(counts, (labels, sources), 1)
    given = np.broadcast_to(counts.sum(0), counts.shape)
    met = counts > 0
    return float((counts[met] * np.log(counts[met] / given[met])).sum() / len(labels))
