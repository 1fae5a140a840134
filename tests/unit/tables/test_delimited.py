import gzip
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import TableError
from archlock.spaces import SPACES
from archlock.tables import read_delimited
from archlock.tables.sheets import sha256_of
from archlock.tables.table import RecordedColumn
from shared_data import shared

SPECS = ["cifar10=top:unit=%", "cifar10@12=early:evidence"]
OFFICIAL = SPACES["nasbench201"].official_string(SPACES["nasbench201"].architecture("421211"))


def write(path: Path, text: str) -> Path:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read(path: Path, columns: list[str] = SPECS, **rest: object) -> object:
    return read_delimited(path, space="nasbench201", key="code", columns=columns, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv"])
def test_codes_and_official_strings_become_rows_in_order(tmp_path: Path, name: str) -> None:
    text = f"code,top,early,else\n{OFFICIAL},90,80,a\n000001,,1e1,b\n\n012340,50.5,-3,c\n"
    path = write(tmp_path / name, text.replace(",", "\t") if name == "t.tsv" else text)
    table = read_delimited(path, space="nasbench201", key="code", columns=SPECS)
    assert (table.name, table.codes) == ("t", ("000001", "012340", "421211"))
    np.testing.assert_array_equal(table.values, [[np.nan, 50.5, 90], [10, -3, 80]])
    assert table.columns[0] == RecordedColumn("top", "cifar10", "truth", unit="%")
    assert table.provenance.files == ((name, sha256_of(path)),)
    assert (table.provenance.reader, table.provenance.note) == ("csv", "")


def test_a_byte_order_mark_semicolons_and_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", '\ufeff"code";"top"\r\n"421211";"1.5"\r\n')
    table = read_delimited(path, space="nasbench201", key="code", columns=["cifar10=top"], name="mine")
    assert (table.name, table.values.tolist()) == ("mine", [[1.5]])


def test_files_are_joined_by_a_column_of_both(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "index,code,top\n0,421211,90\n1,000001,80\n2,444444,70\n")
    other = write(tmp_path / "b.csv", "snip_cifar10,top,index\n2.5,80,1\n1.5,90,0\n9,9,7\n")
    specs = ["cifar10=*_cifar10:proxy"]
    table = read_delimited(first, space="nasbench201", key="code", columns=specs, joins=[other], on="index")
    assert table.codes == ("000001", "421211", "444444")
    np.testing.assert_array_equal(table.values, [[2.5, 1.5, np.nan]])
    assert [file for file, _ in table.provenance.files] == ["a.csv", "b.csv"]
    assert table.provenance.note == "b.csv has no row for 1 of 3 architectures."
    with pytest.raises(TableError, match=r"column 'top' of b\.csv is not that of a\.csv"):
        read_delimited(first, space="nasbench201", key="code", columns=["cifar10=top"], joins=[other], on="index")
    with pytest.raises(TableError, match=r"b\.csv has no column 'code'"):
        read_delimited(first, space="nasbench201", key="code", columns=specs, joins=[other])


def test_files_that_cannot_be_joined(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "index,code,top\n0,421211,90\n")
    twice = write(tmp_path / "b.csv", "index,snip\n0,1\n0,2\n")
    strange = write(tmp_path / "c.csv", "index,snip\n9,1\n")
    for other, words in ((twice, "index is '0' in row 2 and in row 3"), (strange, "share no value of 'index'")):
        with pytest.raises(TableError) as caught:
            read(first, ["cifar10=snip:proxy"], joins=[other], on="index")
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("code,top,early\n421211,90,80\n000001,x1,2\n", "t.csv, row 3: top is 'x1', expected a finite number"),
        ("code,top,early\n421211,inf,80\n", "t.csv, row 2: top is 'inf', expected a finite number"),
        (
            "code,top,early\n421211,-1,80\n",
            "t.csv, row 2: top of architecture 421211 is -1 %, expected 0 to 100; leave",
        ),
        ("code,top,early\n421211,1,2\n000001,1,2\n421211,3,4\n", "421211 is in row 2 and again in row 4"),
        (f"code,top,early\n421211,1,2\n{OFFICIAL},1,2\n", "421211 is in row 2 and again in row 3"),
        ("code,top,early\n421211,1,2\n1,3,4\n", "t.csv, row 3, column 'code': '1' is not an architecture"),
        ("code,top,early\n,1,2\n", "t.csv, row 2: code is '', expected a text"),
        ("kode,top,early\n421211,1,2\n", "t.csv has no column 'code'; near: kode"),
        ("code,top\n421211,1\n", "there is no column 'early'; it has code, top"),
        ("code,top,early\n421211,1\n", "t.csv, row 2 has 2 cells; the header has 3"),
        ("code,top,top\n421211,1,2\n", "a different name for every column; got 'top'"),
        ("code,top,early\n", "t.csv has no rows"),
        ("", "t.csv needs a header"),
        ('code,top,early\n421211,"1,2\n', "is not readable CSV"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(TableError) as caught:
        read(write(tmp_path / "t.csv", text))
    assert words in str(caught.value)


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"none\.csv is not a file"):
        read(tmp_path / "none.csv")
    (tmp_path / "t.csv.gz").write_bytes(b"code,top,early\n")
    with pytest.raises(TableError, match=r"is not readable CSV \(BadGzipFile"):
        read(tmp_path / "t.csv.gz")
    (tmp_path / "t.csv").write_bytes(b"code,top,early\n\xff\xfe,1,2\n")
    with pytest.raises(TableError, match=r"is not readable CSV \(UnicodeDecodeError"):
        read(tmp_path / "t.csv")
    with pytest.raises(TableError, match=r"no column of t\.csv was chosen"):
        read(write(tmp_path / "t.csv", "code\n421211\n"), [])


def test_an_infinite_proxy_counts_as_not_recorded_and_is_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "code,nwot\n421211,-inf\n000001,3\n")
    table = read_delimited(path, space="nasbench201", key="code", columns=["cifar10=nwot:proxy"])
    np.testing.assert_array_equal(table.values, [[3, np.nan]])
    assert table.provenance.note == "Infinite values of nwot, which count as not recorded: 1."


def test_what_looks_odd_is_in_the_note(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "code,top_error\n421211,3\n000001,4\n")
    note = read_delimited(path, space="nasbench201", key="code", columns=["cifar10 = top_error"]).provenance.note
    assert note.startswith("Warning: top_error is taken as the higher the better")


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"code": ["421211", "000001"], "top": [90, 80], "early": [1.5, None], "flag": [True, False]}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    table = read_delimited(tmp_path / "t.parquet", space="nasbench201", key="code", columns=SPECS)
    np.testing.assert_array_equal(table.values, [[80, 90], [np.nan, 1.5]])
    with pytest.raises(TableError, match="row 2: flag is True, expected a finite number"):
        read(tmp_path / "t.parquet", ["cifar10=flag"])
    with pytest.raises(TableError, match=r"row 2: top is 90, expected a text \(a code keeps its leading zeros"):
        read_delimited(tmp_path / "t.parquet", space="nasbench201", key="top", columns=SPECS)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(TableError, match=r"bad\.parquet is not a readable Parquet file"):
        read(tmp_path / "bad.parquet")


def test_the_real_table_by_specs() -> None:
    table = read_delimited(
        shared("nasbench201.csv.gz"),
        space="nasbench201",
        key="arch_str",
        columns=["cifar10@200=cifar10_test_200:unit=%", "cifar10@12=cifar10_valid_12:evidence"],
        joins=[shared("nasbench201_zc.csv.gz")],
        on="arch_index",
    )
    assert table.codes == tuple(architecture.code for architecture in SPACES["nasbench201"].enumerate())
    assert table.look_up(table.truth("cifar10"), ["421211", "334131"]).tolist() == [85.8633, 93.66]
    assert table.recorded(table.truth("cifar10")).max() == 94.3733
