"""Scores of units against numbers by hand."""

import math

import pytest
import torch

from archlock.errors import MeasurementError
from archlock.training import COMPACTORS, SALIENCIES
from archlock.training.compaction.saliencies import saliency_of

WEIGHTS = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
DIRECTION = torch.tensor([[1.0, 0.0], [0.0, 2.0]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("magnitude", [5.0, 1.0]),
        ("avg_magnitude", [2.5, 0.5]),
        ("cosine_similarity", [1.6, 1.0]),
        ("taylor_first_order", [3.0, 0.0]),
        ("taylor_second_order", [4.5, 0.0]),
        ("relative_magnitude", [5 / 3, 1 / 3]),
    ],
)
def test_a_score_is_its_formula(name, expected):
    assert SALIENCIES[name].scores(WEIGHTS, DIRECTION).tolist() == pytest.approx(expected)


def test_every_score_is_tested():
    assert len(SALIENCIES) == 6
    assert {name for one in COMPACTORS.values() for name in one.weighting} <= set(SALIENCIES)


def test_each_score_is_divided_by_its_norm_over_all_units():
    other = torch.tensor([[0.0, 12.0]])
    found = saliency_of(
        {"a": WEIGHTS, "b": other}, {"a": DIRECTION, "b": other}, {"magnitude": 0.2, "taylor_first_order": 0.5}
    )
    norms, products = math.sqrt(25 + 1 + 144), math.sqrt(9 + 144**2)
    assert found["a"].tolist() == pytest.approx([0.2 * 5 / norms + 0.5 * 3 / products, 0.2 / norms])
    assert found["b"].tolist() == pytest.approx([0.2 * 12 / norms + 0.5 * 144 / products])


def test_units_of_zeros_have_scores():
    zeros = torch.zeros(2, 3)
    found = saliency_of({"a": zeros}, {"a": zeros}, COMPACTORS["hesso"].weighting)
    assert torch.isfinite(found["a"]).all()


def test_what_is_no_number_is_no_score():
    with pytest.raises(MeasurementError, match="the score magnitude of units is no finite number"):
        saliency_of({"a": WEIGHTS * math.nan}, {"a": DIRECTION}, {"magnitude": 1.0})
