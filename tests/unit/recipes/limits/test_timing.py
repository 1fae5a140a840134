"""Timing with clocks that are made up, and once with real ones."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError
from archlock.extras import absent
from archlock.recipes.limits.runtimes import chosen_runtime, here, said_of_runtime, time_module
from archlock.recipes.limits.timing import BLOCKS, FEWEST, WARM_UP, Timing, time_calls


class Clock:
    """A clock that a call moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def timed(cpu_of: Callable[[int], float], waits: float = 1.0) -> Timing:
    cpu, wall, calls = Clock(), Clock(), [0]

    def call() -> None:
        seconds = cpu_of(calls[0] - WARM_UP)
        calls[0] += 1
        cpu.now += seconds
        wall.now += waits * seconds

    return time_calls(call, cpu=cpu, wall=wall)


def test_it_is_the_median_of_the_blocks_median_cpu_time() -> None:
    found = timed(lambda call: 1.0 if call < 0 else (2.0, 6.0, 3.0)[call // FEWEST] + 0.5 * (call % FEWEST), waits=2.0)
    assert found.calls == BLOCKS * FEWEST, "slow calls are few"
    assert found.cpu_ms == pytest.approx(3000 + 2250)
    assert found.wall_median_ms == pytest.approx(2 * (3000 + 2250))
    assert found.spread == pytest.approx(4 / 4.25)
    assert 8500 < found.cpu_p90_ms < 10500


def test_one_disturbed_block_does_not_move_it() -> None:
    slow = timed(lambda call: 0.01 * (1.0 if not 30 <= call < 60 else 5.0))
    assert slow.cpu_ms == pytest.approx(10.0)
    assert slow.busy


def test_a_busy_machine_is_said() -> None:
    quiet = timed(lambda _: 0.01)
    assert quiet.busy == ""
    assert 20 * BLOCKS < quiet.calls <= 30 * BLOCKS
    uneven = timed(lambda call: 0.01 if call < 25 else 0.02)
    assert "the machine was busy: blocks of calls differ by 100% (more than 10%)" in uneven.busy
    waiting = timed(lambda _: 0.01, waits=2.0)
    assert "the machine was busy: a call waits 2.0 times as long as it computes" in waiting.busy


def test_a_module_is_timed_in_torch_and_left_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()).train()
    threads = torch.get_num_threads()
    found = time_module(model, (1, 8, 8), "torch")
    assert 0 < found.cpu_ms <= found.cpu_p90_ms < 1000
    assert model.training
    assert torch.equal(model[1].running_mean, torch.zeros(2))
    assert torch.get_num_threads() == threads
    place = here("torch")
    assert place == here("torch")
    assert place.words.endswith(f", torch {place.version}, one thread")
    assert torch.__version__.startswith(place.version)


def test_without_onnx_runtime_it_is_torch_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlock.extras.find_spec", lambda name: None if name == "onnxruntime" else name)
    assert absent("deploy") == ("onnxruntime",)
    assert chosen_runtime(None) == chosen_runtime("torch") == "torch"
    (line,) = said_of_runtime(None)
    assert line.endswith("for ONNX Runtime run: pip install 'archlock[deploy]'")
    assert said_of_runtime("torch") == ()
    with pytest.raises(ConfigurationError, match=r"a latency in ONNX Runtime needs onnxruntime; run: pip install"):
        chosen_runtime("onnx")
    monkeypatch.setattr("archlock.extras.find_spec", lambda name: name)
    assert chosen_runtime(None) == "onnx"
    assert said_of_runtime(None) == ()


def test_onnx_runtime_times_the_exported_model() -> None:
    pytest.importorskip("onnxruntime")
    found = time_module(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), (1, 8, 8), "onnx")
    assert 0 < found.cpu_ms < 100
    assert here("onnx").words.count("ONNX Runtime") == 1
