import io
import pickle
import zipfile

import numpy as np
import pytest

from archlock.errors import TaskError
from archlock.tasks import archives
from archlock.tasks.archives import read_npz


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __reduce__(self):
        return (exec, ("import builtins; builtins.exploded = True",))


def header(shape, descr="|u1"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def test_only_what_is_wanted_is_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(3), y=np.arange(4), z=np.array([Bomb()], dtype=object))
    assert {k: v.tolist() for k, v in read_npz(tmp_path / "a.npz", ["x", "y", "w"]).items()} == {
        "x": [0, 1, 2],
        "y": [0, 1, 2, 3],
    }


def test_a_pickle_is_refused_and_not_run(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, x=np.array([Bomb(), Bomb()], dtype=object))
    with pytest.raises(TaskError, match=r"bad\.npz, key 'x': holds Python objects.*dtype uint8"):
        read_npz(path, ["x"])
    (tmp_path / "pure.npz").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(TaskError, match=r"pure\.npz is not a \.npz archive"):
        read_npz(tmp_path / "pure.npz", ["x"])
    import builtins

    assert not hasattr(builtins, "exploded")


def test_what_would_not_fit_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "huge.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header((10**6, 10**6)))
    with pytest.raises(TaskError, match=r"huge\.npz unpacks to 931 GiB, more than the 8 GiB"):
        read_npz(path, ["x"])
    monkeypatch.setattr(archives, "MAX_BYTES", 10)
    np.savez(path, x=np.zeros(8, np.uint8), y=np.zeros(8, np.uint8))
    assert len(read_npz(path, ["x"])) == 1
    with pytest.raises(TaskError, match="give fewer or smaller images"):
        read_npz(path, ["x", "y"])


def test_damage_is_named(tmp_path):
    path = tmp_path / "short.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header((100,)) + b"only this")
    with pytest.raises(TaskError, match=r"short\.npz is damaged \(ValueError.*copy or write it again"):
        read_npz(path, ["x"])
    np.savez_compressed(path, x=np.random.default_rng(0).integers(0, 256, 5000).astype(np.uint8))
    whole = bytearray(path.read_bytes())
    whole[500:600] = bytes(100)
    path.write_bytes(whole)
    with pytest.raises(TaskError, match=r"short\.npz is damaged"):
        read_npz(path, ["x"])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"no header at all")
    with pytest.raises(TaskError, match=r"short\.npz is damaged"):
        read_npz(path, ["x"])


def test_missing_empty_and_folders(tmp_path):
    with pytest.raises(TaskError, match=r"nowhere\.npz does not exist; give the path of a \.npz file"):
        read_npz(tmp_path / "nowhere.npz", [])
    (tmp_path / "empty.npz").touch()
    with pytest.raises(TaskError, match=r"empty\.npz is empty \(0 bytes\); write it again with numpy\.savez"):
        read_npz(tmp_path / "empty.npz", [])
    with pytest.raises(TaskError, match=r"is a folder; expected a \.npz file"):
        read_npz(tmp_path, [])
