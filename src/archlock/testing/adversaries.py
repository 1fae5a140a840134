"""What every adversary must keep: ``for check in ADVERSARY_CHECKS: check(adversary)``.

Plug-in authors run it on their own adversary; our tests run it on every member of the catalog.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archlock.adversaries import Adversary, Ball, Effort, first_beaten, margins
from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, batch_of, fit

EFFORT = Effort(steps=10, restarts=2, queries=60)
ROUNDING = 1e-6


def small_network(classes: int = 10) -> nn.Sequential:
    """Two convolutions and a normalisation for 8 x 8 grey images, with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 12, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(192, classes),
        )


@cache
def trained_network() -> nn.Sequential:
    """The small network, trained for a second on digits; in evaluation mode."""
    task = small_digits(train=300, validation=20, test=20)
    trained = fit(small_network(), task, Plan(6, batch_size=16, shift=0.0), seed=0).model.eval()
    assert isinstance(trained, nn.Sequential)
    return trained


def some_digits() -> tuple[Tensor, Tensor]:
    """Forty images and their labels."""
    batch = batch_of(small_digits(train=300, validation=20, test=40).test)
    return batch.images, batch.targets


def linear_network() -> tuple[nn.Sequential, Tensor, Tensor]:
    """A linear model of two classes, and images away from black and white of which half are of each."""
    numbers = torch.Generator().manual_seed(3)
    head = nn.Linear(64, 2)
    with torch.no_grad():
        head.weight.copy_(torch.randn(2, 64, generator=numbers))
        head.bias.zero_()
    images = 0.3 + 0.4 * torch.rand(40, 1, 8, 8, generator=numbers)
    with torch.no_grad():
        head.bias[1] = (head(images.flatten(1))[:, 0] - head(images.flatten(1))[:, 1]).median()
    model = nn.Sequential(nn.Flatten(), head).eval()
    return model, images, model(images).argmax(1)


def stays_in_the_ball_and_in_the_box(adversary: Adversary) -> None:
    """Within epsilon in its norm and within [0, 1], to rounding, also at a huge epsilon and for black and white."""
    images, labels = some_digits()  # (they are mostly black)
    for norm in adversary.norms:
        for epsilon in (0.01, 0.3, 1.0):
            perturbed = adversary.perturb(
                trained_network(), images, labels, Ball(epsilon, norm), EFFORT, seeds=range(len(images))
            )
            change = (perturbed - images).flatten(1)
            size = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
            assert float(size.max()) <= epsilon + ROUNDING
            assert float(size.max()) > 0, "something is changed"
            assert float(perturbed.min()) >= 0
            assert float(perturbed.max()) <= 1


def leaves_alone_what_is_wrong_already(adversary: Adversary) -> None:
    """Images that the model is wrong about come back as they are; with epsilon 0 all do."""
    images, labels = some_digits()
    model = trained_network()
    labels = torch.where(torch.arange(len(labels)) % 2 == 0, labels, (labels + 1) % 10)
    wrong = model(images).argmax(1) != labels
    assert 10 < int(wrong.sum()) < 30
    perturbed = adversary.perturb(model, images, labels, Ball(0.1), EFFORT, seeds=range(len(images)))
    assert torch.equal(perturbed[wrong], images[wrong])
    assert not torch.equal(perturbed[~wrong], images[~wrong])
    unchanged = adversary.perturb(model, images, labels, Ball(0.0), EFFORT, seeds=range(len(images)))
    assert torch.equal(unchanged, images)


def leaves_no_footprints(adversary: Adversary) -> None:
    """Weights, statistics, modes, gradients, images and the global generator stay as they were."""
    model, (images, labels) = small_network().train(), some_digits()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state, kept = torch.get_rng_state(), images.clone()
    adversary.perturb(model, images, labels, Ball(0.1), EFFORT, seeds=range(len(images)))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert [part.training for part in (model, model[0], model[1])] == [True, True, False]
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert torch.equal(images, kept)
    assert not images.requires_grad
    assert torch.equal(torch.get_rng_state(), state)


def an_image_is_alone(adversary: Adversary) -> None:
    """The same seed, the same perturbed image, whatever is beside it; one image in a batch is no special case."""
    images, labels = some_digits()
    model, seeds = trained_network(), range(100, 100 + len(images))
    together = adversary.perturb(model, images, labels, Ball(0.05), EFFORT, seeds=seeds)
    torch.rand(3)
    again = adversary.perturb(model, images, labels, Ball(0.05), EFFORT, seeds=seeds)
    assert torch.equal(together, again)
    few = slice(3, 5)
    apart = adversary.perturb(model, images[few], labels[few], Ball(0.05), EFFORT, seeds=seeds[few])
    alone = adversary.perturb(model, images[3:4], labels[3:4], Ball(0.05), EFFORT, seeds=seeds[3:4])
    for found, rows in ((apart, few), (alone, slice(3, 4))):
        close = (found - together[rows]).abs().flatten(1).amax(1) < 1e-4
        assert bool(close.all())


def finds_the_exact_answer_of_a_linear_model(adversary: Adversary) -> None:
    """Of two classes: an image is beaten exactly where its margin is at most epsilon times a dual norm of the weights.

    An adversary that only asks for answers need not find all of them, and finds no others.
    """
    model, images, labels = linear_network()
    towards, away = next(model.parameters())
    weights = towards - away
    distances = margins(model(images), labels).abs()
    for norm in adversary.norms:
        dual = weights.abs().sum() if norm == "linf" else weights.norm()
        nearest = (distances / dual).detach()
        epsilons = (0.9 * float(nearest.quantile(0.3)), 1.1 * float(nearest.quantile(0.7)))
        assert max(epsilons) < 0.3 or norm == "l2", "the box does not help"
        found = first_beaten(
            adversary, model, images, labels, epsilons, norm=norm, effort=Effort(20, 1, 300), seeds=range(len(images))
        )
        clear = [(epsilon, (nearest - epsilon).abs() > 1e-3 * epsilon) for epsilon in epsilons]
        for place, (epsilon, sure) in enumerate(clear, 1):
            beaten, possible = torch.from_numpy(found <= place), nearest < epsilon
            assert not bool((beaten & ~possible & sure).any())
            if adversary.sees_gradients:
                assert bool((beaten | ~possible | ~sure).all())
            else:
                assert int((beaten & possible).sum()) >= 0.6 * int(possible.sum())


def finds_more_with_epsilon_and_beats_something(adversary: Adversary) -> None:
    """A trained network loses some images, never fewer at a larger epsilon, and all but all of them at a huge one."""
    images, labels = some_digits()
    epsilons = (0.01, 0.05, 0.1, 0.5)
    found = first_beaten(
        adversary, trained_network(), images, labels, epsilons, effort=Effort(20, 1, 300), seeds=range(len(images))
    )
    right = [int((found > place).sum()) for place in range(len(epsilons) + 1)]
    assert right == sorted(right, reverse=True)
    assert right[0] == int((trained_network()(images).argmax(1) == labels).sum()), "place 0 is the clean accuracy"
    assert right[3] < right[0]
    assert right[-1] <= 0.1 * right[0]


def says_what_is_wrong(adversary: Adversary) -> None:
    """Images outside [0, 1], numbers that do not match, answers that are not finite or no logits, in words."""
    images, labels = some_digits()
    model, seeds = trained_network(), range(len(images))
    with pytest.raises(ConfigurationError, match=r"images are in \[0, 1\]; got values from 0 to 255\. If the model"):
        adversary.perturb(model, 255 * images, labels, Ball(0.1), seeds=seeds)
    with pytest.raises(ConfigurationError, match="got 40 images, 40 labels and 3 seeds"):
        adversary.perturb(model, images, labels, Ball(0.1), seeds=range(3))
    with pytest.raises(UnsupportedError, match=r"expected N x classes logits, .* got \(40, 1, 8, 8\)"):
        adversary.perturb(nn.Identity(), images, labels, Ball(0.1), seeds=seeds)
    broken = small_network().eval()
    with torch.no_grad():
        next(broken[6].parameters()).fill_(torch.nan)
    with pytest.raises(MeasurementError, match="not finite numbers"):
        adversary.perturb(broken, images, labels, Ball(0.1), seeds=seeds)
    if "l2" not in adversary.norms:
        with pytest.raises(UnsupportedError, match=f"'{adversary.name}' is here in the norm linf alone; got 'l2'"):
            adversary.perturb(model, images, labels, Ball(0.1, "l2"), seeds=seeds)
    assert len(adversary.perturb(model, images[:0], labels[:0], Ball(0.1), seeds=())) == 0
    assert np.isin(list(adversary.norms), ["linf", "l2"]).all()


ADVERSARY_CHECKS: tuple[Callable[[Adversary], None], ...] = (
    stays_in_the_ball_and_in_the_box,
    leaves_alone_what_is_wrong_already,
    leaves_no_footprints,
    an_image_is_alone,
    finds_the_exact_answer_of_a_linear_model,
    finds_more_with_epsilon_and_beats_something,
    says_what_is_wrong,
)
