"""How alike the network's local linear maps are for images of one class.

Paper: Lopes, Alirezazadeh, Alexandre, "EPE-NAS: Efficient Performance Estimation Without Training for Neural
Architecture Search", ICANN 2021, eq. 3-4.
"""

from typing import Final

import torch
from torch import Tensor

from archlock.errors import MeasurementError
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench
from archlock.tasks import WITH_CLASSES

EPSILON: Final = 1e-5
MANY_CLASSES: Final = 100


class EpeNas(Proxy):
    """Class-wise sums E_c of log(abs(correlation) + e) of the input Jacobian, e = 1e-5, put together over the classes.

    Up to 100 classes in the batch: the sum of abs(E_c). More: the sum over all pairs of abs(E_c - E_d), divided by
    the number of classes, E_c divided by its number of images. Deviation: the released code counts the outputs of the
    model where this counts classes present; classes with a single image carry no correlation and are left out (there
    they add 1e-5 each). A batch without two images of one class raises MeasurementError.
    """

    name = "epe_nas"
    paper = "Lopes et al., EPE-NAS: Efficient Performance Estimation Without Training for NAS, ICANN 2021"
    unit = "sum over classes of abs(sum of log correlations)"
    cost = "backward"
    needs = frozenset({"jacobian"})
    kinds = WITH_CLASSES

    def score(self, bench: Workbench) -> float:
        """The formula, in float64."""
        labels = bench.batch().targets.cpu()
        jacobian = bench.input_jacobian
        classes = [jacobian[labels == label] for label in torch.unique(labels)]
        return class_spread([torch.corrcoef(rows) for rows in classes if len(rows) > 1])


def class_spread(correlations: list[Tensor]) -> float:
    """Formula on the correlation matrices of the classes."""
    if not correlations:
        raise MeasurementError("no class has two images in the batch; give a larger batch")
    sums = torch.stack([(matrix.abs() + EPSILON).log().sum() for matrix in correlations])
    if len(sums) <= MANY_CLASSES:
        return float(sums.abs().sum())
    sums = sums / torch.tensor([len(matrix) for matrix in correlations])
    return float((sums[:, None] - sums[None, :]).abs().sum() / len(sums))
