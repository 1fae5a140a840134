"""Which weights stay: against brute force, with floors, and what cannot be."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archlock.errors import ConfigurationError
from archlock.training.sparsity import (
    check_possible,
    masks_at,
    protected,
    prunable,
    sparse_shape,
    sparsity_at,
    typical,
    weights_left,
)


def weights(seed: int = 0) -> dict[str, Tensor]:
    """A small layer of large weights beside a large one of small weights."""
    numbers = torch.Generator().manual_seed(seed)
    return {
        "small": torch.randn(4, 3, 3, 3, generator=numbers),
        "large": 0.01 * torch.randn(20, 50, generator=numbers),
    }


def test_sparsity_grows_as_published_and_stays() -> None:
    assert sparsity_at(0.0, 0.9, 0.6) == 0
    assert sparsity_at(0.3, 0.9, 0.6) == pytest.approx(0.9 * (1 - 0.5**3))
    assert sparsity_at(0.6, 0.9, 0.6) == sparsity_at(1.0, 0.9, 0.6) == 0.9


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9])
def test_exactly_as_many_stay_as_was_asked_and_the_largest_after_the_floors(sparsity: float) -> None:
    given = weights()
    masks, least = masks_at(given, sparsity), protected(given)
    assert sum(int(mask.sum()) for mask in masks.values()) == weights_left(given, sparsity)
    kept = {(name, place) for name, mask in masks.items() for place in torch.nonzero(mask.flatten())[:, 0].tolist()}
    floors = {(name, place) for name, mask in least.items() for place in torch.nonzero(mask)[:, 0].tolist()}
    assert floors <= kept
    others = [(float(given[name].flatten()[place].abs()), name, place) for name in given
              for place in range(given[name].numel()) if (name, place) not in floors]  # fmt: skip
    by_hand = {
        (name, place) for _, name, place in sorted(others, reverse=True)[: weights_left(given, sparsity) - len(floors)]
    }
    assert kept == floors | by_hand


def test_every_layer_and_every_living_filter_keeps_its_own() -> None:
    given = weights()
    given["large"][7] = 0.0
    least = protected(given)
    rows = least["large"].reshape(20, 50)
    assert rows.any(1).tolist() == [row != 7 for row in range(20)]
    assert int(rows.sum()) >= 20
    for row in [0, 5, 19]:
        assert rows[row, given["large"][row].abs().argmax()]
    one_filter = {"wide": torch.randn(1, 200, generator=torch.Generator().manual_seed(1))}
    assert int(protected(one_filter)["wide"].sum()) == 4  # 2 %


def test_a_sparsity_that_empties_a_layer_is_refused_with_the_largest_that_does_not() -> None:
    given = weights()
    with pytest.raises(ConfigurationError, match=r"leaves 11 of 1,108 weights, but 2% of every layer .* are 33"):
        check_possible(given, 0.99)
    with pytest.raises(ConfigurationError, match=r"the most for this model is 0\.97"):
        check_possible(given, 0.99)
    check_possible(given, 0.97)
    with pytest.raises(ConfigurationError, match="no convolution and no linear layer"):
        check_possible({}, 0.5)


def test_weights_that_layers_share_are_there_once() -> None:
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    model = nn.Sequential(first, nn.BatchNorm1d(4), second, nn.Conv1d(4, 2, 3))
    assert list(prunable(model)) == ["0.weight", "3.weight"]


def test_the_sparse_term_by_hand_and_its_slope_is_flat_far_out() -> None:
    weight = torch.tensor([[0.0, 1.0, -2.0]], requires_grad=True)
    assert float(sparse_shape(weight, 2.0).detach()) == pytest.approx(np.mean(np.log1p([0.0, 0.25, 1.0])))
    slopes = torch.autograd.grad(sparse_shape(weight * 1e3, 2.0), weight)[0]
    assert slopes.abs().max() < 1
    assert typical(torch.tensor([0.0, 1.0, -3.0, 2.0])) == 2.0
    assert typical(torch.zeros(3)) == 1.0
