from pathlib import Path

import pytest

from archlock.errors import RunError
from archlock.recipes import rebuild
from archlock.reports import to_json
from report_records import lock_record


def test_pages_are_made_from_the_record_alone(tmp_path: Path) -> None:
    to_json(tmp_path / "result.json", lock_record())
    page = rebuild(tmp_path)
    assert page == tmp_path / "report.html"
    assert lock_record().locked.code in page.read_text()
    assert lock_record().locked.code in (tmp_path / "README.md").read_text()


def test_a_damaged_record_is_named_and_the_old_page_stays(tmp_path: Path) -> None:
    to_json(tmp_path / "result.json", lock_record())
    before = rebuild(tmp_path).read_bytes()
    text = (tmp_path / "result.json").read_text()
    (tmp_path / "result.json").write_text(text[: len(text) // 2])
    with pytest.raises(RunError, match=r"result\.json is not readable JSON"):
        rebuild(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before
