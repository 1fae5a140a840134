"""Read NumPy archives (``.npz``) that may be damaged or hostile: nothing is executed, nothing grows without a limit.

The header of every wanted array is read first, so an object array (a pickle) or one that would not fit is refused
before a byte of it is unpacked.
"""

import math
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from archlock.errors import TaskError

MAX_BYTES = 8 * 2**30
"""Most bytes that the wanted arrays of one file may take in memory."""


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """What an archive says of an array before that is unpacked."""

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype} {' x '.join(map(str, self.shape)) or 'number'}"


def headers_of(path: Path) -> dict[str, ArrayHeader]:
    """Every array of the file by its name, in the order of the file; errors as for :func:`read_npz`."""
    with _opened(path) as archive:
        found = {}
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as stream:
                    shape, dtype = _header(stream)
                found[name.removesuffix(".npy")] = ArrayHeader(shape, "objects" if dtype.hasobject else str(dtype))
        return found


def read_npz(path: Path, wanted: Collection[str]) -> dict[str, np.ndarray]:
    """The wanted arrays that the file has, by name; a file that is missing, damaged or unsafe raises TaskError."""
    with _opened(path) as archive:
        names = [name for name in wanted if f"{name}.npy" in archive.namelist()]
        needed = sum(_checked_bytes(archive, name, path) for name in names)
        if needed > MAX_BYTES:
            raise TaskError(
                f"{path} unpacks to {needed / 2**30:.0f} GiB, more than the {MAX_BYTES / 2**30:.0f} GiB that are "
                "accepted; give fewer or smaller images"
            )
        return {name: _read(archive, name) for name in names}


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, as long as it is worked on; whatever is wrong with it is a TaskError."""
    if not path.exists():
        raise TaskError(f"{path} does not exist; give the path of a .npz file")
    if path.is_dir():
        raise TaskError(f"{path} is a folder; expected a .npz file")
    if path.stat().st_size == 0:
        raise TaskError(f"{path} is empty (0 bytes); write it again with numpy.savez")
    if not zipfile.is_zipfile(path):
        raise TaskError(f"{path} is not a .npz archive; write it with numpy.savez(path, x_train=..., y_train=...)")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except TaskError:
        raise
    except Exception as error:  # zip, decompressors and header parser raise a dozen types on damaged bytes
        raise TaskError(f"{path} is damaged ({type(error).__name__}: {error}); copy or write it again") from error


def _checked_bytes(archive: zipfile.ZipFile, name: str, path: Path) -> int:
    with archive.open(f"{name}.npy") as stream:
        shape, dtype = _header(stream)
    if dtype.hasobject:
        raise TaskError(
            f"{path}, key {name!r}: holds Python objects, which can run code when read, so they are refused; save "
            "plain arrays of numbers (all images of one size, dtype uint8; signals cut or padded to one length)"
        )
    return math.prod(shape) * dtype.itemsize


def _header(stream: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(stream)
    return shape, dtype


def _read(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as stream:
        array: np.ndarray = npy.read_array(stream, allow_pickle=False)
        return array
