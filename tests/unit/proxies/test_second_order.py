import copy

import pytest
import torch
from torch import nn

from archlock.proxies.second_order import cheap_second_derivatives
from proxy_networks import image_batches, residual


def twice(model, images, weights, *, cheap):
    """Gradient and Hessian-vector product of a smooth function of the outputs, in images and weights."""
    arguments = [images.clone().requires_grad_(), *weights]
    if cheap:
        with cheap_second_derivatives(model):
            outputs = model(arguments[0])
    else:
        outputs = model(arguments[0])
    first = torch.autograd.grad(outputs.square().sum(), arguments, create_graph=True)
    return [*first, *torch.autograd.grad(torch.stack([g.pow(3).sum() for g in first]).sum(), arguments)]


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(2, 3, 3, padding=1),
        nn.Conv2d(2, 4, 2, stride=2, bias=False),
        nn.Conv2d(2, 4, 3, groups=2, dilation=2, padding=2),
        nn.Conv2d(2, 3, 3, padding="same"),
        nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"),
        nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3)),
        nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3, affine=False)),
    ],
    ids=str,
)
def test_equal_to_pytorch(layer):
    model, (batch,) = layer.double(), image_batches(1)
    weights = [parameter for parameter in model.parameters() if parameter.dim() == 4]
    slow, fast = (twice(model, batch.images, weights, cheap=cheap) for cheap in (False, True))
    for a, b in zip(slow, fast, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_a_scale_is_used_and_held_fixed():
    model, (batch,) = nn.BatchNorm2d(2).double(), image_batches(1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([2.0, -1.0]))
        model.bias.copy_(torch.tensor([0.5, 3.0]))
    expected = copy.deepcopy(model)(batch.images)
    images = batch.images.clone().requires_grad_()
    with cheap_second_derivatives(model):
        found = model(images)
    torch.testing.assert_close(found, expected)
    assert torch.autograd.grad(found.sum(), [model.weight], allow_unused=True) == (None,)


def test_a_module_is_as_before_also_after_an_error():
    model = residual()
    before = [sorted(vars(module)) for module in model.modules()]
    with pytest.raises(RuntimeError, match="channels"), cheap_second_derivatives(model):
        model(torch.rand(2, 5, 4, 4, dtype=torch.float64))
    assert [sorted(vars(module)) for module in model.modules()] == before
