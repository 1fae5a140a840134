"""Multiply-adds of one image: the other baseline that every proxy must beat."""

from archlock.models import count_flops
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Flops(Proxy):
    """Multiply-adds of convolutions and linear layers for one image of the first batch.

    Half of :func:`archlock.models.count_flops`, which says what counts. Every layer that runs counts, whether or not
    its result is used.
    """

    name = "flops"
    paper = "-"
    unit = "multiply-adds per image"
    cost = "counts"

    def score(self, bench: Workbench) -> float:
        """The count."""
        channels, height, width = bench.batch().images.shape[1:]
        return count_flops(bench.model(), (channels, height, width)) / 2
