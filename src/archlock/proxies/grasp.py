"""Gradient signal preservation: how much the weights help the gradient flow.

Paper: Wang, Zhang, Grosse, "Picking Winning Tickets Before Training by Preserving Gradient Flow", ICLR 2020, eq. 8;
as a proxy in Abdelfattah et al., ICLR 2021. Signed, and noisy between initialisations (rank agreement about 0.7-0.8).
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Grasp(Proxy):
    """Minus the sum over all layer weights of (H g) * theta, by an exact Hessian-vector product.

    H and g are Hessian and gradient of the mean loss in the layer weights (biases and normalisation held fixed). Like
    the released proxy and unlike the pruning paper, the logits are not divided by a temperature.
    """

    name = "grasp"
    paper = "Wang et al., Picking Winning Tickets Before Training by Preserving Gradient Flow, ICLR 2020"
    unit = "minus the sum of (Hessian x gradient) x weight"
    cost = "second_order"
    needs = frozenset({"curvature"})

    def score(self, bench: Workbench) -> float:
        """The sum."""
        return -bench.loss_pass(needs=self.needs).curvature
