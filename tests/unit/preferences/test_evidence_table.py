import numpy as np
import pytest

from archlock.errors import MeasurementError
from archlock.preferences import Column, EvidenceTable
from archlock.spaces import SPACES

MICRO = SPACES["transnas101_micro"]
TWO = (MICRO.architecture("333333"), MICRO.architecture("111111"))
COLUMNS = (Column("scene", "nwot"), Column("object", "nwot"), Column("scene", "snip"))


def test_tasks_and_positions():
    table = EvidenceTable(TWO, COLUMNS, np.zeros((2, 3)))
    assert table.tasks == ("scene", "object")
    assert table.positions("scene") == (0, 2)


def test_missing_values_are_allowed():
    values = np.full((2, 3), np.nan)
    assert np.isnan(EvidenceTable(TWO, COLUMNS, values).values).all()


def test_unknown_task():
    with pytest.raises(MeasurementError, match="no evidence on task 'jigsaw'; there is some on scene, object"):
        EvidenceTable(TWO, COLUMNS, np.zeros((2, 3))).positions("jigsaw")


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (1, 3)])
def test_wrong_shape(shape):
    with pytest.raises(MeasurementError, match=r"got 2 architectures, 3 columns and values of shape \(\d, \d\)"):
        EvidenceTable(TWO, COLUMNS, np.zeros(shape))


def test_nothing():
    with pytest.raises(MeasurementError, match="got 0 architectures"):
        EvidenceTable((), COLUMNS, np.zeros((0, 3)))


def test_column_twice():
    with pytest.raises(MeasurementError, match="more than once: nwot of scene"):
        EvidenceTable(TWO, (COLUMNS[0], COLUMNS[0]), np.zeros((2, 2)))


def test_two_spaces():
    other = SPACES["nasbench201"].architecture("333333")
    with pytest.raises(MeasurementError, match="got architectures of nasbench201, transnas101_micro"):
        EvidenceTable((TWO[0], other), COLUMNS, np.zeros((2, 3)))


def test_infinite():
    values = np.zeros((2, 3))
    values[1, 2] = np.inf
    with pytest.raises(MeasurementError, match="got inf for snip of scene of transnas101_micro:111111"):
        EvidenceTable(TWO, COLUMNS, values)
