"""Traces in files: read as they were written, and refused by the line."""

from pathlib import Path

import pytest

from archlock.errors import RunError
from archlock.leaks import OBSERVERS, Observation, observer_of_trace, read_trace, write_trace
from archlock.leaks.traces import MOST

ROW = '{"seconds": 0.1, "bytes": 4, "held": 1}\n'
SEEN = Observation((0.5, 0.25, 1e-6, 0.125, 2.0), (8, 0, 16, 4, 4), (1, 0, 2, 1, 0))


def test_a_trace_is_read_as_it_was_written_by_whoever_sees_less_too(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "trace.jsonl", SEEN)
    assert observer_of_trace(path) == "both"
    assert read_trace(path, OBSERVERS["both"]) == SEEN
    assert read_trace(path, OBSERVERS["timer"]) == Observation(seconds=SEEN.seconds)
    more = Observation((1.0,) * 6, (8, 0, 16, 4, 4, 2), (3, 0, 2, 1, 1, 0))
    memory = read_trace(write_trace(tmp_path / "more.jsonl", more), OBSERVERS["memory"])
    assert memory == Observation(sizes=(8, 16, 4, 4, 2), held=(2, 2, 1, 1, 0))  # counted in what is seen


def test_a_trace_of_times_alone_is_known_by_its_columns(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "trace.jsonl", Observation(seconds=(0.1,) * 5))
    assert observer_of_trace(path) == "timer"
    assert read_trace(path, OBSERVERS["timer"]) == Observation(seconds=(0.1,) * 5)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (ROW * 5 + '{"seconds": 0.1}\n', "line 6 lacks bytes, held; columns of a trace are seconds, bytes, held"),
        (ROW + '{"seconds": -0.1, "bytes": 4, "held": 1}\n', "line 2: seconds is a number, 0 or above; got -0.1"),
        (ROW + '{"seconds": NaN, "bytes": 4, "held": 1}\n', "line 2: seconds is a number, 0 or above; got nan"),
        (ROW + '{"seconds": 1, "bytes": 4.5, "held": 1}\n', "line 2: bytes is a whole number"),
        (ROW + '{"seconds": "1", "bytes": 4, "held": 1}\n', "got '1'"),
        (ROW + '{"name": "conv1", "seconds": 1, "bytes": 4, "held": 1}\n', "has the unknown column 'name'"),
        (ROW + "[1]\n", "line 2 is no object"),
        (ROW + "conv, 3\n", "line 2 is no JSON"),
        (ROW.encode() + b'{"seconds": "\xff"}\n', "is not UTF-8"),
        (ROW * (MOST + 1), "has more than 100,000 lines"),
    ],
)
def test_what_is_no_trace_is_refused_by_its_line(content: str | bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RunError, match=words):
        read_trace(path, OBSERVERS["both"])


def test_a_file_without_columns_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text('{"layer": 1}\n')
    with pytest.raises(RunError, match="is no trace: expected lines of JSON objects with the columns seconds, bytes"):
        observer_of_trace(path)
    with pytest.raises(RunError, match="cannot be read"):
        observer_of_trace(tmp_path / "nowhere.jsonl")
    with pytest.raises(RunError, match="which the observer service does not see"):
        read_trace(path, OBSERVERS["service"])
