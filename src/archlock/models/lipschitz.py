"""How far an answer can move with an image: what a model allows, and what it does at given images.

The bound (:func:`stretching_of`) is loose: the measured constant, at images, is a lower bound of the true one. Both in
L2.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models.stretching import stretching_of


def lipschitz_bound(model: nn.Module, shape: tuple[int, int, int]) -> float:
    """The bound for images of that shape; UnsupportedError where there is none, with the operation that has none."""
    found = stretching_of(model, shape)
    if found.bound is None:
        raise UnsupportedError(found.note)
    return found.bound


def local_constants(model: nn.Module, images: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """The spectral norm of the Jacobian of the logits at each image: exact, one pass back for each output.

    The model, whose answers are N x outputs, is looked at as it stands (put it in evaluation mode) and left as it was.
    Answers without a gradient in the images raise MeasurementError.
    """
    with torch.enable_grad():
        leaf = images.detach().requires_grad_(True)
        answers = model(leaf)
        if not answers.requires_grad:
            raise MeasurementError(f"the answers of {type(model).__name__} have no gradient in its images")
        rows = [
            torch.autograd.grad(answers[:, output].sum(), leaf, retain_graph=True)[0].flatten(1)
            for output in range(answers.shape[1])
        ]
    found: Tensor = torch.linalg.matrix_norm(torch.stack(rows, 1).double(), 2)
    return found
