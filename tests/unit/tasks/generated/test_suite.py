"""The ten tasks: rows that say something, and programs that turn the benchmark's files into archives that open."""

import gzip
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from archlock.errors import UnknownNameError
from archlock.tasks import NASBENCH360, Task, check_task, name_of, open_task

RNG = np.random.default_rng(0)


def ninapro(folder: Path) -> None:
    """Six arrays: N x 52 x 16 recordings, and their gestures."""
    for role, count in (("train", 9), ("val", 4), ("test", 4)):
        np.save(folder / f"ninapro_{role}.npy", RNG.normal(size=(count, 52, 16)))
        np.save(folder / f"label_{role}.npy", (np.arange(count) % 3).astype(np.int8))


def darcy(folder: Path) -> None:
    """Two MATLAB files of coefficients and solutions at 421 x 421 nodes; the first has 1,024 of them, here a few."""
    row = np.broadcast_to(np.linspace(1, 2, 421), (1001, 1, 421))  # the same along one axis, so that it is small
    for file, count in (("smooth1", 1001), ("smooth2", 3)):
        level = np.arange(1, count + 1)[:, None, None] / count
        held = {"coeff": row[:count] * level, "sol": row[:count] * level}
        savemat(folder / f"piececonst_r421_N1024_{file}.mat", held)


def spherical(folder: Path) -> None:
    """A pickled dictionary of N x 3 x 60 x 60 images and labels."""
    parts = {
        part: {"images": RNG.integers(0, 256, (count, 3, 60, 60)).astype(np.uint8), "labels": np.arange(count) % 2}
        for part, count in (("train", 10), ("test", 4))
    }
    with gzip.open(folder / "s2_cifar100.gz", "wb") as file:
        pickle.dump(parts, file)


def ecg(folder: Path) -> None:
    """A pickled dictionary of series of different lengths and the letters of their rhythms."""
    series = [RNG.normal(size=1500) for _ in range(16)]
    held = {"data": np.array([*series, RNG.normal(size=1200)], dtype=object), "label": [*("NAO~" * 4), "N"]}
    (folder / "challenge2017.pkl").write_bytes(pickle.dumps(held))


def satellite(folder: Path) -> None:
    """Pickled dictionaries of N x 46 series and labels from 1."""
    for role, count in (("train", 12), ("test", 6)):
        held = {"data": RNG.normal(size=(count, 46)), "label": np.arange(count) % 3 + 1}
        np.save(folder / f"satellite_{role}.npy", np.array(held, dtype=object))


def converted(name: str, folder: Path) -> Task:
    """The task of files as they lie in a folder, by the program that the suite gives."""
    subprocess.run([sys.executable, "-c", NASBENCH360[name].conversion], cwd=folder, check=True)
    return open_task(str(folder / f"{name}.npz"))


@pytest.mark.parametrize(
    ("write", "shape", "kind", "form", "outputs"),
    [
        (ninapro, (1, 16, 52), "classification", "image", 3),
        (spherical, (3, 60, 60), "classification", "image", 2),
        (ecg, (1, 1, 1000), "classification", "signal", 4),
        (satellite, (1, 1, 46), "classification", "signal", 3),
    ],
)
def test_files_of_the_benchmark_become_archives_that_open(write, shape, kind, form, outputs, tmp_path) -> None:
    write(tmp_path)
    task = converted(write.__name__, tmp_path)
    assert (task.shape, task.kind, task.form, task.outputs) == (shape, kind, form, outputs)
    published = NASBENCH360[write.__name__].shape
    assert published == (shape if form == "image" else (shape[0], shape[2]))
    assert (task.train.groups is not None) == (write is ecg)


def test_archives_that_open_as_they_are(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrays = {}
    for role, count in (("train", 12), ("val", 6), ("test", 6)):
        arrays[f"x_{role}"] = np.eye(4, dtype=np.float32)[RNG.integers(0, 4, (count, 1000))]
        arrays[f"y_{role}"] = np.stack([np.arange(count) % 2, np.arange(count) // 2 % 2, RNG.permutation(count) % 2], 1)
    np.savez("deepsea_filtered.npz", **arrays)
    task = open_task(NASBENCH360["deepsea"].reading)
    assert (task.shape, task.kind, len(task.validation)) == ((4, 1, 1000), "labels", 6)


def test_every_task_is_made_or_says_why_not() -> None:
    assert len(NASBENCH360) == 10
    for task in NASBENCH360.values():
        assert bool(task.text) != bool(task.reason)
        assert not (task.reading and task.conversion)
        for text in filter(None, (task.text, task.reading)):
            assert name_of(text)
    check_task(NASBENCH360["darcy"].text)
    with pytest.raises(UnknownNameError, match=r"unknown task of NAS-Bench-360 'ninapr'.*\(did you mean 'ninapro'\?\)"):
        NASBENCH360["ninapr"]
