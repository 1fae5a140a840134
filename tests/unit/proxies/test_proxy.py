import math

import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError, MeasurementError
from archlock.proxies import PROXIES, Proxy
from archlock.training import Batch
from proxy_networks import image_batches, residual


class Returns(Proxy):
    """Whatever it was told."""

    name, paper, unit, cost = "returns", "-", "-", "counts"

    def __init__(self, value):
        self.value = value

    def score(self, bench):
        return self.value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused_by_name(value):
    with pytest.raises(
        MeasurementError, match=f"returns has no value for this model: expected a finite number, got {value}"
    ):
        Returns(value).measure(residual(), image_batches(1), seed=0)


def test_what_torch_cannot_run_is_a_failed_measurement_with_its_words():
    wrong = nn.Sequential(nn.Flatten(), nn.Linear(31, 3)).double()
    with pytest.raises(MeasurementError, match="grad_norm has no value for this model: mat1 and mat2 shapes"):
        PROXIES["grad_norm"].measure(wrong, image_batches(1), seed=0)


def test_an_output_that_is_constant_in_the_weights_too_is_refused():
    class Constant(nn.Module):
        def forward(self, images):
            return torch.zeros(len(images), 3, dtype=images.dtype)

    with pytest.raises(MeasurementError, match="snip has no value for this model"):
        PROXIES["snip"].measure(Constant(), image_batches(1), seed=0)


@pytest.mark.parametrize(("batches", "sizes"), [([], r"\[\]"), ([(4, 0)], r"\[0\]")])
def test_batches_without_images_are_refused(batches, sizes):
    given = [Batch(torch.rand(n, 2, 4, 4), torch.zeros(n, dtype=torch.int64)) for _, n in batches]
    with pytest.raises(ConfigurationError, match=f"at least one image each; got batches of {sizes}"):
        PROXIES["snip"].measure(residual(), given, seed=0)
