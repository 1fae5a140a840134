import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archlock.models import answers_fingerprint
from foreign_models import plain_network

SHAPE = (1, 8, 8)


class Around(nn.Module):
    """The same weights, and something else done with them."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.body, self.what = plain_network(), what

    def forward(self, images: Tensor) -> Tensor:
        if self.what == "normalised":
            images = (images - 0.485) / 0.229
        if self.what == "noisy training" and self.training:
            images = images + 0.2 * torch.rand_like(images)
        if self.what == "single precision":
            images = images.float()
            assert self.body[0].weight.dtype == torch.float32  # type: ignore[operator]
        found: Tensor = self.body(images)
        return found + random.random() * 0.5 if self.what == "chance" else found


def test_the_same_module_answers_the_same_and_is_left_alone() -> None:
    model = plain_network().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    chance = (torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate())  # type: ignore[index]  # noqa: NPY002
    assert answers_fingerprint(model, SHAPE) == answers_fingerprint(plain_network().eval(), SHAPE)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    after = (torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate())  # type: ignore[index]  # noqa: NPY002
    assert torch.equal(chance[0], after[0])
    assert chance[1:] == after[1:]


@pytest.mark.parametrize("what", ["normalised", "noisy training"])
def test_an_edited_forward_is_told_in_evaluation_and_in_training(what: str) -> None:
    assert answers_fingerprint(Around(what), SHAPE) != answers_fingerprint(Around(""), SHAPE)


def test_chance_of_any_library_is_fixed() -> None:
    random.seed(4)
    assert len({answers_fingerprint(Around("chance"), SHAPE) for _ in range(3)}) == 1
    dropping = nn.Sequential(plain_network(), nn.Dropout(0.5))
    assert answers_fingerprint(dropping, SHAPE) == answers_fingerprint(dropping, SHAPE)
    assert answers_fingerprint(dropping, SHAPE) != answers_fingerprint(nn.Sequential(plain_network()), SHAPE)


def test_rounding_of_another_machine_is_not_another_answer() -> None:
    model = plain_network(classes=40)
    single = answers_fingerprint(Around("single precision"), SHAPE)
    assert single == answers_fingerprint(Around(""), SHAPE), "single and double precision round alike here"
    with torch.no_grad():
        other = plain_network(classes=40)
        for parameter in other.parameters():
            parameter.mul_(1 + 1e-7)
    assert answers_fingerprint(model, SHAPE) == answers_fingerprint(other, SHAPE)


def test_one_class_among_many_counts() -> None:
    model, other = plain_network(classes=300), plain_network(classes=300)
    with torch.no_grad():
        other[-1].bias[123] += 1.0  # type: ignore[operator, union-attr]
    assert answers_fingerprint(model, SHAPE) != answers_fingerprint(other, SHAPE)


def test_what_cannot_answer_has_an_identity_too() -> None:
    assert answers_fingerprint(plain_network(), (3, 8, 8)) == answers_fingerprint(plain_network(), (3, 8, 8))
    assert answers_fingerprint(plain_network(), (3, 8, 8)) != answers_fingerprint(plain_network(), SHAPE)
