"""How many links a unit has on average, over the cells of a network: a closed formula of widths and skips.

Paper: Li, Mandal, Ogras, Marculescu, "FLASH: Fast Neural Architecture Search with Hardware Optimization", ACM TECS
2021, section 3.2 (NN-Degree). Its full text could not be had: that skips count with the channels that they carry (as in
the code of NN-Mass, of the same group) and not with single links could not be verified, so both can be asked for.
"""

from typing import Final

from archlock.errors import ConfigurationError
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench

COUNTINGS: Final = ("channels", "links")


class NnDegree(Proxy):
    """Sum over cells of w + S / (w d): mean width, channels that skips carry, units.

    Counted by ``links`` it is the sum over cells of all links, by all units: a concatenated channel is read by every
    filter and so is many links, a depthwise filter reads one channel. By ``channels`` (the default, since the code of
    NN-Mass does so) a layer is taken to be as wide as it is linked. In a cell of equally wide dense layers the two
    differ only in what a concatenated channel counts.

    What cells and skips are in a model that was not written as cells, and which models are unsupported, is in
    ``cells`` and ``topology``. The head is in no cell. Weights and images do not matter, only which links are alive.
    """

    name = "nn_degree"
    paper = "Li et al., FLASH: Fast Neural Architecture Search with Hardware Optimization, ACM TECS 2021"
    unit = "links a unit, summed over cells"
    cost = "backward"

    def __init__(self, counting: str = "channels") -> None:
        """``counting`` other than channels or links raises ConfigurationError."""
        if counting not in COUNTINGS:
            raise ConfigurationError(f"NN-Degree counts skips by channels or by links; got {counting!r}")
        self.counting = counting

    def score(self, bench: Workbench) -> float:
        """The sum; 0 for a model that is nothing but a head."""
        if self.counting == "links":
            return float(sum(cell.links / cell.units for cell in bench.cells))
        return float(sum(cell.units / len(cell.widths) + cell.skipped / cell.units for cell in bench.cells))
