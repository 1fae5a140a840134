import copy

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.proxies.swap import Swap, distinct_rows
from proxy_networks import image_batches, residual


@pytest.mark.parametrize("size", [6, 70], ids=["one word", "two words"])
def test_against_a_set_of_patterns(size):
    model, (batch,) = residual(), image_batches(1, size=size)
    patterns = set()
    running = copy.deepcopy(model).train()
    for layer in ("relu", "last"):
        running.get_submodule(layer).register_forward_hook(
            lambda _m, _a, output: patterns.update(map(tuple, (output > 0).flatten(1).T.tolist()))
        )
    with torch.no_grad():
        running(batch.images)
    assert Swap().measure(model, [batch], seed=0) == len(patterns)


def test_distinct_rows_of_extreme_words():
    rng = np.random.default_rng(0)
    table = rng.choice([-(2**63), -1, 0, 1, 2**63 - 1], size=(400, 3))
    assert distinct_rows(torch.from_numpy(table)) == len(np.unique(table, axis=0))


def test_a_network_without_rectifiers_has_no_value():
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).double()
    with pytest.raises(MeasurementError, match="swap has no value for this model: it has no rectifier module"):
        Swap().measure(model, image_batches(1), seed=0)


def test_codes_of_a_loss_that_overflows_mean_nothing():
    model = residual()
    with torch.no_grad():
        model.get_parameter("head.weight").fill_(1e308)
    with pytest.raises(MeasurementError, match="swap has no value for this model: its loss is nan, so its codes"):
        Swap().measure(model, image_batches(1), seed=0)
