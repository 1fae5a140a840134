"""Every error that a user can bring about is one line; anything else says that it is a bug."""

import errno
import json
import os
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
import torch

from archlock.cli import main
from archlock.cli.boundary import message_of
from archlock.errors import ConfigurationError
from archlock.reports import to_json
from report_records import lock_record
from second_process import start


def os_error(code: int, path: str | None = None) -> OSError:
    return OSError(code, os.strerror(code), path)


CASES = [
    (os_error(errno.ENOSPC), "there is no room (No space left on device); make room"),
    (os_error(errno.EFBIG, "x.bin"), "x.bin: there is no room (File too large)"),
    (os_error(errno.EROFS, "/cd/report.html"), "/cd/report.html: it is read-only, or not yours"),
    (os_error(errno.EACCES, "/root/x"), "/root/x: it is read-only, or not yours (Permission denied)"),
    (os_error(errno.EMFILE), "run with fewer --workers"),
    (os_error(errno.ENOMEM), "there is not enough memory"),
    (os_error(errno.EAGAIN), "run with --workers 1"),
    (os_error(errno.ESTALE, "/nfs/x"), "/nfs/x: the disk does not answer"),
    (OSError("without a number"), "without a number"),
    (
        UnicodeEncodeError("utf-8", "caf\udce9", 3, 4, "surrogates not allowed"),
        "letters that cannot be read or written",
    ),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "save it as UTF-8"),
    (OverflowError("Python int too large to convert to C long"), "a number is too large to compute with"),
    (MemoryError(), "there is not enough memory (MemoryError); take fewer --workers"),
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore"), "CUDA out of memory. Tried"),
    (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
    (ConfigurationError("as it says itself"), "as it says itself"),
]


@pytest.mark.parametrize(("error", "words"), CASES, ids=lambda one: type(one).__name__)
def test_what_a_user_can_bring_about_is_one_line(error: Exception, words: str) -> None:
    line = message_of(error)
    assert words in line
    assert len(line.splitlines()) == 1
    assert "move it away" not in line


@pytest.mark.parametrize(
    "error", [ValueError("x"), RuntimeError("shapes"), KeyError("x"), AssertionError(), TypeError()]
)
def test_anything_else_has_no_words(error: Exception) -> None:
    assert message_of(error) == ""


def ended(error: Exception, words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a command in which that error happens."""

    def fail(*_: object, **__: object) -> Any:
        raise error

    monkeypatch.setattr("archlock.recipes.rebuild", fail)
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


def test_the_line_is_on_the_standard_error_and_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(os_error(errno.ENOSPC), ["report", "x"], monkeypatch) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: there is no room")
    assert len(said.err.splitlines()) == 1
    assert ended(os_error(errno.ENOSPC), ["report", "x", "--json"], monkeypatch) == 2  # (report has no --json)
    capsys.readouterr()
    monkeypatch.setattr("archlock.tables.list_tables", _refuse)
    with pytest.raises(SystemExit) as end:
        main(["tables", "list", "--json"])
    said = capsys.readouterr()
    assert end.value.code == 1
    content = json.loads(said.out)
    assert content["error"] == "PermissionError"
    assert said.err == f"error: {content['message']}\n"


def _refuse() -> Any:
    raise os_error(errno.EACCES, "/library")


def test_a_bug_keeps_its_traceback_and_says_that_it_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(ZeroDivisionError("division by zero"), ["report", "x"], monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last)")
    assert said.splitlines()[-1] == (
        "error: ZeroDivisionError: division by zero. This is a bug in ArchLock; please report it with the lines above"
    )


def test_a_report_on_a_read_only_disk_goes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, fsync = tmp_path / "run", os.fsync
    to_json(run / "result.json", lock_record())

    def read_only(number: int) -> None:
        if Path(f"/proc/self/fd/{number}").readlink().is_relative_to(run):
            raise os_error(errno.EROFS)
        fsync(number)

    monkeypatch.setattr("archlock.records.os.fsync", read_only)
    with pytest.raises(SystemExit) as end:
        main(["report", str(run)])
    said = capsys.readouterr().err
    assert end.value.code == 1
    assert said.startswith(f"error: {run}")
    assert "name another place (--out)" in said
    with pytest.raises(SystemExit) as end:
        main(["report", str(run), "--out", str(tmp_path / "page.html")])
    assert not end.value.code
    assert (tmp_path / "page.html").exists()


def test_a_name_that_a_terminal_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a character, as Python reads a file name of another encoding, is one that no terminal knows."""
    for encoding, shown in (("cp1252", b"caf\xe9 \\udce9"), ("utf-8", "caf\u00e9 \\udce9".encode())):
        raw = BytesIO()
        monkeypatch.setattr(sys, "stdout", TextIOWrapper(raw, encoding=encoding))
        monkeypatch.setattr("archlock.recipes.rebuild", lambda *_: Path("caf\u00e9 \udce9"))
        with pytest.raises(SystemExit) as end:
            main(["report", "x"])
        sys.stdout.flush()
        assert not end.value.code
        assert shown in raw.getvalue()


NO_ROOM = """
import resource
from archlock.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
main(["report", sys.argv[1]])
"""


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    to_json(tmp_path / "result.json", lock_record())
    process = start(NO_ROOM, tmp_path)
    out, said = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert said.startswith(f"error: {tmp_path}")
    assert "there is no room (File too large)" in said
    assert len(said.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.json"]
