import math
from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from archlock.errors import MeasurementError, UnknownNameError
from archlock.models import build, reinitialised
from archlock.spaces import Architecture
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import Plan, fit
from archlock.transferability import (
    ESTIMATES,
    EstimateValue,
    condition_number,
    effective_rank,
    features_of,
    measure_estimates,
)

SOURCE = small_digits(train=400, validation=250, test=10, labels=(5, 6, 7, 8, 9))
TARGET = replace(SOURCE, train=SOURCE.validation)  # the same question about other images


def untrained(task):
    return build(Architecture("nasbench201", "314321"), task.signature, width=4, depth=1, seed=0)


@pytest.fixture(scope="module")
def trained():
    return fit(untrained(SOURCE), SOURCE, Plan(8, batch_size=16, shift=0.0), seed=0).model


def test_values_are_those_of_each_alone_in_the_order_of_the_names(trained):
    names = ("knn", "leep", "log_me")
    values = measure_estimates(trained, TARGET, names, examples=60, seed=3)
    features = features_of(trained, TARGET, examples=60, seed=3)
    assert values == tuple(EstimateValue(name, ESTIMATES[name].estimate(features, seed=3)) for name in names)
    assert tuple(value.name for value in measure_estimates(trained, TARGET, seed=0)) == tuple(ESTIMATES)
    assert measure_estimates(trained, TARGET, (), seed=0) == ()


def test_training_for_the_task_makes_better_features(trained):
    """On real images that the training did not see: every estimate puts the network above itself with fresh weights."""
    after = measure_estimates(trained, TARGET, seed=0)
    before = measure_estimates(reinitialised(trained, seed=0), TARGET, seed=0)
    better = {new.name for new, old in zip(after, before, strict=True) if new.value > old.value}
    assert better == set(ESTIMATES)


def test_one_without_a_value_does_not_stop_the_others():
    dense = untrained(small_negatives())
    values = {value.name: value for value in measure_estimates(dense, TARGET, examples=24, seed=0)}
    assert {name for name, value in values.items() if value.status == "unsupported"} == {"leep", "nce"}
    assert "nce has no meaning here: the model has no head for at least two source classes" in values["nce"].note
    assert values["n_leep"].status == "failed"
    assert "25 Gaussians (5 for each class) need as many examples; got 24" in values["n_leep"].note
    assert math.isnan(values["n_leep"].value)
    valid = [value for value in values.values() if value.status == "valid"]
    assert len(valid) == len(ESTIMATES) - 3
    assert all(math.isfinite(value.value) and value.note == "" for value in valid)


def test_numbers_that_know_no_labels_are_measured_by_name(trained):
    names = ("effective_rank", "log_me", "conditioning")
    values = {one.name: one for one in measure_estimates(trained, TARGET, names, seed=0)}
    assert tuple(values) == names
    features = features_of(trained, TARGET, seed=0).features
    assert values["effective_rank"].value == effective_rank(features)
    living = features[:, np.ptp(features, axis=0) > 0]
    assert values["conditioning"].value == pytest.approx(-math.log10(condition_number(living)))


def test_an_unknown_name_stops_before_the_model_is_read():
    with pytest.raises(UnknownNameError, match="unknown transferability estimate 'tea_leaves'; known: log_me, h_score"):
        measure_estimates(nn.Identity(), TARGET, ("log_me", "tea_leaves"), seed=0)


def test_a_value_is_finite_exactly_when_it_is_valid():
    with pytest.raises(MeasurementError, match="a valid value is finite and a valid one is not; got nan"):
        EstimateValue("knn", math.nan)
    with pytest.raises(MeasurementError, match=r"a valid value is finite and a failed one is not; got 1\.0"):
        EstimateValue("knn", 1.0, "failed", "because")
