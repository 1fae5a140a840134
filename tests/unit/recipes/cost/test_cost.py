"""What one model costs: a run's model, an ONNX file, a stranger's module; and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError, RunError
from archlock.models import build, costs_of_module, count_int8_bytes, save_weights
from archlock.recipes import Networks, calibrate_machine, cost, cost_lines
from archlock.recipes.cost.onnx_file import costs_of_onnx, inputs_of, read_onnx
from archlock.recipes.export import Blueprint, export_onnx, save_blueprint
from archlock.recipes.limits import timing
from archlock.spaces import SPACES
from archlock.tasks import Signature

SIGNATURE = Signature("classification", (1, 8, 8), 4, (0.5,), (0.25,))
ARCHITECTURE = SPACES["nasbench201"].architecture("213301")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SECONDS_A_BLOCK", 0.001)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return build(ARCHITECTURE, SIGNATURE, width=4, depth=1, seed=0).eval()


@pytest.fixture
def without_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime is hidden, the rest of the extra is there."""
    monkeypatch.setattr("archlock.extras.find_spec", lambda name: None if name == "onnxruntime" else name)


def test_a_run_is_counted_timed_and_told(network: nn.Module, tmp_path: Path, without_deploy: None) -> None:
    save_blueprint(Blueprint(ARCHITECTURE, SIGNATURE, tuple("abcd"), 4, 1), tmp_path / "architecture.json")
    save_weights(network, tmp_path / "locked.safetensors")
    found = cost(tmp_path)
    counted = costs_of_module(network, (1, 8, 8))
    assert (found.parameters, found.macs) == (counted.parameters[0], counted.macs[0])
    assert found.flops == 2 * found.macs
    assert found.file_bytes == (tmp_path / "locked.safetensors").stat().st_size > found.weights_bytes
    assert found.int8_bytes == count_int8_bytes(network) < found.weights_bytes
    assert not found.int8_is_measured
    assert found.latency is not None
    assert "torch" in found.on
    assert [line.partition(";")[0] for line in found.notes[:1]] == [
        "latency is taken in torch, which is several times slower than a deployed runtime and orders models a little "
        "differently"
    ]
    told = "\n".join(cost_lines(found))
    assert f"MACs          {found.macs:,} for one image of 1 x 8 x 8" in told
    assert f"FLOPs         {found.flops:,} (2 for each MAC)" in told
    assert f"measured on   {found.on}" in told


def test_an_onnx_file_costs_what_its_module_costs(network: nn.Module, tmp_path: Path, without_deploy: None) -> None:
    path = export_onnx(network, (1, 8, 8), tmp_path / "model.onnx")
    model = read_onnx(path)
    assert inputs_of(model) == {"images": (1, 1, 8, 8)}
    counted, ours = costs_of_onnx(model), costs_of_module(network, (1, 8, 8))
    assert counted.macs[0] == ours.macs[0]
    assert counted.peak_bytes[0] == ours.peak_bytes[0]
    assert counted.parameters[0] == pytest.approx(ours.parameters[0], rel=0.1), "normalisations are folded there"
    found = cost(path)
    assert found.latency is None
    assert found.int8_bytes is None
    assert "run: pip install 'archlock[deploy]'" in found.notes[0]
    assert "latency       not measured" in cost_lines(found)
    with pytest.raises(
        ConfigurationError, match=r"is an ONNX file, which torch does not run; leave out --runtime torch"
    ):
        cost(path, runtime="torch")


def test_in_onnx_runtime_everything_is_measured(network: nn.Module, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    found = cost(export_onnx(network, (1, 8, 8), tmp_path / "model.onnx"))
    assert found.latency is not None
    assert found.int8_latency is not None
    assert found.int8_is_measured
    assert "ONNX Runtime" in found.on


def test_what_is_no_onnx_file(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(RunError, match=r"model.onnx is no ONNX model that can be read"):
        read_onnx(tmp_path / "model.onnx")


def test_attention_counts_and_a_size_is_needed(without_deploy: None) -> None:
    class Attends(nn.Module):
        """Pixels attend to each other."""

        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = nn.Conv2d(3, 8, 1), nn.Linear(8, 5)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            tokens = self.stem(images).flatten(2).transpose(1, 2)
            mixed = torch.softmax(tokens @ tokens.transpose(1, 2), -1) @ tokens
            return self.head(mixed.mean(1))  # type: ignore[no-any-return]

    found = cost(Attends(), size=(4, 4), channels=3)
    assert found.macs == 16 * 3 * 8 + 2 * 16 * 16 * 8 + 8 * 5
    with pytest.raises(ConfigurationError, match=r"does not say which images it takes; give --size"):
        cost(Attends())


def test_int8_bytes_by_hand() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 5))
    assert count_int8_bytes(model) == (54 + 4 * 3 + 4 * 3) + 4 * 6 + (15 + 4 * 5 + 4 * 5)


def test_a_calibration_is_written_where_it_is_asked_for(tmp_path: Path, without_deploy: None) -> None:
    networks = Networks("transnas101_micro", (1, 8, 8), 4, 2, 1)
    made = calibrate_machine(networks, tmp_path / "here.device.json", count=10)
    assert len(made.codes) == 10
    assert made.networks == replace(networks)
    assert (tmp_path / "here.device.json").is_file()
