import gzip
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import TableError
from archlock.tables import sheets
from archlock.tables.sheets import near, read_sheet


def test_cells_are_what_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('code,number\n000001,1e-3\n"0,2",\n')
    sheet = read_sheet(path)
    assert sheet.texts("code") == ["000001", "0,2"]
    np.testing.assert_array_equal(sheet.numbers("number"), [0.001, np.nan])
    with pytest.raises(TableError, match=r"t\.csv, row 3: code is '0,2', expected a finite number or an empty cell"):
        sheet.numbers("code")


def test_infinite_numbers_are_allowed_on_request(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n-inf\n1\n")
    np.testing.assert_array_equal(read_sheet(path).numbers("a", infinite=True), [-np.inf, 1])


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_BYTES", 2**20)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"1\n" * 2**20))
    with pytest.raises(TableError, match=r"t\.csv\.gz unpacks to more than .* GiB; give a smaller file"):
        read_sheet(path)


def test_a_truncated_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    whole = gzip.compress(b"a\n" + bytes(range(48, 58)) * 1000)
    for data in (whole[:-9], whole[:12] + b"\xff" * 30):
        path.write_bytes(data)
        with pytest.raises(TableError, match="is not readable CSV"):
            read_sheet(path)


def test_near_matches_come_first() -> None:
    known = ["cifar10_test_200", "cifar10_test_12", "latency", "ops"]
    assert near("cifar10_test", known) == "near: cifar10_test_12, cifar10_test_200"
    assert near("zzz", known) == "it has cifar10_test_200, cifar10_test_12, latency, ops"


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ("93,5", "; write a decimal point, not a comma"),
        ("93.5%", "; write the number alone, and unit=% in its --column"),
        ("n/a", "expected a finite number or an empty cell"),
    ],
)
def test_a_number_in_another_form_gets_advice(tmp_path: Path, cell: str, advice: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"code;top\na;{cell}\n")
    with pytest.raises(TableError) as caught:
        read_sheet(path).numbers("top")
    assert str(caught.value).endswith(advice)
    assert "t.csv, row 2: top is" in str(caught.value)


def test_spaces_about_names_codes_and_in_empty_cells_are_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\ufeff code | top \n 421211 |  1.5\n000001|  \n", encoding="utf-8")
    sheet = read_sheet(path)
    assert sheet.texts("code") == ["421211", "000001"]
    np.testing.assert_array_equal(sheet.numbers("top"), [1.5, np.nan])
