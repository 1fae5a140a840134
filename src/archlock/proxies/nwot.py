"""How differently a network's rectifiers switch for different images.

Paper: Mellor, Turner, Storkey, Crowley, "Neural Architecture Search without Training", ICML 2021, eq. 2-3.
"""

import torch

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Nwot(Proxy):
    """Log of the absolute determinant of the kernel K_ij = units minus Hamming distance of the codes of images i, j.

    The code of an image has one bit per rectified unit: positive or not. As in the paper's code, a rectifier counts
    only if the loss's gradient passes through it, so dead branches add nothing. Two images with one code (the same
    image twice) make the kernel singular: MeasurementError. So does a model without rectifier modules.
    """

    name = "nwot"
    paper = "Mellor et al., Neural Architecture Search without Training, ICML 2021"
    unit = "log determinant of a kernel of counts"
    cost = "backward"
    needs = frozenset({"kernel"})

    def score(self, bench: Workbench) -> float:
        """The log determinant, in float64."""
        return float(torch.linalg.slogdet(bench.codes("kernel").codes_kernel).logabsdet)
