"""At which epsilon an image is first beaten: what the model answers counts, and nothing else."""

import numpy as np
import pytest
import torch
from torch import Tensor

from archlock.adversaries import ADVERSARIES, Adversary, Ball, Effort, Given, first_beaten, wrong_about
from archlock.errors import ConfigurationError
from archlock.testing.adversaries import some_digits, trained_network

EFFORT = Effort(8, 1, 20)


class Boaster(Adversary):
    """Does nothing and believes in it."""

    name, paper, summary = "boaster", "none", "does nothing"

    def strongest(self, given: Given, effort: Effort) -> Tensor:
        return given.images.clone()


def test_the_places_are_those_of_every_epsilon_by_itself() -> None:
    images, labels = some_digits()
    model, epsilons, seeds = trained_network(), (0.02, 0.06, 0.1), list(range(len(images)))
    found = first_beaten(ADVERSARIES["pgd"], model, images, labels, epsilons, effort=EFFORT, seeds=seeds)
    by_hand = np.full(len(images), 4)
    for place, epsilon in reversed(list(enumerate(epsilons, 1))):
        perturbed = ADVERSARIES["pgd"].perturb(model, images, labels, Ball(epsilon), EFFORT, seeds=seeds)
        by_hand[wrong_about(model, perturbed, labels)] = place
    by_hand[wrong_about(model, images, labels)] = 0
    assert found.tolist() == by_hand.tolist()
    assert len(set(found.tolist())) >= 3


def test_who_only_says_so_beats_nothing() -> None:
    images, labels = some_digits()
    found = first_beaten(Boaster(), trained_network(), images, labels, (0.1, 0.9), seeds=range(len(images)))
    assert set(found.tolist()) <= {0, 3}


def test_epsilons_rise_and_are_above_zero() -> None:
    images, labels = some_digits()
    for wrong in ((0.0, 0.1), (0.2, 0.1), (0.1, 0.1)):
        with pytest.raises(ConfigurationError, match=r"epsilons are above 0 and rise; got \("):
            first_beaten(Boaster(), trained_network(), images, labels, wrong, seeds=range(len(images)))
    clean = first_beaten(Boaster(), trained_network(), images, labels, (), seeds=range(len(images)))
    assert (clean == 0).tolist() == (trained_network()(images).argmax(1) != labels).tolist()
    assert wrong_about(trained_network(), torch.zeros(0, 1, 8, 8), torch.zeros(0, dtype=torch.int64)).tolist() == []
