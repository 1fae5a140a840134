import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from archlock.errors import ConfigurationError, RunError
from archlock.models import module_from_factory, read_parts
from archlock.models.state_dicts import fill


def two_layers() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 3))


class Evil:
    """A pickle that makes a file when it is read as pickles are."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_a_state_dict_comes_back_and_fills_its_module(tmp_path: Path, suffix: str) -> None:
    model, path = two_layers(), tmp_path / f"model{suffix}"
    save_file(model.state_dict(), path) if suffix == ".safetensors" else torch.save(model.state_dict(), path)
    filled = fill(two_layers(), read_parts(path)[""], name=str(path))
    assert not filled.training
    for name, value in model.state_dict().items():
        assert torch.equal(filled.state_dict()[name], value)


def test_every_part_of_a_record_is_there_by_where_it_lies(tmp_path: Path) -> None:
    state = two_layers().state_dict()
    record = {
        "epoch": 3,
        "best": torch.tensor(0.9),
        "checkpoint": {"net": state, "lr": 0.1},
        "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1}]},
    }
    torch.save(record, tmp_path / "model.pt")
    found = read_parts(tmp_path / "model.pt")
    assert found.keys() == {"", "checkpoint.net"}
    assert found[""].keys() == {"best"}
    assert all(torch.equal(found["checkpoint.net"][name], value) for name, value in state.items())


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    torch.save(two_layers().half().state_dict(), tmp_path / "model.pt")
    filled = fill(two_layers().half(), read_parts(tmp_path / "model.pt")[""], name="model.pt")
    assert {parameter.dtype for parameter in filled.parameters()} == {torch.float32}


def test_counters_that_old_files_lack_are_not_missed() -> None:
    state = {name: value for name, value in two_layers().state_dict().items() if "num_batches" not in name}
    assert fill(two_layers(), state, name="old.pth")


def test_a_malicious_pickle_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    trace, evil = tmp_path / "trace", tmp_path / "evil.pt"
    for write in (
        lambda: torch.save({"state_dict": Evil(trace)}, evil),
        lambda: evil.write_bytes(pickle.dumps(Evil(trace))),
    ):
        write()
        with pytest.raises(RunError, match=r"evil\.pt is refused: it is no plain state dict.*Nothing was run"):
            read_parts(evil)
        assert not trace.exists()
    pickle.loads(pickle.dumps(Evil(trace)))  # the test would see it
    assert trace.exists()


def test_a_pickled_module_is_refused_and_what_it_asks_for_is_named(tmp_path: Path) -> None:
    torch.save(two_layers(), tmp_path / "whole.pt")
    with pytest.raises(RunError, match=r"it asks for torch\.nn\.modules\.container\.Sequential"):
        read_parts(tmp_path / "whole.pt")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epoch": 3, "loss": 0.2}, r"holds a mapping with the keys epoch, loss, not a state dict"),
        ({}, "holds an empty mapping, not a state dict"),
        ([1, 2], "holds a list, not a state dict"),
    ],
)
def test_a_file_of_something_else_says_what_it_holds(tmp_path: Path, content: Any, words: str) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(RunError, match=words):
        read_parts(tmp_path / "other.pt")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_damaged_or_missing_file_says_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    with pytest.raises(RunError, match="is missing; expected a file of weights"):
        read_parts(path)
    path.write_bytes(b"not weights")
    with pytest.raises(RunError, match="is not a safetensors file" if suffix == ".safetensors" else "is refused"):
        read_parts(path)


def test_weights_of_another_network_are_named_with_their_shapes() -> None:
    state = {**two_layers().state_dict(), "0.weight": torch.zeros(8, 1, 3, 3), "extra": torch.zeros(2)}
    del state["3.bias"]
    with pytest.raises(RunError) as caught:
        fill(two_layers(), state, name="best.pth")
    for words in (
        "best.pth do not belong to this Sequential",
        "1 missing: 3.bias (3,)",
        "1 not known: extra (2,)",
        "0.weight is (8, 1, 3, 3), should be (4, 1, 3, 3)",
    ):
        assert words in str(caught.value)


def test_of_many_wrong_names_only_some_are_told() -> None:
    with pytest.raises(RunError, match=r"8 missing: .* and 4 more"):
        fill(two_layers(), {}, name="nothing.pt")


def test_a_factory_makes_a_module() -> None:
    linear = module_from_factory("torch.nn:Linear", {"in_features": 2, "out_features": 3})
    assert isinstance(linear, nn.Linear)


@pytest.mark.parametrize(
    ("factory", "arguments", "words"),
    [
        ("torch.nn.Linear", {}, "'torch.nn.Linear' is not understood; write package.module:callable"),
        ("no_such_package:make", {}, "'no_such_package:make' cannot be imported"),
        ("torch.nn:NoSuchLayer", {}, "'torch.nn:NoSuchLayer' cannot be imported"),
        ("torch.nn:Linear", {"in_features": 2}, r"torch.nn:Linear\(in_features=2\) failed: TypeError"),
        ("builtins:dict", {"a": 1}, "builtins:dict made a dict; expected a torch.nn.Module"),
    ],
)
def test_a_factory_that_makes_none_says_why(factory: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        module_from_factory(factory, arguments)
