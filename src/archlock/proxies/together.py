"""Many proxies on one model: what they share is computed once, and one that fails does not stop the others."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import nn

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.evidence import Status
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench
from archlock.training import Batch


@dataclass(frozen=True, slots=True)
class ProxyValue:
    """What came of measuring one proxy; ``value`` is NaN exactly when ``status`` is not "valid"."""

    value: float
    status: Status
    note: str
    """Why there is no value; empty when there is one."""
    seconds: float
    """Wall time; what several proxies share is charged to the first that needs it, so the sum is the whole time."""

    def __post_init__(self) -> None:
        if (self.status == "valid") != math.isfinite(self.value):
            raise MeasurementError(f"a valid value is finite and a {self.status} one is not; got {self.value}")


def measure_together(
    model: nn.Module, batches: Sequence[Batch], proxies: Iterable[Proxy], *, seed: int
) -> dict[str, ProxyValue]:
    """Value of every proxy by name, equal bit for bit to what ``measure`` gives one at a time.

    A proxy without a value says so in its status ("failed", "unsupported") and note; nothing is raised for it. Too
    few batches for one of the proxies raise ConfigurationError before anything is measured.
    """
    wanted = tuple(proxies)
    needed = max((proxy.batches for proxy in wanted), default=0)
    if len(batches) < needed:
        hungry = ", ".join(proxy.name for proxy in wanted if proxy.batches > len(batches))
        raise ConfigurationError(f"{hungry} needs {needed} batches, got {len(batches)}; give more batches")
    if not wanted:
        return {}
    bench = Workbench(model, batches[:needed], seed=seed)
    for proxy in wanted:
        if proxy.supports(bench.kind):
            bench.expect(proxy.needs, proxy.image_needs)
    return {proxy.name: _value(proxy, bench) for proxy in wanted}


def _value(proxy: Proxy, bench: Workbench) -> ProxyValue:
    start = time.perf_counter()
    value, note = math.nan, ""
    status: Status = "valid"
    try:
        value = proxy.measure_on(bench)
    except UnsupportedError as error:
        status, note = "unsupported", str(error)
    except MeasurementError as error:
        status, note = "failed", str(error)
    return ProxyValue(value, status, note, time.perf_counter() - start)
