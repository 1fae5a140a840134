"""Amounts as people write them (``300k``, ``2ms``, ``1.5MB``); a unit that says something else is refused."""

import math
import re
from collections.abc import Mapping
from typing import Final

from archlock.errors import ConfigurationError

COUNTS: Final[Mapping[str, float]] = {"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
BYTES: Final[Mapping[str, float]] = {
    "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30
}  # fmt: skip
TIMES: Final[Mapping[str, float]] = {"s": 1e3, "ms": 1.0, "us": 1e-3, "µs": 1e-3}
"""In milliseconds."""

_FORM: Final = re.compile(r"\s*([-+]?(?:\d[\d_]*\.?\d*|\.\d+|nan|inf(?:inity)?)(?:[eE][-+]?\d+)?)\s*([^\d\s]*)\s*")


def parse_parameters(text: str) -> int:
    """``300k`` parameters."""
    return _count(text, "parameters", "a size in bytes is --max-weights 300KB")


def parse_macs(text: str) -> int:
    """``20M`` multiply-adds."""
    return _count(text, "MACs (multiply-adds)", "one MAC is two FLOPs: halve a number of FLOPs")


def parse_bytes(text: str, *, what: str) -> int:
    """``300KB`` or ``1MiB`` of something."""
    value, unit = _parts(text, what, "300KB or 1.5MB")
    if unit not in BYTES:
        raise _misfit(text, what, f"{_unit(unit)} is no size in bytes", "300KB or 1.5MB")
    return math.floor(value * BYTES[unit])


def parse_milliseconds(text: str) -> float:
    """``2ms``, ``500us`` or ``0.01s`` as milliseconds."""
    value, unit = _parts(text, "a latency", "2ms or 500us")
    if unit not in TIMES:
        raise _misfit(text, "a latency", f"{_unit(unit)} is no time", "2ms or 500us")
    return value * TIMES[unit]


def parse_ratio(text: str, *, what: str) -> float:
    """A number without a unit."""
    value, unit = _parts(text, what, "4")
    if unit:
        raise _misfit(text, what, f"it has no unit, and {unit!r} is one", "4")
    return value


def _count(text: str, what: str, hint: str) -> int:
    value, unit = _parts(text, what, "300k or 20M")
    if unit not in COUNTS:
        raise _misfit(text, what, f"{_unit(unit)} is no multiple of a count ({hint})", "300k, 20M or 300000")
    return math.floor(round(value * COUNTS[unit], 6))


def _parts(text: str, what: str, example: str) -> tuple[float, str]:
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise _misfit(str(text), what, "it is one number with one unit", example)
    value = float(found[1])
    if not (math.isfinite(value) and value > 0):
        raise ConfigurationError(f"a limit on {what} is a number above 0; got {text!r}")
    return value, found[2]


def _unit(unit: str) -> str:
    return f"the unit {unit!r}" if unit else "a number without a unit"


def _misfit(text: str, what: str, reason: str, example: str) -> ConfigurationError:
    return ConfigurationError(f"{text!r} is not understood as {what}: {reason}; write for example {example}")
