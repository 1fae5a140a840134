"""How dense the skip connections are, weighted with the size of the cells: a closed formula of the topology.

Paper: Bhardwaj, Li, Marculescu, "How Does Topology Influence Gradient Propagation and Model Performance of Deep
Networks with DenseNet-Type Skip Connections?", CVPR 2021, definitions 1-2.
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class NnMass(Proxy):
    """Sum over cells of w d rho, rho the skips there are by the skips there could be: S / (w d (d - 1) / 2).

    w is the width, d the depth, S the number of channels that skips carry; a cell of depth 1 has none. Deviation: the
    paper's d layers have w (d - 1) (d - 2) / 2 possible skips; here what leaves a cell is read as one layer more, so
    that a skip across the last layer of a cell counts. What cells and skips are in a model that was not written as
    cells, and which models are unsupported, is in ``topology``. Weights and images do not matter, only which links are
    alive.
    """

    name = "nn_mass"
    paper = "Bhardwaj et al., How Does Topology Influence Gradient Propagation and Model Performance, CVPR 2021"
    unit = "width x depth x density, summed over cells"
    cost = "backward"

    def score(self, bench: Workbench) -> float:
        """The sum; w d cancels against the number of possible skips."""
        return float(sum(2 * cell.skipped / (cell.depth - 1) for cell in bench.cells if cell.depth > 1))
