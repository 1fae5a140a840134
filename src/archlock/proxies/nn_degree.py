"""How many links a unit has on average, over the cells of a network: a closed formula of widths and skips.

Paper: Li, Mandal, Ogras, Marculescu, "FLASH: Fast Neural Architecture Search with Hardware Optimization", ACM TECS
2021, section 3.2 (NN-Degree).
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class NnDegree(Proxy):
    """Sum over cells of w + S / (w d): width, channels that skips carry, depth.

    What cells and skips are in a model that was not written as cells, and which models are unsupported, is in
    ``topology``. Weights and images do not matter, only which links are alive.
    """

    name = "nn_degree"
    paper = "Li et al., FLASH: Fast Neural Architecture Search with Hardware Optimization, ACM TECS 2021"
    unit = "links a unit, summed over cells"
    cost = "backward"

    def score(self, bench: Workbench) -> float:
        """The sum."""
        return sum(cell.width + cell.skipped / (cell.width * cell.depth) for cell in bench.cells)
