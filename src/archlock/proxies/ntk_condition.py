"""How evenly a network can learn its images: the condition of its tangent kernel.

Paper: Chen, Gong, Wang, "Neural Architecture Search on ImageNet in Four GPU Hours: A Theoretically Inspired
Perspective" (TE-NAS), ICLR 2021, section 3.1.1, eq. 4-5.
"""

import torch

from archlock.errors import MeasurementError
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class NtkCondition(Proxy):
    """Minus largest by smallest eigenvalue of K_ij = <J_i, J_j>, J_i the gradient of image i's summed outputs.

    The gradients are in the layer weights; the outputs are summed as in the released code (the paper's kernel would
    have a block for every output). Eigenvalues in float64; the gradients have the model's precision, so from a float32
    model a condition beyond about 1e6 is a bound of rounding. Deviations: all images are normalised by the statistics
    of the batch, held fixed, where the released code also differentiates through them; normalisation parameters do not
    count, as in every proxy here. Two images of one gradient (the same image twice) make the kernel singular:
    MeasurementError, and so does a single image, which has no condition.
    """

    name = "ntk_condition"
    paper = "Chen et al., Neural Architecture Search on ImageNet in Four GPU Hours (TE-NAS), ICLR 2021"
    unit = "minus the condition number of a kernel"
    cost = "backward"
    image_needs = frozenset({"tangents"})

    def score(self, bench: Workbench) -> float:
        """One forward and backward pass an image."""
        kernel = bench.image_passes("tangents").tangent_kernel
        if len(kernel) < 2:
            raise MeasurementError(f"a condition number needs at least two images, got {len(kernel)}")
        eigenvalues = torch.linalg.eigvalsh(kernel)
        least, most = float(eigenvalues[0]), float(eigenvalues[-1])
        if least <= len(kernel) * torch.finfo(torch.float64).eps * most:
            raise MeasurementError(f"its tangent kernel is singular (eigenvalues from {least:.3g} to {most:.3g})")
        return -most / least
