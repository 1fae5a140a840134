import bz2
import collections
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archlock.errors import TableError
from archlock.tables.unpickling import LEFT_OUT, TORCH_MAGIC, load_compressed_pickle, load_pickle, load_torch

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
SPRUNG = "sprung"


class Call:
    """Calls a function when it is unpickled by an ordinary unpickler."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(data: bytes) -> Any:
    return load_pickle(io.BytesIO(data), "some.pickle")


def traps() -> dict[str, Any]:
    import os

    touch = f"open({SPRUNG!r}, 'w').close()"
    return {
        "posix.system": Call(os.system, f"touch {SPRUNG}"),
        "builtins.eval": Call(eval, touch),
        "builtins.exec": Call(exec, touch),
        "builtins.getattr": Call(getattr, Call(__import__, "os"), "system"),
        "builtins.__import__": Call(__import__, "this"),
        "pathlib.Path": Path(SPRUNG),
        "collections.defaultdict": collections.defaultdict(list),
        "io.open": Call(open, SPRUNG, "w"),
    }


@pytest.mark.parametrize("name", traps())
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_trap_is_named_and_not_sprung(name: str, protocol: int, folder: Path) -> None:
    for content in (traps()[name], {"12": {("cifar10", 777): [traps()[name]]}}):
        with pytest.raises(TableError, match=r"some\.pickle: wants [\w.]+, which no table needs; refused"):
            load(pickle.dumps(content, protocol))
    assert not (folder / SPRUNG).exists()


def test_an_ordinary_unpickler_would_have_sprung_it(folder: Path) -> None:
    pickle.loads(pickle.dumps(traps()["posix.system"]))
    assert (folder / SPRUNG).exists()


@pytest.mark.parametrize("name", ["OrderedDict.fromkeys", "OrderedDict.__init__.__globals__", "namedtuple"])
def test_there_is_no_way_on_from_a_known_name(name: str) -> None:
    data = (
        pickle.PROTO
        + b"\x04"
        + b"".join(pickle.SHORT_BINUNICODE + bytes([len(part)]) + part.encode() for part in ("collections", name))
    )
    with pytest.raises(TableError) as caught:
        load(data + pickle.STACK_GLOBAL + pickle.STOP)
    assert f"wants collections.{name}, which no table needs" in str(caught.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_comes_back(protocol: int) -> None:
    content = {
        "ordered": collections.OrderedDict([("12", 1.5), ("200", None)]),
        ("cifar10", 777): [1, True, "text", b"bytes", {3, 4}, frozenset({5})],
        "numbers": [np.float64(0.1), np.float32(0.5), np.int64(-3), np.bool_(True)],
    }
    back = load(pickle.dumps(content, protocol))
    assert back == content
    assert type(back["numbers"][0]) is np.float64


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_arrays_of_numbers_come_back(protocol: int) -> None:
    for array in (
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
        np.array(["a", "bcd"]),
        np.empty((0, 4), dtype=np.uint8),
    ):
        back = np.asarray(load(pickle.dumps(array, protocol)))
        np.testing.assert_array_equal(back, array)
        assert back.shape == array.shape


def test_arrays_and_types_that_hold_more_than_numbers_are_refused() -> None:
    with pytest.raises(TableError, match="of the type 'O8'; only numbers and short texts are read"):
        load(pickle.dumps(np.array([1, "a"], dtype=object)))
    with pytest.raises(TableError, match="of the type 'V12'"):
        load(pickle.dumps(np.zeros(1, dtype=[("a", "f4"), ("b", "f8")])))
    reconstruct, begin, (version, shape, _, order, data) = np.zeros(2).__reduce__()
    state = (version, (10**6,), np.dtype("f8"), order, data)
    with pytest.raises(TableError, match=r"is not a pickle or is damaged .*cannot reshape"):
        load(pickle.dumps(WithState(reconstruct, begin, state), 2))
    with pytest.raises(TableError, match="has an array of None; only arrays of numbers are read"):
        load(pickle.dumps(WithState(reconstruct, begin, (version, shape, None, order, data)), 2))
    with pytest.raises(TableError, match="has a forged type"):
        load(pickle.dumps(WithState(np.dtype, ("f8", False, True), (3, "<", None, ("a",), {"a": 1}, 8, 8, 63)), 2))
    with pytest.raises(TableError, match="has list where the bytes of numbers belong"):
        load(pickle.dumps(WithState(reconstruct, begin, (version, shape, np.dtype("f8"), order, [1, 2])), 2))


class WithState:
    """Pickled as a call and a state of its own."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __reduce__(self) -> tuple[Any, ...]:
        return self.parts


@pytest.mark.parametrize("data", [b"", b"\x80", b"hello", pickle.dumps([1] * 99)[:-5], b"\x80\x7f."])
def test_damaged_pickles_are_named(data: bytes) -> None:
    with pytest.raises(TableError, match=r"some\.pickle is not a pickle or is damaged"):
        load(data)


def test_references_out_of_the_pickle_are_refused() -> None:
    with pytest.raises(TableError, match="refers to 'elsewhere' outside of itself"):
        load(b"Pelsewhere\n.")


def test_a_bomb_is_not_unpacked(folder: Path) -> None:
    path = folder / "bomb.pbz2"
    path.write_bytes(bz2.compress(b"\x00" * 10_000_000))
    assert path.stat().st_size < 1000
    with pytest.raises(TableError, match=r"bomb\.pbz2 unpacks to more than 1 MiB"):
        load_compressed_pickle(path, max_bytes=2**20)
    content = pickle.dumps("x" * 1000)
    path.write_bytes(bz2.compress(content))
    assert load_compressed_pickle(path, max_bytes=len(content)) == "x" * 1000
    with pytest.raises(TableError, match="unpacks to more than"):
        load_compressed_pickle(path, max_bytes=len(content) - 1)


def test_a_damaged_archive_is_named(folder: Path) -> None:
    path = folder / "a.pbz2"
    path.write_bytes(b"no bz2")
    with pytest.raises(TableError, match=r"a\.pbz2 is not a bz2 file or is damaged"):
        load_compressed_pickle(path)
    path.write_bytes(bz2.compress(pickle.dumps(list(range(1000))))[:-20])
    with pytest.raises(TableError, match=r"a\.pbz2 is not a bz2 file or is damaged"):
        load_compressed_pickle(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_torch_without_their_tensors(folder: Path, zipped: bool) -> None:
    path = folder / "a.pth"
    content = {
        "weights": collections.OrderedDict(a=torch.ones(3), b=torch.nn.Parameter(torch.ones(2))),
        "numbers": [1.5, np.float64(2.5)],
    }
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    back = load_torch(path)
    assert back["numbers"] == [1.5, 2.5]
    assert list(back["weights"].values()) == [LEFT_OUT, LEFT_OUT]
    assert "not read" in repr(LEFT_OUT)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_trap_in_a_file_of_torch_is_not_sprung(folder: Path, zipped: bool) -> None:
    path = folder / "a.pth"
    torch.save({"a": traps()["posix.system"]}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(TableError, match=r"a\.pth: wants posix\.system"):
        load_torch(path)
    torch.save(torch.nn.Linear(2, 2), path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(TableError, match=r"a\.pth: wants torch\.nn\.modules\.linear\.Linear"):
        load_torch(path)
    assert not (folder / SPRUNG).exists()


def test_other_files_are_not_of_torch(folder: Path) -> None:
    path = folder / "a.pth"
    with pytest.raises(TableError, match=r"a\.pth cannot be read"):
        load_torch(path)
    path.write_bytes(pickle.dumps({"data": 1}))
    with pytest.raises(TableError, match=r"a\.pth is not a file of torch\.save"):
        load_torch(path)
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(TableError, match=r"is damaged \(File is not a zip file"):
        load_torch(path)
    for compression, words in ((zipfile.ZIP_DEFLATED, "is compressed, which torch.save never does"), (0, None)):
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("a/data.pkl" if words else "a/b", pickle.dumps(1))
        with pytest.raises(TableError) as caught:
            load_torch(path)
        assert (words or "not one of torch.save (no data.pkl)") in str(caught.value)
    path.write_bytes(pickle.dumps(TORCH_MAGIC) + pickle.dumps(1001) + pickle.dumps({}) + b"Pelsewhere\n.")
    with pytest.raises(TableError, match="refers to 'elsewhere' outside of itself"):
        load_torch(path)
