"""Fisher information of the activations: how much the loss would feel the loss of a channel.

Paper: Theis et al., "Faster gaze prediction with dense networks and Fisher pruning", 2018, eq. 8; Turner, Crowley,
O'Boyle, Storkey, Gray, "BlockSwap: Fisher-guided block substitution", ICLR 2020, eq. 4; as a proxy in Abdelfattah et
al., ICLR 2021.
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Fisher(Proxy):
    """Sum over layers and channels of 1 / (2 N) sum over N images of (sum over pixels of z * dL/dz)^2.

    z is the output of a weight layer and L the mean loss, as in the released proxy (the pruning papers take z behind
    the rectifier and the loss summed over images; the latter is a factor N^2).
    """

    name = "fisher"
    paper = "Turner et al., BlockSwap: Fisher-guided block substitution for network compression, ICLR 2020"
    unit = "sum over channels of squared activation x gradient, halved"
    cost = "backward"
    needs = frozenset({"saliencies"})

    def score(self, bench: Workbench) -> float:
        """The sum."""
        return sum(
            float(layer.square().mean(dim=0).sum()) / 2 for layer in bench.loss_pass(needs=self.needs).saliencies
        )
