"""Multiply-adds of one image: the other baseline that every proxy must beat."""

from torch.utils.flop_counter import FlopCounterMode

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Flops(Proxy):
    """Multiply-adds of convolutions and matrix products for one image of the first batch.

    Every operation that runs is counted, whether or not its result is used; element-wise work is not counted.
    """

    name = "flops"
    paper = "-"
    unit = "multiply-adds per image"
    cost = "counts"

    def score(self, bench: Workbench) -> float:
        """Half of torch's count of floating-point operations (a multiply-add is two)."""
        image = bench.batch().images[:1]
        model = bench.fresh_model().eval()  # one image is enough for evaluation, not for batch statistics
        with FlopCounterMode(display=False) as counter:
            model(image)
        return float(counter.get_total_flops()) / 2
