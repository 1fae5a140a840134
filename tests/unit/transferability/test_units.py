"""Dead units and copies, planted and counted."""

import torch

from archlock.transferability.units import MOST, Counted


def values(count: int = 30, places: int = 9, units: int = 8) -> torch.Tensor:
    return torch.randn(count, places, units, generator=torch.Generator().manual_seed(0))


def counted(given: torch.Tensor, batches: int = 3) -> Counted:
    found = Counted()
    for part in given.chunk(batches):
        found.add(part)
    return found


def test_planted_dead_units_and_copies_are_counted_exactly() -> None:
    given = values()
    given[..., 1] = 4.0  # dead, and far from zero
    given[..., 2] = 0.0
    given[..., 5] = -3 * given[..., 0] + 100  # copies: scale, sign and shift do not matter
    given[..., 6] = given[..., 0]
    found = counted(given)
    assert found.dead.tolist() == [False, True, True, False, False, False, False, False]
    assert found.copies() == 2, "of three that are alike, two are copies; dead ones are none"


def test_batches_play_no_part_and_independent_units_are_no_copies() -> None:
    given = values() + 1000  # (a mean far from zero cancels nothing)
    assert counted(given, 1).copies() == counted(given, 5).copies() == 0
    given[..., 7] = given[..., 3] + 1e-3 * values(units=1)[..., 0]
    assert counted(given, 1).copies() == counted(given, 5).copies() == 1


def test_a_unit_that_lives_in_one_place_of_one_image_is_not_dead() -> None:
    given = torch.zeros(20, 16, 2)
    given[13, 7, 1] = 1e-3
    assert counted(given).dead.tolist() == [True, False]


def test_a_unit_that_is_small_beside_others_is_not_dead() -> None:
    given = values(units=2)
    given[..., 1] *= 1e-12
    assert counted(given).dead.tolist() == [False, False]


def test_copies_of_very_wide_layers_are_not_counted() -> None:
    found = counted(torch.randn(3, 1, MOST + 1))
    assert found.copies() is None
    assert int(found.dead.sum()) == 0
