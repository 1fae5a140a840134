"""What an embedding is: one number for each filter of a probe, with what is needed to trust and to compare it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from archlock.errors import MeasurementError


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A task as a vector, born valid: finite, and never negative when it was measured (else MeasurementError).

    Comparable only with embeddings of the same probe and layers (see :meth:`comparable`). The arrays are read-only.
    """

    vector: Float64[np.ndarray, " filters"]
    """Mean Fisher information of the weights of each convolution filter."""
    offsets: tuple[tuple[str, int], ...]
    """Layer name and index of its first filter, in ascending order; a layer ends where the next begins."""
    examples: int
    """Number of examples that were measured; 0 when simulated."""
    standard_error: Float64[np.ndarray, "_"]  # noqa: F821
    """Of each entry, over the examples; 0 when simulated."""
    probe: str
    probe_fingerprint: str
    task: str
    """Fingerprint of the task; a simulated embedding names its source and its number."""
    simulated: bool = False

    def __post_init__(self) -> None:
        for name in ("vector", "standard_error"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        where = f"embedding of task {self.task} by probe {self.probe!r}"
        if self.vector.shape != self.standard_error.shape:
            raise MeasurementError(
                f"{where}: {self.vector.size} entries but {self.standard_error.size} standard errors; give one for each"
            )
        starts = [start for _, start in self.offsets]
        if not starts or starts[0] != 0 or sorted(set(starts)) != starts or starts[-1] >= self.vector.size:
            raise MeasurementError(
                f"{where}: layer starts must ascend from 0 to below {self.vector.size}; got {starts}"
            )
        bad = int(np.sum(~np.isfinite(self.vector)))
        if bad:
            raise MeasurementError(f"{where}: {bad} of {self.vector.size} entries are not finite; check the probe")
        if not self.simulated and self.vector.min() < 0:
            raise MeasurementError(f"{where}: Fisher information cannot be negative; got {self.vector.min():.3g}")

    def layer(self, name: str) -> slice:
        """Where the filters of a layer lie in the vector; KeyError lists the layers."""
        starts = dict(self.offsets)
        if name not in starts:
            raise KeyError(f"no layer {name!r}; known: {', '.join(starts)}")
        later = [start for start in starts.values() if start > starts[name]]
        return slice(starts[name], min(later, default=self.vector.size))

    def comparable(self, other: "Embedding") -> bool:
        """Whether both describe the same filters: same probe, same layers."""
        return self.probe_fingerprint == other.probe_fingerprint and self.offsets == other.offsets
