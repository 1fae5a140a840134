"""In how many linear regions of the network the images of a batch lie.

Paper: Chen, Gong, Wang, "Neural Architecture Search on ImageNet in Four GPU Hours: A Theoretically Inspired
Perspective" (TE-NAS), ICLR 2021, section 3.1.2, eq. 7.
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class LinearRegions(Proxy):
    """Number of distinct binary activation codes among the images of the first batch.

    Reading: the codes are those of ``nwot`` (one bit per rectified unit that the loss's gradient passes through), for
    the images given. The number is at most that of the images, and a network of ordinary width on images of ordinary
    size reaches it: the released code therefore counts on thousands of 3 x 3 images with one channel and narrow
    networks. Give such a batch and such a model for a value that tells networks apart.
    """

    name = "linear_regions"
    paper = "Chen et al., Neural Architecture Search on ImageNet in Four GPU Hours (TE-NAS), ICLR 2021"
    unit = "distinct activation codes"
    cost = "backward"
    needs = frozenset({"kernel"})

    def score(self, bench: Workbench) -> float:
        """The count: two codes are one where they agree in all units, and an image agrees with itself in all."""
        kernel = bench.codes("kernel").codes_kernel
        alike = kernel == kernel.diagonal()[:, None]
        return float((~alike.tril(diagonal=-1).any(dim=1)).sum())
