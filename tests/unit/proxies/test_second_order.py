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
        nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.Conv2d(3, 2, 1)),
        nn.Sequential(nn.Conv2d(2, 3, 1), nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)),
        nn.Sequential(nn.Conv2d(2, 3, 1), nn.AvgPool2d((2, 3), ceil_mode=True), nn.ReLU(inplace=True)),
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


def test_statistics_of_many_values_are_as_good_as_their_precision():
    images = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0)) + 0.3
    model = nn.BatchNorm2d(3)
    expected = copy.deepcopy(model).double()(images.double())
    with cheap_second_derivatives(model):
        found = model(images.contiguous(memory_format=torch.channels_last))
    assert float((found - expected).detach().abs().max()) < 1e-6


def test_one_value_a_channel_is_refused():
    model = nn.BatchNorm2d(3)
    with cheap_second_derivatives(model), pytest.raises(ValueError, match="more than 1 value per channel"):
        model(torch.rand(1, 3, 1, 1))


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


class Loose(nn.Module):
    """Every kind of layer once where it counts and once where the output does not depend on it."""

    def __init__(self):
        super().__init__()
        self.layers, self.loose = (
            nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.AvgPool2d(2)) for _ in range(2)
        )

    def forward(self, images):
        self.loose(images)
        return self.layers(images)


def test_what_nothing_depends_on_does_not_disturb():
    model, (batch,) = Loose().double(), image_batches(1)
    slow, fast = (twice(model, batch.images, [model.layers[0].weight], cheap=cheap) for cheap in (False, True))
    for a, b in zip(slow, fast, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_products_instead_of_gradients():
    model, (batch,) = (
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1)).double(),
        image_batches(1),
    )
    weights = [model[0].weight, model[2].weight]
    with cheap_second_derivatives(model) as way:
        outputs = model(batch.images.clone().requires_grad_())
    first = torch.autograd.grad(outputs.square().sum(), weights, create_graph=True)
    way.wanted = "neither"
    torch.autograd.grad(outputs.sum(), weights, retain_graph=True, allow_unused=True)
    assert way.products == []
    way.wanted = "products"
    scalar = torch.stack([g.pow(3).sum() for g in first]).sum()
    assert torch.autograd.grad(scalar, weights, allow_unused=True) == (None, None)
    by_gradients = torch.autograd.grad(twice_scalar(model, batch.images, weights), weights)
    total = sum(float((w.detach() * g).sum()) for w, g in zip(weights, by_gradients, strict=True))
    assert float(sum(way.products)) == pytest.approx(total, rel=1e-9)


def twice_scalar(model, images, weights):
    first = torch.autograd.grad(model(images).square().sum(), weights, create_graph=True)
    return torch.stack([g.pow(3).sum() for g in first]).sum()
