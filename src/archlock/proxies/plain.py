"""Sum of weight times gradient: snip without absolute values, kept for comparison with the published tables.

Paper: Mozer and Smolensky, "Skeletonization", NIPS 1988; as a proxy in Abdelfattah et al., ICLR 2021.
It is not reproducible between two initialisations (rank agreement about 0.2), so weigh it accordingly.
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Plain(Proxy):
    """Sum over all layer weights of theta * g, g the gradient of the mean loss."""

    name = "plain"
    paper = "Mozer, Smolensky, Skeletonization, NIPS 1988; Abdelfattah et al., ICLR 2021"
    unit = "sum of weight x gradient"
    cost = "backward"
    needs = frozenset({"gradients"})

    def score(self, bench: Workbench) -> float:
        """The sum."""
        seen = bench.loss_pass(needs=self.needs)
        return sum(float((weight * seen.gradients[name]).double().sum()) for name, weight in seen.weights.items())
