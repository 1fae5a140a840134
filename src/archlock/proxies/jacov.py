"""How alike the network's local linear maps are for different images.

Paper: Mellor, Turner, Storkey, Crowley, "Neural Architecture Search without Training", first version, arXiv 2020,
section 3; as jacob_cov in Abdelfattah et al., ICLR 2021.
"""

from typing import Final

import torch

from archlock.errors import MeasurementError
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench

EPSILON: Final = 1e-5


class Jacov(Proxy):
    """Minus the sum over eigenvalues l of log(l + e) + 1 / (l + e), e = 1e-5.

    The eigenvalues are those of the correlation matrix of the images' rows of the input Jacobian (gradient of the sum
    of all outputs with respect to an image). Needs two images; labels are not used.
    """

    name = "jacov"
    paper = "Mellor et al., Neural Architecture Search without Training, arXiv:2006.04647v1, 2020"
    unit = "minus a sum over eigenvalues of a correlation matrix"
    cost = "backward"
    needs = frozenset({"jacobian"})

    def score(self, bench: Workbench) -> float:
        """The sum over the real eigenvalues of the symmetric matrix, in float64; below zero they count as zero."""
        jacobian = bench.input_jacobian
        if len(jacobian) < 2:
            raise MeasurementError(f"a correlation needs at least two images, got {len(jacobian)}")
        eigenvalues = torch.linalg.eigvalsh(torch.corrcoef(jacobian)).clamp(min=0) + EPSILON
        return -float((eigenvalues.log() + 1 / eigenvalues).sum())
