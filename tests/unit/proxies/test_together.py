import copy
import math
from collections import Counter
from typing import ClassVar

import pytest

from archlock.errors import ConfigurationError, MeasurementError, UnknownNameError
from archlock.proxies import PROXIES, PUBLISHED_SEVEN, ProxyValue, measure_all
from archlock.testing.proxies import small_batches, small_model
from proxy_networks import Residual, dense_batch, dense_network, image_batches, residual


def test_equals_measuring_one_at_a_time_in_any_order():
    model, batches = residual(), image_batches()
    alone = {name: proxy.measure(model, batches, seed=4) for name, proxy in PROXIES.items()}
    for names in (list(PROXIES), list(PROXIES)[::-1]):
        together = measure_all(model, batches, names, seed=4)
        assert list(together) == names
        assert {name: found.value for name, found in together.items()} == alone
        assert all(found.seconds >= 0 for found in together.values())


def test_one_without_a_value_does_not_stop_the_others():
    found = measure_all(dense_network(), [dense_batch()], ["epe_nas", "snip"], seed=0)
    assert found["epe_nas"].status == "unsupported"
    assert "epe_nas has no meaning for a dense task" in found["epe_nas"].note
    assert math.isnan(found["epe_nas"].value)
    assert found["snip"].status == "valid"


def test_a_constant_predictor_fails_by_status():
    model = small_model("classification", connected=False)
    found = measure_all(model, small_batches("classification"), PUBLISHED_SEVEN, seed=0)
    assert {name: value.status for name, value in found.items()} == {
        name: "valid" if name == "flops" else "failed" for name in PUBLISHED_SEVEN
    }
    assert found["grasp"].note.startswith("grasp has no value for this model: its output does not depend on the images")


def test_too_few_batches_and_unknown_names_are_the_callers_mistake():
    with pytest.raises(ConfigurationError, match="zico needs 2 batches, got 1; give more batches"):
        measure_all(residual(), image_batches(1), ["snip", "zico"], seed=0)
    with pytest.raises(UnknownNameError, match="unknown proxy 'snap'; known: params, flops"):
        measure_all(residual(), image_batches(1), ["snap"], seed=0)


def test_no_names_no_values():
    assert measure_all(residual(), [], [], seed=0) == {}


def test_a_value_is_finite_exactly_when_valid():
    with pytest.raises(MeasurementError, match=r"a valid value is finite and a failed one is not; got 1\.0"):
        ProxyValue(1.0, "failed", "why", 0.0)


class Counting(Residual):
    """Counts the forward passes of itself and its copies, by the number of images."""

    passes: ClassVar[Counter[int]] = Counter()

    def forward(self, images):
        self.passes[len(images)] += 1
        return super().forward(images)


def test_what_is_shared_runs_once():
    shared = ["grad_norm", "plain", "snip", "fisher", "jacov", "nwot", "epe_nas", "linear_regions", "swap"]
    model, batches = Counting().double(), image_batches()
    Counting.passes.clear()
    measure_all(model, batches[:1], shared, seed=0)
    assert dict(Counting.passes) == {6: 1}
    Counting.passes.clear()
    measure_all(model, batches, [*shared, "zico", "zico_released"], seed=0)
    assert dict(Counting.passes) == {6: 2}
    Counting.passes.clear()
    measure_all(model, batches, ["grad_sign", "ntk_condition"], seed=0)
    assert dict(Counting.passes) == {6: 1, 1: 6}  # the statistics of the batch, then image by image
    Counting.passes.clear()
    measure_all(model, batches, ["nn_mass", "nn_degree"], seed=0)
    assert dict(Counting.passes) == {6: 1}


def test_float32_agrees_with_float64():
    model, batches = residual(), image_batches()
    exact = measure_all(model, batches, list(PROXIES), seed=0)
    found = measure_all(copy.deepcopy(model).float(), batches, list(PROXIES), seed=0)
    assert {name: value.value for name, value in found.items()} == {
        name: pytest.approx(value.value, rel=1e-4) for name, value in exact.items()
    }
