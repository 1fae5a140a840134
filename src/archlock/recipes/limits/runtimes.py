"""Run a model the way it is deployed: ONNX Runtime where it is installed, else torch as it is, with one thread.

The two differ several times over and do not even order models alike, so a latency without its runtime says nothing.
"""

import platform
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from archlock.execution import one_thread
from archlock.extras import absent, install_line, require
from archlock.recipes.export import export_onnx, input_name
from archlock.recipes.limits.record import Runtime
from archlock.recipes.limits.timing import Timing, time_calls
from archlock.records import fingerprint

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a latency was taken: no latency without it."""

    device: str
    """The machine, in words."""
    machine: str
    """Fingerprint of what makes machines differ in speed, as far as a program can tell."""
    runtime: Runtime
    version: str
    """Of the runtime."""

    @property
    def words(self) -> str:
        """As a reader wants it."""
        name = {"onnx": "ONNX Runtime", "torch": "torch"}[self.runtime]
        return f"{self.device}, {name} {self.version}, one thread"


def chosen_runtime(asked: Runtime | None) -> Runtime:
    """What was asked for, else ONNX Runtime where the extra ``deploy`` is installed, else torch.

    ``onnx`` without the extra raises ConfigurationError.
    """
    if asked == "onnx":
        require("deploy", "a latency in ONNX Runtime")
    return asked or ("torch" if absent("deploy") else "onnx")


def said_of_runtime(asked: Runtime | None) -> tuple[str, ...]:
    """What a user should know who did not ask for a runtime and does not get ONNX Runtime."""
    if asked is not None or not absent("deploy"):
        return ()
    return (
        "latency is taken in torch, which is several times slower than a deployed runtime and orders models a little "
        f"differently; for ONNX Runtime run: {install_line('deploy')}",
    )


def here(runtime: Runtime) -> Place:
    """This machine with that runtime."""
    processor = _processor()
    system = f"{platform.system()} {platform.machine()}"
    version = _onnxruntime().__version__ if runtime == "onnx" else torch.__version__.partition("+")[0]
    device = f"{processor} ({system})" if processor else system
    return Place(device, fingerprint([system, processor]), runtime, version)


def time_module(module: nn.Module, shape: Shape, runtime: Runtime) -> Timing:
    """Latency of a module for one image of shape (channels, height, width), on this machine."""
    if runtime == "torch":
        return _time_torch(module, shape)
    with TemporaryDirectory() as folder:
        path = export_onnx(module, shape, Path(folder) / "model.onnx")
        return time_onnx(path, {input_name(module): (1, *shape)})


def time_onnx(path: Path, inputs: dict[str, tuple[int, ...]]) -> Timing:
    """Latency of an ONNX file in ONNX Runtime, for float32 inputs of these shapes, by name."""
    import numpy as np

    library = _onnxruntime()
    options = library.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = library.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    fed = {name: rng.random(shape, dtype=np.float32) for name, shape in inputs.items()}
    return time_calls(lambda: session.run(None, fed))


def _time_torch(module: nn.Module, shape: Shape) -> Timing:
    images = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    mode = module.training
    module.eval()
    try:
        with one_thread(), torch.inference_mode():
            return time_calls(lambda: module(images))
    finally:
        module.train(mode)


def _onnxruntime() -> Any:
    import onnxruntime

    return onnxruntime


def _processor() -> str:
    """Name of the processor; empty where nobody says."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    return named[0] if named else platform.processor()
