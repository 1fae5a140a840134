import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from archlock.errors import ConfigurationError, MeasurementError
from archlock.transferability import Features

ROWS = np.arange(8.0).reshape(4, 2)
LABELS = np.array([5, 2, 5, 7])


def test_arrays_are_copies_of_one_kind_that_nobody_can_write_to():
    rows, labels = ROWS.astype(np.float32), LABELS.astype(np.int32)
    features = Features(rows, labels, 9, np.full((4, 2), 0.5, np.float32))
    rows[:] = 0
    labels[:] = 0
    np.testing.assert_array_equal(features.features, ROWS)
    np.testing.assert_array_equal(features.labels, LABELS)
    for array in (features.features, features.labels, features.source_probabilities):
        assert array.dtype in (np.float64, np.int64)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(FrozenInstanceError):
        features.classes = 3
    assert len(features) == 4


def test_classes_without_examples_have_no_place():
    features = Features(ROWS, LABELS, 9)
    assert features.present == (2, 5, 7)
    assert features.places.tolist() == [1, 0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((ROWS[0], LABELS, 9), ConfigurationError, "at least 1 x 1; got (2,)"),
        ((ROWS[:, :0], LABELS, 9), ConfigurationError, "at least 1 x 1; got (4, 0)"),
        (
            (np.where(ROWS > 6, np.inf, ROWS), LABELS, 9),
            MeasurementError,
            "features of the model are not finite numbers",
        ),
        ((ROWS, LABELS / 2, 9), ConfigurationError, "labels must be integers; got float64"),
        ((ROWS, LABELS[:3], 9), ConfigurationError, "4 rows of features need as many labels; got (3,)"),
        ((ROWS, LABELS, 7), ConfigurationError, "labels run from 2 to 7, but there are 7 classes"),
        ((ROWS, -LABELS, 7), ConfigurationError, "labels run from -7 to -2, but there are 7 classes"),
        ((ROWS, LABELS, 9, np.full((3, 2), 0.5)), ConfigurationError, "4 examples x at least 2 classes; got (3, 2)"),
        ((ROWS, LABELS, 9, np.ones((4, 1))), ConfigurationError, "4 examples x at least 2 classes; got (4, 1)"),
        ((ROWS, LABELS, 9, np.full((4, 2), np.nan)), MeasurementError, "answers of the model are not finite numbers"),
        ((ROWS, LABELS, 9, np.full((4, 2), 0.6)), ConfigurationError, "least value of 0.6 and sums from 1.2 to 1.2"),
        ((ROWS, LABELS, 9, np.array([[1.5, -0.5]] * 4)), ConfigurationError, "a least value of -0.5 and sums from 1 "),
    ],
)
def test_what_does_not_fit_together(arguments, error, words):
    with pytest.raises(error, match=re.escape(words)):
        Features(*arguments)
