"""In how many ways the units of a network tell the images of a batch apart.

Paper: Peng, Song, Fayek, Ciesielski, Chang, "SWAP-NAS: Sample-Wise Activation Patterns for Ultra-fast NAS", ICLR 2024,
definitions 3.2-3.3.
"""

import torch
from jaxtyping import Int64
from torch import Tensor

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Swap(Proxy):
    """Number of distinct sample-wise activation patterns: for which images a rectified unit is on, unit by unit.

    Without the regularisation by model size (definition 3.4), whose two constants belong to a space. Deviations: as in
    ``nwot``, a rectifier counts only if the loss's gradient passes through it; the released code counts every
    ``nn.ReLU`` on images, dead branches included. A model without rectifier modules raises MeasurementError.
    """

    name = "swap"
    paper = "Peng et al., SWAP-NAS: Sample-Wise Activation Patterns for Ultra-fast NAS, ICLR 2024"
    unit = "distinct activation patterns"
    cost = "backward"
    needs = frozenset({"patterns"})

    def score(self, bench: Workbench) -> float:
        """The count."""
        return float(distinct_rows(bench.codes("patterns").patterns))


def distinct_rows(table: Int64[Tensor, "rows columns"]) -> int:
    """Number of different rows; many times faster than ``torch.unique`` of rows."""
    columns = iter(table.unbind(dim=1))
    values, numbers = torch.unique(next(columns), return_inverse=True)
    for column in columns:
        others, more = torch.unique(column, return_inverse=True)
        values, numbers = torch.unique(numbers * len(others) + more, return_inverse=True)
    return len(values)
