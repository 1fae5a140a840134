import math

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.proxies.zen import Zen, features, redraw
from archlock.seeding import derive_seed
from proxy_networks import dense_batch, dense_network, image_batches, residual


def chain(width, *, pool=True):
    layers = [nn.Conv2d(2, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 1)]
    tail = [nn.BatchNorm2d(width), nn.ReLU(), *([nn.AdaptiveAvgPool2d(1)] if pool else [])]
    return nn.Sequential(*layers, *tail, nn.Flatten(), nn.Linear(width if pool else width * 16, 3)).double()


def mapped(layers, images, log_scales):
    """Feature map by hand; notes the log of what each batch norm divides by."""
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            mean, variance = images.mean((0, 2, 3)), images.var((0, 2, 3), correction=0)
            log_scales.append(0.5 * math.log(variance.mean()))
            images = (images - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
        else:
            images = layer(images)
    return images


def test_against_the_algorithm_step_by_step():
    model, (batch,) = chain(4), image_batches(1)
    chance = torch.Generator().manual_seed(derive_seed(7, "zen"))
    scores = []
    for _ in range(2):
        clean, noise = (torch.randn(6, 2, 4, 4, generator=chance).double() for _ in range(2))
        redraw_in(model, chance)
        log_scales: list[float] = []
        with torch.no_grad():
            before = mapped(model[:6], clean, log_scales)
            after = mapped(model[:6], clean + 0.01 * noise, [])
        scores.append(math.log((after - before).abs().sum((1, 2, 3)).mean()) + sum(log_scales))
    assert Zen().measure(chain(4), [batch], seed=7) == pytest.approx(np.mean(scores), rel=1e-9)


def redraw_in(model, chance):
    with torch.no_grad():
        redraw(model, chance)


def test_redraws_weights_and_resets_the_rest():
    model = nn.Sequential(nn.Conv2d(2, 64, 3), nn.BatchNorm2d(64), nn.Conv2d(64, 64, 3), nn.GroupNorm(2, 64))
    nn.init.constant_(model[1].weight, 7.0)
    redraw_in(model, torch.Generator().manual_seed(0))
    weights = model[2].weight.detach()
    assert float(weights.mean()) == pytest.approx(0, abs=0.02)
    assert float(weights.std()) == pytest.approx(1, abs=0.02)
    for tensor, value in ((model[0].bias, 0), (model[1].weight, 1), (model[1].bias, 0), (model[3].weight, 1)):
        assert torch.equal(tensor.detach(), torch.full_like(tensor, value))


def test_the_feature_map_is_what_global_pooling_reads():
    images = image_batches(1)[0].images
    with torch.no_grad():
        model = chain(4)
        assert torch.equal(features(model, images)[0], model[:6](images))
        flat = chain(4, pool=False)
        assert torch.equal(features(flat, images)[0], flat[:6](images))
        functional = residual()
        seen = []
        functional.last.register_forward_hook(lambda *a: seen.append(a[2]))
        assert torch.equal(features(functional, images)[0], seen[0])
        dense = dense_network()
        assert torch.equal(features(dense, dense_batch().images)[0], dense(dense_batch().images))


def test_a_network_without_feature_maps_is_measured_at_its_output():
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).double()
    images = image_batches(1)[0].images
    assert torch.equal(features(model, images)[0], model(images))


def test_does_not_depend_on_weights_and_grows_with_width():
    (batch,) = image_batches(1)
    assert Zen().measure(residual(0), [batch], seed=0) == Zen().measure(residual(1), [batch], seed=0)
    narrow, wide = (Zen().measure(chain(width), [batch], seed=0) for width in (4, 32))
    assert wide > narrow + math.log(8)


def test_a_batch_norm_that_meets_a_constant_has_no_scale():
    model = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Hardtanh(0.0, 0.0 + 1e-30), nn.BatchNorm2d(3), nn.Flatten())
    with pytest.raises(MeasurementError, match="zen has no value for this model"):
        Zen().measure(model, image_batches(1), seed=0)
