"""A first look at a model: what makes figures mean nothing is refused, what makes them flatter is said."""

import pytest
import torch
from torch import Tensor, nn

from archlock.adversaries import look_at
from archlock.errors import UnsupportedError
from archlock.testing.adversaries import some_digits, trained_network
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, fit
from masked_models import Detached, Rounded, Scaled


class After(nn.Module):
    """A model with something behind it, or before it."""

    def __init__(
        self, model: nn.Module, behind: nn.Module | None = None, shift: float = 0.0, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.model, self.behind, self.shift, self.scale = model, behind or nn.Identity(), shift, scale

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.behind(self.model(images * self.scale + self.shift))
        return answer


def test_an_ordinary_model_gives_no_sign() -> None:
    model, (images, labels) = trained_network(), some_digits()
    found = look_at(model, images, labels)
    assert found.notes == ()
    assert found.silent == 0
    assert found.has_gradient
    assert found.left_at_huge == 0
    assert found.looked_at == int((model(images).argmax(1) == labels).sum())
    grey = int(model(torch.full((1, 1, 8, 8), 0.5)).argmax())
    right = model(images).argmax(1) == labels
    assert found.possible_at_huge == pytest.approx(float((labels[right] == grey).float().mean()))


@pytest.mark.parametrize(
    ("shift", "scale", "words"),
    [(0.55, 0.45, r"after \(x - 0.5\) / 0.5"), (0.0, 1 / 255, "as grey levels from 0 to 255")],
)
def test_a_model_that_normalises_outside_is_refused(shift: float, scale: float, words: str) -> None:
    """What undoes a normalisation is put before a model that tells black from white, and not light grey from white."""
    images, labels = some_digits()
    outside = After(Rounded(trained_network(), 1), shift=shift, scale=scale)
    with pytest.raises(UnsupportedError, match=rf"of them {words}, so it expects images that are normalised outside"):
        look_at(outside, images, labels)


def test_a_model_that_normalises_by_the_batch_is_refused_and_one_that_only_trains_is_not() -> None:
    images, labels = some_digits()
    model = nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(UnsupportedError, match=r"answers otherwise when an image is alone .* let it use running stat"):
        look_at(model, images, labels)
    fitted = fit(trained_network(), small_digits(train=60), Plan(1, batch_size=16, shift=0.0), seed=0).model.train()
    assert look_at(fitted, images, labels).notes == ()
    assert fitted.training, "and it is left as it was"


def test_probabilities_and_chance_are_said() -> None:
    images, labels = some_digits()
    (line,) = look_at(After(trained_network(), nn.Softmax(1)), images, labels).notes
    assert line.startswith("the model gives probabilities and no logits")

    class Dice(nn.Module):
        def forward(self, logits: Tensor) -> Tensor:
            return logits + 0.5 * torch.randn_like(logits)

    (line,) = look_at(After(trained_network(), Dice()), images, labels).notes
    assert line.startswith("the model answers otherwise when it is asked again")


def test_silent_gradients_are_counted() -> None:
    images, labels = some_digits()
    rounded = look_at(Rounded(trained_network()), images, labels)
    assert rounded.silent == 1
    assert rounded.has_gradient
    assert rounded.left_at_huge == 1
    assert look_at(Scaled(trained_network(), 1e5), images, labels).silent > 0.5
    torch.manual_seed(0)
    model = After(nn.Flatten(), Detached())
    model.behind.head = nn.Linear(64, 10)
    detached = look_at(model, images, model(images).argmax(1))
    assert (detached.silent, detached.left_at_huge, detached.has_gradient) == (1.0, None, False)
    assert "have no gradient in its images" in detached.notes[0]


def test_a_model_that_is_right_about_nothing_is_said() -> None:
    images, labels = some_digits()
    found = look_at(trained_network(), images, (trained_network()(images).argmax(1) + 1) % 10)
    assert found.looked_at == 0
    assert found.notes == ("the model is right about none of the images that were looked at",)
    assert len(labels) == 40
