import re

import numpy as np
import pytest

from archlock.errors import MeasurementError, UnsupportedError
from archlock.transferability import Estimate, Features

LABELS = np.arange(6) % 2
FEATURES = Features(np.arange(12.0).reshape(6, 2), LABELS, 2)


class Fixed(Estimate):
    name = "fixed"
    paper = "-"
    unit = "whatever it was given"

    def __init__(self, answer):
        self.answer = answer

    def score(self, features, *, seed):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_value_is_a_float():
    value = Fixed(np.float32(0.5)).estimate(FEATURES, seed=0)
    assert value == 0.5
    assert type(value) is float


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (np.nan, MeasurementError, "fixed has no value: expected a finite number, got nan"),
        (-np.inf, MeasurementError, "fixed has no value: expected a finite number, got -inf"),
        (ValueError("too few"), MeasurementError, "fixed has no value: too few"),
        (np.linalg.LinAlgError("no luck"), MeasurementError, "fixed has no value: no luck"),
        (UnsupportedError("not of this kind"), UnsupportedError, "fixed has no meaning here: not of this kind"),
    ],
)
def test_what_is_no_value_is_said_in_words(answer, error, words):
    with pytest.raises(error, match=re.escape(words)):
        Fixed(answer).estimate(FEATURES, seed=0)


def test_a_mistake_in_the_formula_is_not_hidden():
    with pytest.raises(KeyError):
        Fixed(KeyError("mine")).estimate(FEATURES, seed=0)


def test_one_class_and_constant_features_are_refused():
    with pytest.raises(MeasurementError, match="fixed has no value: all 6 examples are of class 1; give examples of"):
        Fixed(1.0).estimate(Features(FEATURES.features, np.ones(6, int), 2), seed=0)
    nearly = np.full((6, 2), 3.0) + 1e-7 * np.arange(12).reshape(6, 2)  # what single precision makes of equal numbers
    for same in (np.zeros((6, 2)), nearly):
        with pytest.raises(MeasurementError, match="fixed has no value: the features are the same for all 6 examples"):
            Fixed(1.0).estimate(Features(same, LABELS, 2), seed=0)
    assert Fixed(1.0).estimate(Features(1e-30 * FEATURES.features, LABELS, 2), seed=0) == 1
