"""Size of the weights at initialisation: depends on the architecture only through the shapes of its layers.

Paper: Abdelfattah, Mehrotra, Dudziak, Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR 2021 (baseline).
"""

from archlock.proxies.layers import layer_weights
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class L2Norm(Proxy):
    """Sum over weight layers of the 2-norm of the weights. Does not look at connections."""

    name = "l2_norm"
    paper = "Abdelfattah et al., Zero-Cost Proxies for Lightweight NAS, ICLR 2021"
    unit = "sum over layers of weight 2-norms"
    cost = "counts"

    def score(self, bench: Workbench) -> float:
        """The sum."""
        weights = layer_weights(bench.original).values()
        return sum(float(weight.detach().double().norm()) for weight in weights)
