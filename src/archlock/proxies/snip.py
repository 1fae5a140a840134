"""Connection sensitivity, summed over the network.

Paper: Lee, Ajanthan, Torr, "SNIP: Single-shot Network Pruning based on Connection Sensitivity", ICLR 2019, eq. 5
(without its normalisation); as a proxy in Abdelfattah et al., ICLR 2021.
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Snip(Proxy):
    """Sum over all layer weights of abs(theta * g), g the gradient of the mean loss."""

    name = "snip"
    paper = "Lee et al., SNIP: Single-shot Network Pruning based on Connection Sensitivity, ICLR 2019"
    unit = "sum of abs(weight x gradient)"
    cost = "backward"
    needs = frozenset({"gradients"})

    def score(self, bench: Workbench) -> float:
        """The sum."""
        seen = bench.loss_pass(needs=self.needs)
        return sum(float((weight * seen.gradients[name]).abs().double().sum()) for name, weight in seen.weights.items())
