"""How dense the skip connections are, weighted with the size of the cells: a closed formula of the topology.

Paper: Bhardwaj, Li, Marculescu, "How Does Topology Influence Gradient Propagation and Model Performance of Deep
Networks with DenseNet-Type Skip Connections?", CVPR 2021, definitions 1-2; for residual blocks as in its code
(SLDGroup/NN_Mass).
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class NnMass(Proxy):
    """Sum over cells of units times density: channels of the cell's values, skips there are by skips there could be.

    A skip that could be passes two layers or more. So a residual block of two layers from a to b channels has mass
    a + b, an inverted bottleneck of width h has (a + 2 h) a / (2 a + h), a dense cell of d layers of width w has w d
    times the share of w (d - 1) (d - 2) / 2. Skips over one layer are not counted, so that no density exceeds 1.

    What cells and skips are in a model that was not written as cells, and which models are unsupported, is in
    ``cells`` and ``topology``. The head is in no cell. Weights and images do not matter, only which links are alive.
    """

    name = "nn_mass"
    paper = "Bhardwaj et al., How Does Topology Influence Gradient Propagation and Model Performance, CVPR 2021"
    unit = "units x density, summed over cells"
    cost = "backward"

    def score(self, bench: Workbench) -> float:
        """The sum."""
        return float(sum(cell.units * cell.dense / cell.possible for cell in bench.cells if cell.possible))
