"""Linear latency models: exact where the truth is linear, robust, and the right counts are chosen."""

import csv
import gzip

import numpy as np
import pytest
from scipy.stats import spearmanr

from archlock.errors import MeasurementError
from archlock.recipes.limits.forecast import Networks, counts_of
from archlock.recipes.limits.latency_model import fit, operation_counts, stratified
from archlock.spaces import SPACES
from shared_data import shared

SPACE = SPACES["nasbench201"]
NETWORKS = Networks("nasbench201", (3, 32, 32), 10, 16, 5)
CELLS = tuple(SPACE.architecture(code) for code in ("330100", "213341", "444444", "000100"))
RNG = np.random.default_rng(0)


def test_counts_by_hand() -> None:
    counts = operation_counts(SPACE, CELLS, lambda: np.zeros((0, 0)))
    assert counts["raw"].tolist() == [[1, 0, 2, 0], [2, 1, 2, 1], [0, 0, 0, 6], [1, 0, 0, 0]]
    assert counts["live"].tolist() == [[1, 0, 0, 0], [2, 1, 2, 1], [0, 0, 0, 6], [1, 0, 0, 0]]
    macro = Networks("transnas101_macro", (3, 16, 16), 10, 8, 1)
    (found,) = counts_of(macro, [SPACES["transnas101_macro"].architecture("4111")]).items()
    assert found[0] == "arithmetic"
    assert (found[1] > 0).all()


@pytest.mark.parametrize("truly", ["raw", "live"])
def test_the_right_counts_are_chosen_and_the_truth_is_found(truly: str) -> None:
    every = [SPACE.sample(RNG) for _ in range(400)]
    every = [one for one in every if SPACE.is_connected(one)]
    counts = operation_counts(SPACE, every, lambda: np.zeros((0, 0)))
    truth = 3 + counts[truly] @ np.array([0.1, 0.5, 1.5, 0.4])  # type: ignore[index]
    model = fit({kind: values[:25] for kind, values in counts.items()}, truth[:25])
    assert model.counted == truly
    assert model.error < 0.002
    np.testing.assert_allclose(model.milliseconds(counts[model.counted]), truth, rtol=0.01)


def test_single_outliers_do_not_bend_it() -> None:
    values = RNG.integers(0, 7, (30, 4)).astype(float)
    truth = 2 + values @ np.array([0.2, 0.4, 1.0, 0.3])
    timed = truth.copy()
    timed[:3] *= 5
    model = fit({"live": values}, timed)
    assert np.median(np.abs(model.milliseconds(values) - truth) / truth) < 0.02


def test_the_error_is_that_of_architectures_that_were_left_out() -> None:
    values, noise = RNG.integers(0, 7, (40, 4)).astype(float), RNG.standard_normal(40)
    timed = 10 + values @ np.array([0.2, 0.4, 1.0, 0.3]) + 0.5 * noise
    left_out = []
    for row in range(40):
        rest = np.arange(40) != row
        model = fit({"raw": values[rest]}, timed[rest])
        left_out.append(abs(float(model.milliseconds(values[row : row + 1])[0]) - timed[row]) / timed[row])
    assert fit({"raw": values}, timed).error == pytest.approx(np.median(left_out), rel=0.15)


def test_too_few_or_impossible_times_are_refused() -> None:
    with pytest.raises(MeasurementError, match=r"a latency model needs at least 10 timed architectures; got 9"):
        fit({"raw": np.ones((9, 4))}, np.ones(9))
    for wrong in (np.nan, 0.0, -1.0):
        with pytest.raises(MeasurementError, match=r"milliseconds above 0; got others among them"):
            fit({"raw": np.ones((12, 4))}, np.array([wrong, *np.ones(11)]))


def test_strata_are_all_taken() -> None:
    amounts = np.repeat(np.arange(6.0), 50)
    rows = stratified(amounts, 25, np.random.default_rng(1))
    assert len(set(rows.tolist())) == 25
    assert set(np.bincount(amounts[rows].astype(int)).tolist()) <= {3, 4, 5}
    assert set(stratified(np.arange(3.0), 25, np.random.default_rng(1)).tolist()) == {0, 1, 2}


AIMS = {
    "fpga_latency_cifar10": (0.001, 0.99, "raw"),
    "titan_rtx_256_latency": (0.005, 0.99, "raw"),
    "gold_6226_latency": (0.03, 0.98, "raw"),
    "raspi4_latency_cifar10": (0.12, 0.90, "raw"),
    "pi5_litert_latency_cifar100": (0.10, 0.90, "live"),
    "edgetpu_latency_cifar10": (0.10, 0.90, "live"),
}


def columns_of(part: str) -> dict[str, list[str]]:
    with gzip.open(shared(f"nasbench201{part}.csv.gz"), "rt") as stream:
        rows = csv.reader(stream)
        return dict(zip(next(rows), map(list, zip(*rows, strict=True)), strict=True))


def test_recorded_devices_are_foretold_from_25_cells() -> None:
    """Fewer draws and cells than in ``benchmarks/device_limits.py``, which has the figures."""
    every = [SPACE.architecture(code) for code in columns_of("")["ops"]]
    recorded = columns_of("_hw") | columns_of("_devices")
    counts = counts_of(NETWORKS, every)
    connected = counts["live"].sum(axis=1) > 0
    for device, (error, rho, counted) in AIMS.items():
        values = np.array([float(cell or "nan") for cell in recorded[device]])
        known = np.flatnonzero(connected & np.isfinite(values))
        errors, orders, chosen = [], [], []
        for draw in range(8):
            rng = np.random.default_rng(draw)
            rows = known[stratified(counts["live"][known].sum(axis=1), 25, rng)]
            model = fit({kind: some[rows] for kind, some in counts.items()}, values[rows])
            rest = rng.choice(np.setdiff1d(known, rows), 1500, replace=False)
            foretold = model.milliseconds(counts[model.counted][rest])
            errors.append(np.median(np.abs(foretold - values[rest]) / values[rest]))
            orders.append(spearmanr(foretold, values[rest]).statistic)
            chosen.append(model.counted)
        assert np.mean(errors) <= error, device
        assert np.mean(orders) >= rho, device
        assert chosen.count(counted) > 4, device
