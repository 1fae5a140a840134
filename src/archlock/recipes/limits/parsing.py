"""Limits from texts, as the command line has them."""

from archlock.recipes.limits.quantities import (
    parse_bytes,
    parse_macs,
    parse_milliseconds,
    parse_parameters,
    parse_ratio,
)
from archlock.recipes.limits.record import Limits, Runtime


def parse_limits(
    *,
    max_params: str | None = None,
    max_macs: str | None = None,
    max_weights: str | None = None,
    max_memory: str | None = None,
    min_intensity: str | None = None,
    max_latency: str | None = None,
    runtime: Runtime | None = None,
    device_table: str | None = None,
) -> Limits:
    """``300k``, ``20M``, ``300KB``, ``200KB``, ``4``, ``2ms``; a text that is no such amount raises
    ConfigurationError."""
    return Limits(
        parameters=None if max_params is None else parse_parameters(max_params),
        macs=None if max_macs is None else parse_macs(max_macs),
        weights_bytes=None if max_weights is None else parse_bytes(max_weights, what="weights"),
        peak_bytes=None if max_memory is None else parse_bytes(max_memory, what="feature maps"),
        intensity=None if min_intensity is None else parse_ratio(min_intensity, what="an intensity"),
        latency_ms=None if max_latency is None else parse_milliseconds(max_latency),
        runtime=runtime,
        device_table=device_table,
    )
