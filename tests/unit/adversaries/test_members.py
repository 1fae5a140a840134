"""What is particular to an adversary, where the contract is silent."""

import pytest
import torch
from torch import nn

from archlock.adversaries import ADVERSARIES, Ball, Effort, checkpoints, first_beaten
from archlock.adversaries.square import share_at
from archlock.errors import ConfigurationError, UnknownNameError
from archlock.testing.adversaries import some_digits, trained_network
from masked_models import Rounded, Scaled


def kept(name: str, model: nn.Module, epsilon: float, effort: Effort) -> int:
    images, labels = some_digits()
    found = first_beaten(ADVERSARIES[name], model, images, labels, (epsilon,), effort=effort, seeds=range(len(images)))
    return int((found > 1).sum())


def test_checkpoints_are_those_of_the_paper() -> None:
    assert checkpoints(100) == (22, 41, 57, 70, 80, 87, 93, 99)
    assert checkpoints(20) == (5, 9, 12, 14, 16, 18, 19)
    assert checkpoints(1) == ()
    assert all(0 < place < steps for steps in range(1, 60) for place in checkpoints(steps))


def test_scaled_logits_stop_who_follows_cross_entropy_and_not_who_follows_ratios() -> None:
    scaled, effort = Scaled(trained_network(), 1e5).eval(), Effort(10, 1, 10)
    assert kept("apgd", trained_network(), 0.15, effort) + 10 < kept("pgd", scaled, 0.15, effort)
    assert kept("apgd", scaled, 0.15, effort) + 10 < kept("pgd", scaled, 0.15, effort)


def test_square_beats_a_model_whose_gradient_is_zero() -> None:
    model, effort = Rounded(trained_network()).eval(), Effort(5, 1, 200)
    right = int((model(some_digits()[0]).argmax(1) == some_digits()[1]).sum())
    assert kept("fgsm", model, 0.2, effort) == right, "one step of no gradient is no step"
    assert kept("pgd", model, 0.2, effort) == right
    assert kept("square", model, 0.2, effort) < right - 10


def test_restarts_find_more_and_never_less() -> None:
    once, often = (kept("pgd", trained_network(), 0.1, Effort(3, number, 10)) for number in (1, 4))
    assert often <= once


def test_squares_get_smaller_as_the_schedule_says() -> None:
    assert [share_at(query, 10_000) for query in (1, 10, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001)] == [
        0.8, 0.8, *(0.8 / 2**halved for halved in range(1, 10)),
    ]  # fmt: skip
    assert share_at(2, 1000) == 0.4, "fewer queries go through it faster"


def test_square_takes_images_that_are_not_square() -> None:
    numbers = torch.Generator().manual_seed(0)
    model, images = nn.Sequential(nn.Flatten(), nn.Linear(30, 3)).eval(), torch.rand(8, 1, 3, 10, generator=numbers)
    labels = model(images).argmax(1)
    perturbed = ADVERSARIES["square"].perturb(
        model, images, labels, Ball(0.3), Effort(1, 1, 100), seeds=range(len(images))
    )
    assert int((model(perturbed).argmax(1) != labels).sum()) > 0


def test_an_effort_is_born_valid_and_a_name_is_known() -> None:
    wrong: dict[str, int]
    for wrong in ({"steps": 0}, {"restarts": -1}, {"steps": True}):
        with pytest.raises(ConfigurationError, match="of an adversary is a whole number, at least 1; got"):
            Effort(**wrong)
    with pytest.raises(UnknownNameError, match="unknown adversary 'pdg'; known: fgsm, pgd, apgd, square"):
        ADVERSARIES["pdg"]


def test_every_adversary_says_what_it_is() -> None:
    for name, one in ADVERSARIES.items():
        assert one.name == name
        assert one.paper
        assert one.summary
