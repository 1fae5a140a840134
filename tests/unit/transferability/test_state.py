"""The state of small trained networks: what is planted in them is found, and they are left as they were."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import as_classifier, build, with_new_head
from archlock.spaces import Architecture
from archlock.tasks import Split, Task
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import batch_of, loss_of, ridge_score
from archlock.transferability import ModelState, state_of
from archlock.transferability.layer_reading import read_layers, shown

TASK = small_digits(train=80, validation=40, test=4, labels=(0, 1, 2, 3))


def network() -> nn.Module:
    """Two convolutions with activations that are no modules of their own, and a linear layer."""

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm = nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6, momentum=None)
            self.second, self.hidden, self.out = nn.Conv2d(6, 8, 3), nn.Linear(8, 12), nn.Linear(12, 4)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = torch.relu(self.norm(self.first(images)))
            return self.out(torch.relu(self.hidden(torch.relu(self.second(maps)).mean((2, 3)))))

    torch.manual_seed(1)
    model = Small()
    model(batch_of(TASK.train).images)  # (statistics of its own)
    return model.eval()


def by_name(state: ModelState) -> dict[str, object]:
    return {one.name: one for one in state.layers}


def test_planted_dead_and_copied_channels_are_found_where_they_arrive() -> None:
    model = network()
    with torch.no_grad():
        model.second.weight[2], model.second.bias[2] = 0, -1.0  # never fires
        model.second.weight[4], model.second.bias[4] = model.second.weight[0], model.second.bias[0]
    plain, planted = state_of(network(), TASK, seed=0), state_of(model, TASK, seed=0)
    assert [one.name for one in planted.layers] == ["first", "second", "hidden", "head"]
    assert [one.units for one in planted.layers] == [1, 6, 8, 12]
    before, after = by_name(plain)["hidden"], by_name(planted)["hidden"]
    assert (before.copies, after.dead - before.dead) == (0, 1)
    assert after.copies == 1
    assert after.condition is None
    assert any("so its condition number is infinite" in note for note in after.notes)
    second = [replace(by_name(state)["second"], gradient=0.0) for state in (plain, planted)]
    assert second[0] == second[1], "nothing before it has changed"


def test_numbers_are_those_of_what_arrives_and_of_the_first_step() -> None:
    model = network()
    reading = read_layers(as_classifier(model, TASK.shape), TASK, device="cpu")["body.model.hidden"]
    images = batch_of(TASK.train).images
    with torch.no_grad():
        arrived = torch.relu(model.second(torch.relu(model.norm(model.first(images))))).mean((2, 3))
    np.testing.assert_allclose(reading.train, arrived, rtol=1e-5, atol=1e-6)
    state = state_of(model, TASK, seed=5)
    hidden = by_name(state)["hidden"]
    assert hidden.probe == ridge_score(reading.train, reading.validation, TASK, 5)
    fresh = with_new_head(model, TASK.signature, seed=5).train()
    batch = batch_of(TASK.train.take(range(64)))
    loss_of(fresh(batch.images), batch.targets).backward()
    layer = fresh.body.model.second
    expected = float(torch.log10(layer.weight.grad.norm() / layer.weight.detach().norm()))
    assert by_name(state)["second"].gradient == pytest.approx(expected, abs=1e-5)
    assert by_name(state)["head"].gradient is None
    assert state.gradient_spread == pytest.approx(np.std([one.gradient for one in state.layers[:-1]]))
    assert state.tunnel is not None
    probes = [one.probe for one in state.layers]
    assert state.tunnel.strength == pytest.approx(probes[-1] / max(probes))


def test_all_layers_are_read_in_one_pass_over_the_images() -> None:
    model, seen = network(), []
    model.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    state_of(model, TASK, seed=0)
    training = sum(one for one in seen if one > 4)  # (four or fewer: how the model is taken apart)
    assert training == 80 + 40 + 64, "training and validation images once, and one step"


def test_the_model_is_left_as_it_was_and_the_answer_is_the_same_again() -> None:
    model = network().train()
    model.norm.eval()
    state = copy.deepcopy(model.state_dict())
    torch.rand(3)
    before = torch.random.get_rng_state()
    found = state_of(model, TASK, examples=60, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert (model.training, model.norm.training) == (True, False)
    assert not any(part._forward_hooks for part in model.modules())
    assert all(one.grad is None for one in model.parameters())
    assert found == state_of(model, TASK, examples=60, seed=1)
    assert found.images == 60


def test_a_network_of_ours_and_labels_of_somebody_else() -> None:
    ours = build(Architecture("nasbench201", "314321"), TASK.signature, width=4, depth=1, seed=0)
    other = small_digits(train=80, validation=40, test=4, labels=(4, 5, 6, 7, 8, 9))
    state = state_of(ours, other, seed=0)
    assert state.classes == 6
    assert state.layers[-1].name == "head"
    assert {one.name for one in state.values} >= {"effective_rank", "tunnel", "gradient_evenness"}


def test_rescaled_channels_show_in_the_gradients_alone() -> None:
    model, hidden = network(), network()
    with torch.no_grad():
        hidden.second.weight.mul_(100)
        hidden.second.bias.mul_(100)
        hidden.hidden.weight.div_(100)
    one, other = (state_of(each, TASK, seed=0) for each in (model, hidden))
    before, after = ([layer.gradient for layer in state.layers[:-1]] for state in (one, other))
    assert np.subtract(after, before) == pytest.approx([0, -4, 4], abs=1e-3), "by the square of the scale"
    assert other.gradient_spread == pytest.approx(np.std(after))
    assert other.layers[-1].probe == one.layers[-1].probe
    assert other.layers[2].dead == one.layers[2].dead


def test_layers_go_by_the_names_of_their_maker_behind_a_neck_too() -> None:
    assert [shown(name) for name in ("body.model.body.stem", "body.body.model.model.stem", "cells.0.norm", "head")] == [
        "body.stem",
        "model.stem",
        "cells.0.norm",
        "head",
    ]


@pytest.mark.parametrize(
    ("model", "task", "error", "words"),
    [
        (
            network(),
            small_negatives(),
            UnsupportedError,
            "is a dense task; the state of a model is measured by classes",
        ),
        (nn.Flatten(), TASK, UnsupportedError, "has no nn.Linear and no convolution that makes its 64 answers"),
    ],
)
def test_what_has_no_state_is_refused(model, task, error, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=words):
        state_of(model, task, seed=0)


def with_labels(labels: np.ndarray) -> Task:
    return replace(TASK, train=Split(TASK.train.images[: len(labels)], labels))


def test_one_class_and_fewer_images_than_classes_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"all 20 training images of '.*' are of one class"):
        state_of(network(), with_labels(np.full(20, 2)), seed=0)
    with pytest.raises(ConfigurationError, match=r"has 3 training images of 4 classes; the state .* at least as many"):
        state_of(network(), with_labels(np.array([0, 1, 2])), seed=0)


def test_weights_that_are_no_numbers_are_said_with_the_layer() -> None:
    model = network()
    with torch.no_grad():
        model.second.weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(MeasurementError, match="are not finite numbers; its training has diverged"):
        state_of(model, TASK, seed=0)
    ours = build(Architecture("nasbench201", "314321"), TASK.signature, width=4, depth=1, seed=0)
    with torch.no_grad():
        next(ours.cells.parameters()).fill_(torch.nan)
    with pytest.raises(
        MeasurementError, match=r"what arrives at the layer cells\S+ is not finite; the weights hold no"
    ):
        state_of(ours, TASK, seed=0)


def test_a_model_whose_units_are_all_dead_has_no_state() -> None:
    flat = replace(TASK, train=Split(np.full_like(TASK.train.images, 7), TASK.train.targets))
    with pytest.raises(MeasurementError, match="at every layer all 80 images look the same"):
        state_of(network(), flat, seed=0)


def test_a_model_that_is_a_head_alone_has_one_layer_and_no_spread() -> None:
    torch.manual_seed(0)
    state = state_of(nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), TASK, seed=0)
    assert [one.name for one in state.layers] == ["head"]
    assert state.gradient_spread is None
    assert state.tunnel is not None
    assert state.tunnel.strength == 1
    told = {one.name: one for one in state.values}
    assert told["gradient_evenness"].status == "failed"
