from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from archlock.errors import RunError
from archlock.models import filled

State = dict[str, Tensor]


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 3))


def weights(seed: int = 1) -> State:
    torch.manual_seed(seed)
    return dict(network().state_dict())


def named(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": value for name, value in state.items()}


def opened(parts: Mapping[str, State]) -> str:
    """What was taken off; the module must hold the weights of seed 1."""
    module, taken = filled(network(), parts, name="best.pth")
    found = module.state_dict()
    assert all(torch.equal(found[name], value) for name, value in weights().items())
    return taken


@pytest.mark.parametrize("part", ["", "state_dict", "net", "checkpoint.network"])
def test_any_part_that_fits_is_taken_and_said(part: str) -> None:
    assert opened({part: weights()}) == (f"the part {part!r}" if part else "")


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "model.",
        "model._orig_mod.",
        "a.b.c.",
        "net_1.",
    ],
)
def test_any_prefix_is_taken_off_and_said(prefix: str) -> None:
    assert opened({"": named(prefix, weights())}) == f"without {prefix!r} in its names"


def test_what_wrappers_put_into_the_middle_of_names_is_taken_off() -> None:
    state = {name.replace("0.", "0._orig_mod.module.", 1): value for name, value in weights().items()}
    assert opened({"": state}) == "without '_orig_mod.' and 'module.' in its names"
    both = opened({"state_dict": named("model.", state)})
    assert both == "the part 'state_dict', without '_orig_mod.' and 'module.' and 'model.' in its names"


def test_the_piece_that_fits_is_taken_and_what_is_left_out_said() -> None:
    beside = {"criterion.weight": torch.ones(3), "metric.total": torch.zeros(())}
    taken = opened({"state_dict": named("model.", weights()) | beside})
    assert taken == "the part 'state_dict', without 'model.' in its names, leaving out 2 tensors of criterion, metric"
    old = {name: value for name, value in weights().items() if "num_batches" not in name}
    assert "'model.'" in opened({"": named("model.", old) | beside})


def test_an_average_beside_the_weights_is_not_taken_and_said() -> None:
    taken = opened({"model_ema": weights(2), "model": weights()})
    assert taken == "the part 'model', and not 'model_ema', which would fit too"


def test_the_same_weights_twice_are_no_question() -> None:
    assert "'student'" in opened({"student": weights(), "teacher": weights()})


@pytest.mark.parametrize(
    ("parts", "ways"),
    [
        ({"student": weights(1), "teacher": weights(2)}, "'student', 'teacher'"),
        ({"": named("student.", weights(1)) | named("teacher.", weights(2))}, "'student.', 'teacher.'"),
        (
            {"state_dict": named("model.", weights(1)) | named("ema.", weights(2))},
            "'state_dict' with the prefix 'ema.', 'state_dict' with the prefix 'model.'",
        ),
    ],
)
def test_of_two_that_fit_none_is_guessed(parts: Mapping[str, State], ways: str) -> None:
    with pytest.raises(RunError) as caught:
        filled(network(), parts, name="best.pth")
    assert f"best.pth holds several sets of weights that fit the module: {ways}; which is meant is not" in str(
        caught.value
    )


def test_a_half_is_never_loaded() -> None:
    """A deeper network of the same family has all names of a shallower one."""
    deeper = weights() | {"4.weight": torch.zeros(2, 3), "4.bias": torch.zeros(2)}
    with pytest.raises(RunError, match=r"best\.pth do not belong to this Sequential; 2 not known: 4\.bias"):
        filled(network(), {"": deeper}, name="best.pth")
    with pytest.raises(
        RunError, match=r"best\.pth, part 'net' and without the prefix 'model\.' do not belong .*; 2 not known"
    ):
        filled(network(), {"net": named("model.", deeper)}, name="best.pth")
    other = weights() | {"0.weight": torch.zeros(8, 1, 3, 3)}
    with pytest.raises(RunError, match=r"0\.weight is \(8, 1, 3, 3\), should be \(4, 1, 3, 3\)"):
        filled(network(), {"": named("_orig_mod.module.", other)}, name="best.pth")


def test_names_that_would_be_one_are_left_alone() -> None:
    state = named("module.", weights()) | {"0.weight": torch.zeros(1)}
    assert opened({"": state}) == "without 'module.' in its names, leaving out 1 tensors of 0"
