"""``archlock cost``: what one model costs, counted and timed on this machine; or a calibration of the machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn

from archlock.errors import ConfigurationError
from archlock.extras import absent, install_line
from archlock.models import Costs, costs_of_module, count_int8_bytes
from archlock.progress import Progress, Silent
from archlock.recipes.cost.onnx_file import costs_of_onnx, inputs_of, read_onnx
from archlock.recipes.cost.quantising import quantised
from archlock.recipes.export import export_onnx, input_name
from archlock.recipes.limits.calibrating import TIMED, calibrate
from archlock.recipes.limits.forecast import Calibration, Networks
from archlock.recipes.limits.record import Runtime
from archlock.recipes.limits.runtimes import chosen_runtime, here, said_of_runtime, time_module, time_onnx
from archlock.recipes.limits.timing import Timing
from archlock.recipes.opening import open_model
from archlock.records import check_writable, write_json


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What a model costs. MACs are multiply-adds, and FLOPs are two for each; never one under the other's name."""

    name: str
    origin: str
    shape: tuple[int, ...]
    """Of one image: channels, height, width."""
    parameters: int
    macs: int
    flops: int
    weights_bytes: int
    """Of all tensors of weights."""
    file_bytes: int | None
    """Of the file they lie in, where there is one."""
    int8_bytes: int | None
    """With weights of eight bits."""
    int8_is_measured: bool
    """Whether that is the size of a file that was made; else it is counted."""
    peak_activation_bytes: int
    """Most bytes of feature maps at once (float32, memory planned); work space of convolutions comes on top."""
    moved_bytes: int
    intensity: float
    """FLOPs for each byte of weights, and of what operators read and write."""
    latency: Timing | None
    """None where the runtime is not installed."""
    int8_latency: Timing | None
    on: str
    """Machine and runtime of the latencies."""
    notes: tuple[str, ...]


def cost(
    model: str | Path | nn.Module,
    *,
    runtime: Runtime | None = None,
    factory: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
) -> ModelCost:
    """Count and time a model: a run's directory, an ONNX file, or whatever ``open_model`` opens (see there)."""
    if not isinstance(model, nn.Module) and Path(model).suffix == ".onnx" and Path(model).is_file():
        return _of_onnx(Path(model), runtime)
    opened = open_model(model, factory=factory, arguments=arguments, size=size, channels=channels)
    if opened.shape is None:
        raise ConfigurationError(f"{opened.name} does not say which images it takes; give --size, as in --size 224,224")
    asked = chosen_runtime(runtime)
    costs = costs_of_module(opened.module, opened.shape)
    notes = [*said_of_runtime(runtime), *opened.notes]
    int8_bytes, int8_latency = count_int8_bytes(opened.module), None
    timing = time_module(opened.module, opened.shape, asked)
    if absent("deploy"):
        notes.append(f"the int8 size is counted, not measured; to have it measured run: {install_line('deploy')}")
    else:
        with TemporaryDirectory() as folder:
            path = export_onnx(opened.module, opened.shape, Path(folder) / "model.onnx")
            small = quantised(path, {input_name(opened.module): (1, *opened.shape)})
        int8_bytes, int8_latency = small.file_bytes, small.timing
    files = sorted(Path(model).glob("*.safetensors")) if isinstance(model, str | Path) and Path(model).is_dir() else []
    file_bytes = files[0].stat().st_size if len(files) == 1 else None
    return _cost(
        (opened.name, opened.origin, opened.shape),
        costs,
        file_bytes,
        (int8_bytes, int8_latency is not None),
        (timing, int8_latency, here(asked).words),
        notes,
    )


def calibrate_machine(
    networks: Networks,
    out: Path,
    *,
    runtime: Runtime | None = None,
    count: int = TIMED,
    seed: int = 0,
    progress: Progress | None = None,
) -> Calibration:
    """Time a sample of a space on this machine, and write the calibration to ``out``."""
    progress = progress or Silent()
    asked = chosen_runtime(runtime)
    check_writable(out)
    for line in said_of_runtime(runtime):
        progress.say(line)
    found = calibrate(networks, asked, count=count, seed=seed, progress=progress)
    write_json(out, found)
    return found


def _of_onnx(path: Path, runtime: Runtime | None) -> ModelCost:
    if runtime == "torch":
        raise ConfigurationError(f"{path} is an ONNX file, which torch does not run; leave out --runtime torch")
    model = read_onnx(path)
    inputs, costs = inputs_of(model), costs_of_onnx(model)
    shape = next(iter(inputs.values()))[1:]
    if absent("deploy"):
        notes = [f"no latency and no int8 size: an ONNX file runs in ONNX Runtime; run: {install_line('deploy')}"]
        return _cost((path.name, str(path), shape), costs, path.stat().st_size, (None, False), (None, None, ""), notes)
    timing, small = time_onnx(path, inputs), quantised(path, inputs)
    timings = (timing, small.timing, here("onnx").words)
    return _cost((path.name, str(path), shape), costs, path.stat().st_size, (small.file_bytes, True), timings, [])


def _cost(
    named: tuple[str, str, tuple[int, ...]],
    costs: Costs,
    file_bytes: int | None,
    int8: tuple[int | None, bool],
    timed: tuple[Timing | None, Timing | None, str],
    notes: list[str],
) -> ModelCost:
    macs = int(costs.macs[0])
    busy = [timing.busy for timing in timed[:2] if timing is not None and timing.busy]
    return ModelCost(
        *named,
        int(costs.parameters[0]),
        macs,
        2 * macs,
        int(costs.weights_bytes[0]),
        file_bytes,
        *int8,
        int(costs.peak_bytes[0]),
        int(costs.moved_bytes[0]),
        float(costs.intensity[0]),
        timed[0],
        timed[1],
        timed[2],
        (*notes, *dict.fromkeys(busy)),
    )
