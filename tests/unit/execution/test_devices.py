from typing import Any

import pytest
import torch

from archlock.errors import ConfigurationError
from archlock.execution import (
    computed_on,
    default_workers,
    float64_device,
    has_float64,
    kind_of,
    resolve_device,
    workers_for,
)


def test_auto_is_a_gpu_where_there_is_one(monkeypatch: Any) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == "cuda"


def test_the_processor_has_one_name() -> None:
    assert resolve_device("cpu") == resolve_device("cpu:0") == "cpu"


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "meta", ""])
def test_a_device_is_there_or_an_error_says_which_are(name: str) -> None:
    """On ``meta`` nothing is computed, so it is no device to work on."""
    with pytest.raises(
        ConfigurationError, match=rf"device '{name}' is not available here \(.+\); available: auto, cpu"
    ):
        resolve_device(name)


def test_an_accelerator_has_one_worker() -> None:
    assert [workers_for(device) for device in ("cuda", "cuda:1", "mps")] == [1, 1, 1]
    assert workers_for("cpu") == default_workers()
    assert [workers_for(device, 3) for device in ("cpu", "cuda")] == [3, 3]


def test_kinds_and_what_they_can() -> None:
    assert [kind_of(device) for device in ("cpu", "cuda:1", "mps")] == ["cpu", "cuda", "mps"]
    assert [has_float64(device) for device in ("cpu", "cuda:1", "mps")] == [True, True, False]
    assert [float64_device(device) for device in ("cpu", "cuda:1", "mps")] == ["cpu", "cuda:1", "cpu"]


def test_a_value_is_named_by_minor_version_and_kind(monkeypatch: Any) -> None:
    monkeypatch.setattr(torch, "__version__", "2.9.1+cu128")
    assert computed_on("cuda:1") == computed_on("cuda") == "torch2.9-cuda"
    monkeypatch.setattr(torch, "__version__", "2.9.0")
    assert computed_on("cpu") == "torch2.9-cpu"
