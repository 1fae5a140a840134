import copy

import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.proxies.linear_regions import LinearRegions
from archlock.training import Batch
from proxy_networks import image_batches, residual


def slow_codes(model, images):
    """One string of bits an image, over both rectifiers of the residual network."""
    model = copy.deepcopy(model).train()
    codes = [""] * len(images)

    def note(_module, _arguments, output):
        for index, values in enumerate(output.flatten(1).tolist()):
            codes[index] += "".join("1" if value > 0 else "0" for value in values)

    for layer in ("relu", "last"):
        model.get_submodule(layer).register_forward_hook(note)
    with torch.no_grad():
        model(images)
    return codes


def crowded():
    """A batch in which images 0 and 3, and 1, 4 and 5, are the same."""
    (batch,) = image_batches(1)
    return Batch(batch.images[[0, 1, 2, 0, 1, 1]], batch.targets)


@pytest.mark.parametrize("batch", [image_batches(1)[0], crowded()], ids=["distinct", "crowded"])
def test_against_a_set_of_codes(batch):
    model = residual()
    expected = len(set(slow_codes(model, batch.images)))
    assert LinearRegions().measure(model, [batch], seed=0) == expected


def test_images_of_one_code_are_one_region():
    assert LinearRegions().measure(residual(), [crowded()], seed=0) == 3


def test_a_network_without_rectifiers_has_no_value():
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).double()
    with pytest.raises(MeasurementError, match="linear_regions has no value for this model: it has no rectifier"):
        LinearRegions().measure(model, image_batches(1), seed=0)
