import errno
import json
import math
import os
import signal
import stat
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from archlock.decoding import decode
from archlock.errors import RunError, WriteError
from archlock.records import (
    LATER,
    canonical_json,
    check_writable,
    fingerprint,
    plain,
    read_json,
    utf8,
    write_atomic,
    write_json,
)
from second_process import printed, start


@dataclass(frozen=True)
class Inner:
    values: tuple[float, ...]


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    path: Path | None = None


def test_plain_types():
    record = {"a": Outer("x", Inner((1.5, 2)), Path("b/c")), 3: [np.float32(0.5), np.int64(4), np.bool_(True), None]}
    expected = {"a": {"name": "x", "inner": {"values": [1.5, 2]}, "path": "b/c"}, "3": [0.5, 4, True, None]}
    assert plain(record) == expected
    assert json.loads(canonical_json(record)) == expected
    with pytest.raises(TypeError, match=r"cannot write a set as JSON: \{1\}"):
        plain({"a": {1}})


def test_canonical_json_does_not_depend_on_order_and_has_no_nan():
    assert canonical_json({"b": 1, "a": (True, "ü")}) == canonical_json({"a": [True, "ü"], "b": 1})
    assert canonical_json({"b": 1, "a": 0.1}) == '{"a":0.1,"b":1}'
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="JSON compliant"):
            canonical_json([bad])


def test_fingerprints():
    assert fingerprint({"b": 1, "a": 0.1}) == fingerprint({"a": 0.1, "b": 1}) != fingerprint({"a": 0.1, "b": 2})
    assert fingerprint([1]) == "080a9ed428559ef6"  # sha256 of "[1]"; stored evidence hangs on it
    there = printed("from archlock.records import fingerprint; print(fingerprint({'b': 1, 'a': 0.1}))")
    assert there == fingerprint({"b": 1, "a": 0.1})


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "new" / "folder" / "record.json"
    assert write_json(path, Outer("ü", Inner((0.1,)))) == path
    assert read_json(path) == {"name": "ü", "inner": {"values": [0.1]}, "path": None}
    assert write_atomic(path, b"\x00\xff").read_bytes() == b"\x00\xff"
    assert [entry.name for entry in path.parent.iterdir()] == ["record.json"]


def test_others_may_read_what_is_written(tmp_path):
    (tmp_path / "plain").write_text("by open()")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "plain", write_atomic(tmp_path / "ours", "x"))}
    assert len(modes) == 1


def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path):
    path = write_atomic(tmp_path / "record", "old")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"value": math.nan})
    (tmp_path / "taken").mkdir()
    with pytest.raises(WriteError, match=r"taken cannot be written: it is a directory and no file .*; name a file"):
        write_atomic(tmp_path / "taken", "a file cannot replace a folder")
    assert path.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["record", "taken"]


def test_a_text_that_utf8_cannot_hold_is_written_escaped(tmp_path):
    name = os.fsdecode(b"caf\xe9, th\xc3\xa9")
    assert utf8(name) == b"caf\\xe9, th\xc3\xa9"
    assert write_atomic(tmp_path / "page", f"{name} \ud83d").read_text() == "caf\\xe9, thé \\ud83d"
    assert read_json(write_json(tmp_path / "record.json", {"name": name})) == {"name": name}, "JSON has its own escapes"


def test_below_a_file_nothing_is_written(tmp_path):
    (tmp_path / "a-file").write_text("mine")
    for path in (tmp_path / "a-file" / "record", tmp_path / "a-file" / "deeper" / "record"):
        for attempt in (lambda path=path: write_atomic(path, "x"), lambda path=path: check_writable(path)):
            with pytest.raises(WriteError) as caught:
                attempt()
            assert f"{path} cannot be written: {tmp_path / 'a-file'} is a file and no directory" in str(caught.value)
            assert "name another place (--out)" in str(caught.value)
    assert (tmp_path / "a-file").read_text() == "mine"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "there is no room (No space left on device); make room"),
        (errno.EDQUOT, "there is no room (Disk quota exceeded); make room"),
        (errno.EROFS, "it is read-only, or not yours (Read-only file system); name another place (--out)"),
        (errno.EACCES, "it is read-only, or not yours (Permission denied)"),
        (errno.EIO, "the disk does not answer"),
    ],
)
def test_what_the_system_refuses_is_said_and_the_old_content_stays(tmp_path, monkeypatch, code, words):
    path = write_atomic(tmp_path / "record", "old")

    def refuse(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("archlock.records.os.fsync", refuse)
    for attempt in (lambda: write_atomic(path, "new"), lambda: check_writable(path)):
        with pytest.raises(WriteError) as caught:
            attempt()
        assert str(caught.value).startswith(f"{path} cannot be written: {words}")
        assert "move it away" not in str(caught.value)
        assert "delete" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["record"]
    assert path.read_text() == "old"


def test_a_place_is_tried_out_and_left_as_it_was(tmp_path):
    check_writable(tmp_path / "new" / "table.csv")
    assert not (tmp_path / "new").exists()
    (tmp_path / "new").mkdir()
    check_writable(tmp_path / "new" / "table.csv")
    assert list((tmp_path / "new").iterdir()) == []
    path = write_atomic(tmp_path / "table.csv", "old")
    check_writable(path)
    assert path.read_text() == "old"
    with pytest.raises(WriteError, match="new cannot be written: it is a directory and no file; name a file in it"):
        check_writable(tmp_path / "new")


def test_a_record_that_may_not_be_read_is_not_told_to_be_deleted(tmp_path):
    with pytest.raises(RunError) as caught:
        read_json(tmp_path)
    assert f"{tmp_path} cannot be read: it is a directory" in str(caught.value)
    assert "delete" not in str(caught.value)


def test_a_kill_leaves_whole_content(tmp_path):
    path = write_atomic(tmp_path / "record", "0" * 200_000)
    code = """
from pathlib import Path
from archlock.records import write_atomic
number = 0
while True:
    number = (number + 1) % 10
    write_atomic(Path(sys.argv[1]), str(number) * 200_000)
    print(number, flush=True)
"""
    for lines in (1, 4, 9):
        process = start(code, path)
        for _ in range(lines):
            assert process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        content = path.read_text()
        assert len(content) == 200_000
        assert len(set(content)) == 1


def test_reading_what_is_not_there_or_damaged(tmp_path):
    with pytest.raises(RunError, match=r"none\.json is missing; expected a file that ArchLock wrote there"):
        read_json(tmp_path / "none.json")
    for content in (b'{"a": 1', b"\xff\xfe"):
        path = write_atomic(tmp_path / "half.json", content)
        with pytest.raises(RunError, match=r"half\.json is not readable JSON \(.*\); delete it to have it made again"):
            read_json(path)


@dataclass(frozen=True)
class Grown:
    name: str
    shade: str = field(default="grey", metadata=LATER)


@dataclass(frozen=True)
class Young:
    name: str


def test_a_field_that_came_later_is_silent_at_its_default():
    assert plain(Grown("x")) == {"name": "x"}
    assert fingerprint(Grown("x")) == fingerprint(Young("x"))
    assert plain(Grown("x", "red")) == {"name": "x", "shade": "red"}
    assert decode(Grown, plain(Grown("x"))) == Grown("x")
