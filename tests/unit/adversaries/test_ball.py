"""What an adversary may do to an image."""

import math

import numpy as np
import pytest
import torch

from archlock.adversaries import Ball, Norm, check_epsilon
from archlock.errors import ConfigurationError
from archlock.seeding import rng_for


@pytest.mark.parametrize(
    ("epsilon", "norm", "words"),
    [
        (8, "linf", r"at most 1, as in 8/255; got 8; in grey levels of 0 to 255 write 8/255"),
        (1.5, "linf", r"got 1\.5; in grey levels of 0 to 255 write 1\.5/255"),
        (300, "linf", r"so at most 1, as in 8/255; got 300$"),
        (-0.1, "linf", r"a finite number from 0 on, as in 8/255; got -0\.1"),
        (-1, "l2", r"a finite number from 0 on"),
        (math.inf, "l2", r"a finite number from 0 on, as in 8/255; got inf"),
        (math.nan, "linf", r"epsilon is a number, .* got nan"),
        (True, "linf", r"epsilon is a number, .* got True"),
    ],
)
def test_what_is_no_epsilon_is_refused_with_a_hint(epsilon: float, norm: Norm, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Ball(epsilon, norm)


def test_an_epsilon_in_which_every_image_is_every_other_is_refused_where_its_size_is_known() -> None:
    check_epsilon(7.9, "l2", (1, 8, 8))
    with pytest.raises(ConfigurationError, match=r"every image of 1 x 8 x 8 .* at most 8 apart.* such as 0\.5 if grey"):
        check_epsilon(128.0, "l2", (1, 8, 8))


def test_a_large_epsilon_is_one_in_l2() -> None:
    assert Ball(3.0, "l2").epsilon == 3.0


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_projecting_is_the_nearest_image_of_the_box_and_stays_in_the_ball(norm: Norm) -> None:
    numbers = torch.Generator().manual_seed(0)
    images = torch.rand(20, 3, 4, 5, generator=numbers)
    far = images + torch.randn(20, 3, 4, 5, generator=numbers)
    ball = Ball(0.2, norm)
    found = ball.project(images, far)
    change = (found - images).flatten(1)
    sizes = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
    assert float(sizes.max()) <= 0.2 + 1e-6
    assert torch.equal(found, found.clamp(0, 1))
    near = (images + 0.01 * (far - images)).clamp(0, 1)
    assert torch.allclose(ball.project(images, near), near, atol=1e-7), "what is inside stays where it is"
    if norm == "linf":
        assert torch.allclose(found, torch.maximum(torch.minimum(far, images + 0.2), images - 0.2).clamp(0, 1))
    else:
        inner = images.clamp(0.4, 0.6)
        step = ball.project(inner, inner + 5.0) - inner
        assert torch.allclose(step.flatten(1).norm(dim=1), torch.full((20,), 0.2))


def test_the_steepest_step_is_the_sign_or_the_direction_and_nothing_without_a_gradient() -> None:
    gradient = torch.tensor([[3.0, -4.0], [0.0, 0.0], [3e-30, -4e-30]])[:, None, None]
    assert Ball(0.1).steepest(gradient).flatten(1).tolist() == [[1, -1], [0, 0], [1, -1]]
    direction = Ball(0.1, "l2").steepest(gradient).flatten(1)
    assert torch.allclose(direction, torch.tensor([[0.6, -0.8], [0, 0], [0.6, -0.8]]))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_beginnings_are_in_the_ball_and_belong_to_the_image(norm: Norm) -> None:
    images = torch.full((3, 1, 6, 6), 0.5)
    ball = Ball(0.1, norm)
    both = ball.sample(images, [rng_for(seed, "begin") for seed in (1, 2, 3)])
    alone = ball.sample(images[1:2], [rng_for(2, "begin")])
    assert torch.equal(both[1:2], alone)
    sizes = (both - images).flatten(1)
    assert float((sizes.abs().amax(1) if norm == "linf" else sizes.norm(dim=1)).max()) <= 0.1 + 1e-6
    assert len(np.unique(both.numpy())) > 100
