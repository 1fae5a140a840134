"""What the latency of every architecture will be, before any is built: from a calibration, or from a device's table."""

import csv
import gzip
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from archlock.decoding import decode
from archlock.errors import ArchitectureError, ConfigurationError, RunError, TableError
from archlock.models import costs_of
from archlock.recipes.limits.latency_model import Counted, LatencyModel, operation_counts
from archlock.recipes.limits.record import Runtime
from archlock.records import LATER, read_json
from archlock.spaces import SPACES, Architecture, Space
from archlock.tasks import Form, Signature

FORMAT: Final = 1
SLACK: Final = 2.0
"""A forecast may be off by so many times its error before it is believed."""


@dataclass(frozen=True, slots=True)
class Networks:
    """Which networks a latency is of: everything but the architecture."""

    space: str
    shape: tuple[int, int, int]
    """Channels, height, width of the images."""
    outputs: int
    width: int
    depth: int
    form: Form = field(default="image", metadata=LATER)

    @property
    def signature(self) -> Signature:
        """Of a classification task with such images: what counts and times depend on."""
        channels = self.shape[0]
        means, stds = (0.0,) * channels, (1.0,) * channels
        return Signature("classification", self.shape, self.outputs, means, stds, self.form, self.form == "signal")

    @classmethod
    def of(cls, space: str, signature: Signature, *, width: int, depth: int) -> "Networks":
        """Those of a run."""
        return cls(space, signature.shape, signature.outputs, width, depth, signature.form)


@runtime_checkable
class Forecast(Protocol):
    """Latencies of architectures, and how far they can be trusted."""

    @property
    def device(self) -> str:
        """Device and runtime, in words."""
        ...

    @property
    def error(self) -> float:
        """Median relative error; 0 where the values were recorded for each architecture."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user should know, in sentences."""
        ...

    def milliseconds(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """One for each architecture; NaN where nothing is known."""
        ...


@dataclass(frozen=True, slots=True)
class Calibration:
    """A device's latency model, made on it by ``archlock cost --space``; a JSON file. Born valid (else RunError)."""

    made_at: str
    machine: str
    """Fingerprint of the machine."""
    on: str
    """Machine and runtime in words."""
    runtime: Runtime
    networks: Networks
    codes: tuple[str, ...]
    """The timed architectures."""
    timed_ms: tuple[float, ...]
    busy: int
    """How many of them were timed while the machine was busy."""
    model: LatencyModel
    format: int = FORMAT
    remarks: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise RunError(f"a calibration has format {FORMAT} in this version; got {self.format}: calibrate again")
        if len(self.codes) != len(self.timed_ms):
            raise RunError(
                f"a calibration has a time for each of its {len(self.codes)} codes; got {len(self.timed_ms)}"
            )

    @property
    def device(self) -> str:
        """Device and runtime, in words."""
        return self.on

    @property
    def error(self) -> float:
        """Median relative error on architectures that were left out."""
        return self.model.error

    def milliseconds(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """What the model foretells."""
        return self.model.milliseconds(counts_of(self.networks, architectures)[self.model.counted])

    def check(self, networks: Networks, *, runtime: Runtime | None, machine: str = "") -> None:
        """ConfigurationError where it was made for other networks, another runtime, or on another machine."""
        pairs = [(name, getattr(self.networks, name), getattr(networks, name)) for name in
                 ("space", "shape", "width", "depth", "form")]  # fmt: skip
        pairs += [("runtime", self.runtime, runtime)] if runtime is not None else []
        wrong = [f"{name} {made} (here {asked})" for name, made, asked in pairs if made != asked]
        if machine and machine != self.machine:
            wrong.append(f"the machine {self.on} (here another one)")
        if wrong:
            raise ConfigurationError(
                f"the calibration was made with {', '.join(wrong)}, and latencies of one say nothing of the other; "
                "calibrate again: archlock cost --space ... --out FILE on the device, with the settings of this run"
            )


@dataclass(frozen=True, slots=True, eq=False)
class DeviceTable:
    """Recorded latencies of single architectures."""

    device: str
    recorded: dict[str, float]
    """Milliseconds by code."""
    remarks: tuple[str, ...] = ()
    error: float = 0.0

    def milliseconds(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """As recorded."""
        return np.array([self.recorded.get(one.code, math.nan) for one in architectures])


def counts_of(networks: Networks, architectures: Sequence[Architecture]) -> dict[Counted, np.ndarray]:
    """The counts that a latency model may use."""

    def arithmetic() -> np.ndarray:
        costs = costs_of(architectures, networks.signature, width=networks.width, depth=networks.depth)
        return np.stack([costs.macs / 1e6, costs.moved_bytes / 1e6], axis=1)

    return operation_counts(SPACES[networks.space], architectures, arithmetic)


def open_device(path: str | Path, space: Space) -> Forecast:
    """The latencies in a file: a calibration (``.json``), or a table of ``code, ms`` (``.csv``, ``.csv.gz``).

    A file that is neither raises TableError or RunError, one that is missing ConfigurationError.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigurationError(
            f"no device table {str(path)!r}: no such file; expected a calibration (archlock cost --space ... --out "
            "here.device.json) or a CSV file of code, ms"
        )
    if path.suffix == ".json":
        return read_calibration(path)
    return _read_table(path, space)


def read_calibration(path: Path) -> Calibration:
    """What ``archlock cost`` wrote; RunError where it is damaged or something else."""
    try:
        return decode(Calibration, read_json(path))
    except RunError as error:
        raise RunError(
            f"{path} is no calibration of a device ({error}); make one: archlock cost --space ..."
        ) from error


def _read_table(path: Path, space: Space) -> DeviceTable:
    data = path.read_bytes()
    try:
        text = (gzip.decompress(data) if path.name.endswith(".gz") else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TableError(f"{path.name} is no CSV file of code, ms ({error})") from error
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or [cell.strip() for cell in rows[0]] != ["code", "ms"]:
        head = ", ".join(rows[0]) if rows else "nothing"
        raise TableError(
            f"{path.name}: a device table has the columns code, ms; its first line has {head}. A table with more "
            "columns is imported (archlock tables import csv) and serves archlock evaluate --max-cost"
        )
    recorded: dict[str, float] = {}
    refused = 0
    for number, row in enumerate(rows[1:], start=2):
        code, value = _row(path.name, number, row, space)
        if value is None:
            refused += 1
            continue
        if code in recorded:
            raise TableError(f"{path.name}, line {number}: {code} has a latency already; keep one line of each code")
        recorded[code] = value
    if not recorded:
        raise TableError(f"{path.name} has no latency of any architecture")
    return DeviceTable(f"the device of {path.name}", _by_function(recorded, space), _remarks(path.name, refused))


def _by_function(recorded: dict[str, float], space: Space) -> dict[str, float]:
    """With the cheapest form of every function, which is what is released: its own latency, else the most of others."""
    forms: dict[str, float] = {}
    for code, value in recorded.items():
        cheapest = space.simplify(space.architecture(code)).code
        forms[cheapest] = max(value, forms.get(cheapest, 0.0))
    return {**forms, **recorded}


def _row(name: str, number: int, row: list[str], space: Space) -> tuple[str, float | None]:
    """Code and milliseconds; None where the device refused the architecture (-1, or nothing)."""
    try:
        code = space.parse(row[0]).code
        text = row[1].strip() if len(row) == 2 else "too many or too few cells"
        value = -1.0 if not text else float(text)
    except (ArchitectureError, ValueError, IndexError) as error:
        raise TableError(f"{name}, line {number}: expected a code of {space.name} and milliseconds; {error}") from None
    if value == -1.0 or math.isnan(value):
        return code, None
    if not 0 < value < math.inf:
        raise TableError(f"{name}, line {number}: a latency is above 0 (or -1: not supported); got {row[1]!r}")
    return code, value


def _remarks(name: str, refused: int) -> tuple[str, ...]:
    if not refused:
        return ()
    return (f"{name}: {refused:,} architectures have no latency (-1: the device refused them) and are left out",)
