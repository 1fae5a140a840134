import csv
import gzip

import numpy as np
import pytest

from archlock.errors import ConfigurationError, MeasurementError
from archlock.preferences import Column, Curve, EvidenceTable, Saturating, fit_curve
from archlock.recipes import LockConfig
from archlock.spaces import SPACES
from shared_data import shared

MACRO = SPACES["mobilenet_macro"]
ACCURACY = Column("cifar10", "accuracy")


def test_the_two_constants_are_found_again():
    x = np.array([0.0, 1.0, 2.0, 5.0, 20.0])
    truth = Curve(0.4, 1 / 0.95)
    values = truth(x)
    values[2] = np.nan
    found = fit_curve(x, values)
    assert (found.slope, found.limit) == pytest.approx((0.4, 1 / 0.95))
    assert truth(np.array([0.0, 1e12])) == pytest.approx([0, 0.95])


def test_it_never_falls_and_has_no_pole():
    falling = fit_curve(np.array([1.0, 2.0, 4.0]), np.array([0.9, 0.8, 0.7]))
    assert falling.slope == 0
    assert np.ptp(falling(np.array([0.0, 0.1, 100.0]))) == 0
    steep = fit_curve(np.array([1.0, 2.0, 4.0]), np.array([0.01, 0.1, 0.9]))
    assert np.isfinite(steep(np.geomspace(1e-6, 1e6, 50))).all()
    assert (np.diff(steep(np.geomspace(1e-6, 1e6, 50))) > 0).all()


@pytest.mark.parametrize(
    ("x", "accuracies", "words"),
    [
        ([1, 2], [0.5, 0.6], "accuracy needs at least 3 trained architectures; got 2"),
        ([0, 1, 2, 3], [0.1, np.nan, 0.5, 0.6], "at least 3 trained architectures; got 2"),
        ([4, 4, 4], [0.5, 0.6, 0.7], "the proxy says nothing: it is 4 for each of 3 trained architectures"),
        ([1, 2, 3], [0.5, 60, 70], "from 0.5 to 70: either fractions and percent are mixed, or some of the networks"),
        ([1, 2, 3], [-0.5, 0.6, 0.7], "goes down to -0.5: take a preference that learns from any measure"),
        ([1, -2, 3], [0.5, 0.6, 0.7], "a finite number of 0 or more; got -2"),
    ],
)
def test_what_cannot_be_fitted_is_refused(x, accuracies, words):
    with pytest.raises(MeasurementError, match=words):
        fit_curve(np.array(x, dtype=float), np.array(accuracies, dtype=float))


def test_any_proxy_will_do_and_columns_count_alike():
    architectures = tuple(MACRO.architecture(code) for code in ("00000000", "11111111", "22222222", "10012000"))
    measured = np.array([1.0, 4.0, 9.0, 2.0])
    values = np.stack([Curve(0.4, 1.1)(measured), 100 * Curve(0.2, 1.05)(measured)], axis=1)
    evidence = EvidenceTable(architectures, (ACCURACY, Column("cifar10", "other")), values)
    found = Saturating(evidence, MACRO, proxy=lambda asked: measured[[architectures.index(one) for one in asked]])
    assert found.predict(architectures, ACCURACY) == pytest.approx(values[:, 0])
    expected = ((values - values.mean(0)) / values.std(0)).mean(1)
    assert found.scores(architectures)[0] == pytest.approx(expected)


def test_proxies_of_untrained_networks_are_no_accuracies():
    with pytest.raises(
        ConfigurationError, match="'saturating' learns from accuracies, and there is none without train"
    ):
        LockConfig(evidence="zero_cost", preference="saturating")


def test_twenty_five_networks_of_the_recorded_macro_space_are_enough():
    """Multiply-adds, 60 draws, each function once: published for other spaces; 1.73 points is what the mean leaves."""
    with gzip.open(shared("nasbench_macro.csv.gz"), "rt") as stream:
        rows = {row["code"]: row for row in csv.DictReader(stream)}
    functions = sorted({MACRO.simplify(MACRO.architecture(code)) for code in rows})
    truth = np.array(
        [np.mean([float(rows[one.code][f"cifar10_test_run{run}"]) for run in (1, 2, 3)]) for one in functions]
    )
    macs = np.array([float(rows[one.code]["flops"]) for one in functions])
    errors, explained = [], []
    for seed in range(60):
        chosen = np.random.default_rng(seed).choice(len(functions), 25, replace=False)
        rest = np.setdiff1d(np.arange(len(functions)), chosen)
        missed = fit_curve(macs[chosen], truth[chosen])(macs[rest]) - truth[rest]
        errors.append(np.abs(missed).mean())
        explained.append(1 - (missed**2).mean() / truth[rest].var())
    assert np.median(errors) <= 1.25
    assert np.median(explained) >= 0.5
