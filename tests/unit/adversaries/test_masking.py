"""Signs of masked gradients, of figures made up."""

import numpy as np

from archlock.adversaries import Look, Sign, signs_of_masking

PLAIN = Look(silent=0.0, left_at_huge=0.0, possible_at_huge=0.1, looked_at=100)
STEADY = np.repeat([1, 2, 3], [50, 30, 20])  # of 100 images, at two epsilons; 3 is never


def signs(look: Look, **beaten: np.ndarray) -> dict[str, Sign]:
    found = signs_of_masking(look, beaten, 2, blind={"square"}, one_step={"fgsm"})
    return {sign.name: sign for sign in found}


def test_an_honest_model_shows_none() -> None:
    weaker = np.maximum(STEADY, 2)
    found = signs(PLAIN, fgsm=weaker, pgd=STEADY, square=weaker)
    assert list(found) == ["silent gradient", "no fall at a huge epsilon", "black box stronger", "one step stronger"]
    assert not [sign for sign in found.values() if sign.seen]


def test_each_sign_is_seen_for_itself() -> None:
    stronger = np.where(np.arange(100) < 96, STEADY, 1)  # four more, that the others never beat
    found = signs(PLAIN, pgd=STEADY, square=stronger, fgsm=STEADY)
    assert [name for name, sign in found.items() if sign.seen] == ["black box stronger"]
    assert found["black box stronger"].share == 0.04
    assert "beats 4 images that no gradient leads to" in found["black box stronger"].words
    found = signs(PLAIN, pgd=STEADY, square=STEADY, fgsm=stronger)
    assert [name for name, sign in found.items() if sign.seen] == ["one step stronger"]
    found = signs(Look(0.06, 0.21, 0.1, 100), pgd=STEADY)
    assert {name: sign.seen for name, sign in found.items()} == {
        "silent gradient": True,
        "no fall at a huge epsilon": True,
    }
    found = signs(Look(0.05, 0.2, 0.1, 100), pgd=STEADY)
    assert not [sign for sign in found.values() if sign.seen]


def test_one_image_is_no_sign_and_what_was_not_measured_gives_none() -> None:
    once = np.where(np.arange(10) == 9, 1, 3)
    assert not signs(PLAIN, pgd=np.full(10, 3), square=once)["black box stronger"].seen
    assert list(signs(Look(1.0, None, 0.0, 50), square=STEADY)) == ["silent gradient"]
    assert signs(Look(0.0, None, 0.0, 0), square=STEADY) == {}
    assert list(signs(PLAIN, pgd=STEADY[:0], square=STEADY[:0]))[2:] == ["black box stronger"]


def test_what_a_black_box_finds_at_a_smaller_epsilon_counts() -> None:
    late, early = np.full(50, 2), np.full(50, 1)
    assert signs(PLAIN, pgd=late, square=early)["black box stronger"].share == 1.0
