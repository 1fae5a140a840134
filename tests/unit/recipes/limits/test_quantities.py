"""Amounts with units: what is understood, and what is refused in which words."""

import math
from typing import Any

import pytest

import archlock
from archlock.errors import ConfigurationError
from archlock.recipes import parse_limits
from archlock.recipes.limits.quantities import parse_bytes, parse_macs, parse_milliseconds, parse_parameters
from archlock.reports import amount_in_words, bytes_in_words, count_in_words, time_in_words


@pytest.mark.parametrize(
    ("text", "value"),
    [("300k", 300_000), ("300K", 300_000), ("0.3M", 300_000), ("3e5", 300_000), ("300_000", 300_000), ("1 G", 10**9)],
)
def test_counts(text: str, value: int) -> None:
    assert parse_parameters(text) == parse_macs(text) == value


@pytest.mark.parametrize(("text", "value"), [("2ms", 2.0), ("500us", 0.5), ("500 µs", 0.5), ("0.01s", 10.0)])
def test_times(text: str, value: float) -> None:
    assert parse_milliseconds(text) == pytest.approx(value)


@pytest.mark.parametrize(("text", "value"), [("300KB", 300_000), ("1MiB", 2**20), ("12B", 12)])
def test_bytes(text: str, value: int) -> None:
    assert parse_bytes(text, what="weights") == value


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"max_latency": "2"}, "a number without a unit is no time; write for example 2ms or 500us"),
        ({"max_latency": "2m"}, "the unit 'm' is no time"),
        ({"max_params": "300KB"}, "'KB' is no multiple of a count .a size in bytes is --max-weights 300KB."),
        ({"max_params": "20m"}, "the unit 'm' is no multiple of a count"),
        ({"max_params": "1.5M300k"}, "it is one number with one unit"),
        ({"max_params": "k"}, "it is one number with one unit"),
        ({"max_params": "0"}, "a limit on parameters is a number above 0; got '0'"),
        ({"max_params": "-3k"}, "a limit on parameters is a number above 0; got '-3k'"),
        ({"max_macs": "nan"}, "a limit on MACs .multiply-adds. is a number above 0; got 'nan'"),
        ({"max_macs": "inf"}, "is a number above 0"),
        ({"max_macs": "20MFLOPs"}, "one MAC is two FLOPs: halve a number of FLOPs"),
        ({"max_weights": "300k"}, "the unit 'k' is no size in bytes; write for example 300KB"),
        ({"max_memory": "300"}, "a number without a unit is no size in bytes"),
        ({"min_intensity": "4B"}, "it has no unit, and 'B' is one"),
    ],
)
def test_what_cannot_be_meant_is_refused(texts: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_limits(**texts)


def test_texts_become_limits() -> None:
    found = parse_limits(max_params="300k", max_macs="20M", max_latency="2ms", runtime="torch", min_intensity="4")
    assert found == archlock.Limits(300_000, 20e6, intensity=4.0, latency_ms=2.0, runtime="torch")
    assert found.exact == {"parameters": 300_000, "macs": 20_000_000, "intensity": 4.0}
    assert found.any
    assert not archlock.Limits().any


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "300k", True])
def test_limits_are_born_valid(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"the limit parameters is a number above 0, or None; got"):
        archlock.Limits(parameters=value)


def test_where_a_latency_is_taken_says_nothing_without_one() -> None:
    with pytest.raises(ConfigurationError, match=r"runtime says where a latency is taken, and there is no limit on"):
        archlock.Limits(parameters=3, runtime="torch")
    with pytest.raises(ConfigurationError, match=r"device_table says where a latency is taken"):
        archlock.Limits(device_table="pi5.json")
    with pytest.raises(ConfigurationError, match=r"unknown runtime 'tflite'; known: onnx, torch"):
        archlock.Limits(latency_ms=2.0, runtime="tflite")  # type: ignore[arg-type]


def test_amounts_in_words() -> None:
    assert [count_in_words(n) for n in (73_306, 300_000, 20e6, 9_000)] == ["73.31k", "300k", "20M", "9,000"]
    assert [bytes_in_words(n) for n in (293_224, 12, 5e6)] == ["293.2 KB", "12 B", "5 MB"]
    assert [time_in_words(ms) for ms in (1.2345, 0.05)] == ["1.234 ms", "50 us"]
    assert amount_in_words("macs", 2e7) == "20M MACs"
    assert amount_in_words("intensity", 4.0) == "4 FLOPs a byte"
    assert amount_in_words("peak_bytes", 4096) == "4.096 KB of feature maps at once"
