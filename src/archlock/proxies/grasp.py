"""Gradient signal preservation: how much the weights help the gradient flow.

Paper: Wang, Zhang, Grosse, "Picking Winning Tickets Before Training by Preserving Gradient Flow", ICLR 2020, eq. 8;
as a proxy in Abdelfattah et al., ICLR 2021. Signed, and noisy between initialisations (rank agreement about 0.7-0.8).
"""

import torch

from archlock.proxies.gradients import gradients, weight_gradients
from archlock.proxies.layers import layer_weights
from archlock.proxies.proxy import Proxy
from archlock.proxies.second_order import cheap_second_derivatives
from archlock.proxies.workbench import Workbench
from archlock.training import loss_of


class Grasp(Proxy):
    """Minus the sum over all layer weights of (H g) * theta, by an exact Hessian-vector product.

    H and g are Hessian and gradient of the mean loss in the layer weights (biases and normalisation held fixed). Like
    the released proxy and unlike the pruning paper, the logits are not divided by a temperature.
    """

    name = "grasp"
    paper = "Wang et al., Picking Winning Tickets Before Training by Preserving Gradient Flow, ICLR 2020"
    unit = "minus the sum of (Hessian x gradient) x weight"
    cost = "second_order"

    def score(self, bench: Workbench) -> float:
        """Differentiates g' stop(g), whose gradient is H g."""
        model, batch = bench.model(), bench.batch()
        weights = list(layer_weights(model).values())
        images = batch.images.requires_grad_()
        with cheap_second_derivatives(model):
            loss = loss_of(model(images), batch.targets)
        slopes = weight_gradients(loss, images, weights, create_graph=True)
        products = gradients(torch.stack([(g * g.detach()).sum() for g in slopes]).sum(), weights)
        return -sum(float((h * w.detach()).double().sum()) for h, w in zip(products, weights, strict=True))
