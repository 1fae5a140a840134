import pytest
import torch
from torch.func import functional_call

from archlock.proxies.grasp import Grasp
from archlock.training import loss_of
from proxy_networks import dense_batch, dense_network, image_batches, layer_names, residual


@pytest.mark.parametrize(
    ("model", "batch"), [(residual(), image_batches()[0]), (dense_network(), dense_batch())], ids=["classes", "dense"]
)
def test_against_the_whole_hessian(model, batch):
    names = layer_names(model)
    given = [model.get_parameter(name).detach() for name in names]

    def loss(flat):
        pieces = flat.split([weight.numel() for weight in given])
        weights = {name: piece.reshape(like.shape) for name, piece, like in zip(names, pieces, given, strict=True)}
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        return loss_of(functional_call(model, {**weights, **buffers}, batch.images), batch.targets)

    theta = torch.cat([weight.flatten() for weight in given]).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(theta), theta)
    hessian = torch.autograd.functional.hessian(loss, theta.detach())
    expected = -float(theta.detach() @ hessian @ gradient)
    assert abs(expected) > 1e-6
    assert Grasp().measure(model, [batch], seed=0) == pytest.approx(expected, rel=1e-8)
