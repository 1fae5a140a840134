import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import TableError
from archlock.spaces import SPACES
from archlock.tables import Provenance, RecordedColumn, Table, content_checksum, read_table, write_table
from recorded_tables import small_table


def rewritten(path: Path, **changed: object) -> Path:
    """The file with other arrays under some names."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(path, **{**arrays, **changed})
    return path


def with_header(path: Path, **changed: object) -> Path:
    """The file with other words in its header, and the checksum that goes with them."""
    with np.load(path) as archive:
        content = {**json.loads(archive["header"].tobytes()), **changed}
    header = json.dumps(content).encode()
    rewritten(path, header=np.frombuffer(header, dtype=np.uint8))
    with pytest.raises(TableError, match="was changed after it was written") as caught:
        read_table(path)
    found = str(caught.value).partition("SHA-256 ")[2][:64]
    return rewritten(path, sha256=np.frombuffer(bytes.fromhex(found), dtype=np.uint8))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.npz", small_table())


def test_a_table_comes_back_bit_for_bit(path: Path) -> None:
    table, back = small_table(), read_table(path)
    assert (back.name, back.space_name, back.codes) == (table.name, table.space_name, table.codes)
    assert (back.columns, back.provenance) == (table.columns, table.provenance)
    assert back.values.tobytes() == table.values.tobytes()
    assert not back.values.flags.writeable
    assert content_checksum(back) == content_checksum(table)


def test_the_same_table_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    assert write_table(tmp_path / "again.npz", read_table(path)).read_bytes() == path.read_bytes()


def test_codes_of_different_lengths_come_back(tmp_path: Path) -> None:
    codes = tuple(architecture.code for architecture in SPACES["transnas101_macro"].enumerate())
    column = RecordedColumn("test", "scene", "truth")
    table = Table("macro", "transnas101_macro", codes, (column,), np.ones((1, len(codes))), Provenance("test", ()))
    assert read_table(write_table(tmp_path / "macro.npz", table)).codes == codes


def test_noise_and_judge_come_back_and_a_table_from_before_them_is_read(tmp_path: Path) -> None:
    small = small_table()
    columns = (replace(small.columns[0], noise=0.3), replace(small.columns[1], role="judge"), small.columns[2])
    table = replace(small, columns=columns)
    assert read_table(write_table(tmp_path / "new.npz", table)).columns == columns
    old = write_table(tmp_path / "old.npz", small)
    with np.load(old) as archive:
        header = json.loads(archive["header"].tobytes())
    assert all("noise" not in column for column in header["columns"]), "as it was written before there was noise"
    assert [column.noise for column in read_table(old).columns] == [0, 0, 0]
    assert content_checksum(table) != content_checksum(small)


def test_the_checksum_is_of_everything(path: Path) -> None:
    table = read_table(path)
    values = table.values.copy()
    values[0, 0] = np.nextafter(values[0, 0], 11)
    parts = (table.space_name, table.codes, table.columns)
    others = [
        Table("other", *parts, table.values, table.provenance),
        Table(table.name, *parts, values, table.provenance),
        Table(table.name, *parts, table.values, Provenance("other", ())),
        Table(table.name, parts[0], ("000001", *parts[1][1:]), parts[2], table.values, table.provenance),
    ]
    assert len({content_checksum(one) for one in (table, *others)}) == 5


@pytest.mark.parametrize("length", [0, 1, 100, -1, -30])
def test_a_truncated_file_is_refused(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(TableError, match=r"table\.npz is not a table of ArchLock, or is damaged .*; import it again"):
        read_table(path)


def test_no_damage_goes_unseen(path: Path) -> None:
    whole = path.read_bytes()
    table = small_table()
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.choice(len(whole), 150, replace=False):
        damaged = bytearray(whole)
        damaged[position] ^= 0x55
        path.write_bytes(damaged)
        try:
            assert content_checksum(read_table(path)) == content_checksum(table)  # (the zip has bytes of no meaning)
        except TableError:
            refused += 1
    assert refused > 75


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    for name, content in {"a.npz": b"PK nonsense", "b.npz": pickle.dumps([1]), "c.npz": b"\x93NUMPY"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TableError, match=f"{name} is not a table of ArchLock"):
            read_table(tmp_path / name)
    np.savez(tmp_path / "d.npz", x=np.ones(3))
    with pytest.raises(TableError, match="no item named 'header"):
        read_table(tmp_path / "d.npz")
    with pytest.raises(TableError, match="is not a file; expected a table written by ArchLock"):
        read_table(tmp_path)


class Trap:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("sprung"),)


def test_a_pickle_in_the_file_is_not_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rewritten(path, values=np.array([Trap()], dtype=object))
    with pytest.raises(TableError, match="values is of type object"):
        read_table(path)
    assert not Path("sprung").exists()


def test_an_array_that_claims_to_be_huge_is_refused(path: Path) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 10**6)})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["values.npy"] = stream.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(TableError, match="values does not have the size that it states"):
        read_table(path)


def test_a_later_version_is_refused(path: Path) -> None:
    with pytest.raises(TableError, match="is a table of version 2; this ArchLock reads version 1: import it again"):
        read_table(with_header(path, version=2))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"space_name": "moon"}, "unknown space 'moon'; known: nasbench201"),
        ({"columns": []}, "0 columns, 4 architectures"),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"provenance": None}, "provenance: expected an object"),
        ({"name": 7}, "name: expected a text, got 7"),
        ({"space_name": "transnas101_micro"}, "'444444' is not an architecture of transnas101_micro"),
    ],
)
def test_a_header_that_makes_no_table_is_refused(path: Path, changed: dict[str, object], words: str) -> None:
    with pytest.raises(TableError) as caught:
        read_table(with_header(path, **changed))
    assert words in str(caught.value)
