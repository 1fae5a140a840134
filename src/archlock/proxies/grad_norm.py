"""Size of the gradient at initialisation.

Paper: Abdelfattah, Mehrotra, Dudziak, Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR 2021, section 3.1.
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class GradNorm(Proxy):
    """Sum over weight layers of the 2-norm of the gradient of the mean loss."""

    name = "grad_norm"
    paper = "Abdelfattah et al., Zero-Cost Proxies for Lightweight NAS, ICLR 2021"
    unit = "sum over layers of gradient 2-norms"
    cost = "backward"
    needs = frozenset({"gradients"})

    def score(self, bench: Workbench) -> float:
        """The sum."""
        return sum(float(gradient.double().norm()) for gradient in bench.loss_pass(needs=self.needs).gradients.values())
