"""How far the images agree on which way every weight should go.

Paper: Zhang and Jia, "GradSign: Model Performance Inference with Theoretical Insights", ICLR 2022, eq. 7.
"""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class GradSign(Proxy):
    """Sum over all layer weights of abs(sum over images of sign(g_i)), g_i the gradient of image i's own loss.

    Deviation: the released code normalises every image by its own statistics (training mode, one image a batch); here
    all images are normalised by the statistics of the whole batch, held fixed (see ``image_passes``).
    """

    name = "grad_sign"
    paper = "Zhang, Jia, GradSign: Model Performance Inference with Theoretical Insights, ICLR 2022"
    unit = "sum over weights of the majority among gradient signs"
    cost = "backward"
    image_needs = frozenset({"signs"})

    def score(self, bench: Workbench) -> float:
        """One forward and backward pass an image."""
        return bench.image_passes("signs").majority
