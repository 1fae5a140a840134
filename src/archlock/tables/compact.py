"""One table in one file: a ``.npz`` archive of plain arrays and JSON, checked by its SHA-256 when it is read.

The checksum finds damage; it is no signature. Nothing in such a file can run code, and nothing grows beyond what the
file says of itself and :data:`MAX_BYTES` allow.
"""

import hashlib
import io
import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from archlock.decoding import decode
from archlock.errors import ArchLockError, TableError
from archlock.records import canonical_json, write_atomic
from archlock.tables.table import Provenance, RecordedColumn, Table

VERSION = 1
MAX_BYTES = 2 * 2**30
"""Most bytes that one array of a file may take."""


@dataclass(frozen=True, slots=True)
class _Header:
    version: int
    name: str
    space_name: str
    columns: tuple[RecordedColumn, ...]
    provenance: Provenance


def content_checksum(table: Table) -> str:
    """SHA-256 (hex) of all that a table holds: equal tables, equal checksums, whatever file they lie in."""
    return _checksum(_header_text(table), _packed_codes(table.codes), table.values)


def write_table(path: str | Path, table: Table) -> Path:
    """Write a table, whole or not at all; the same table gives the same bytes."""
    header, codes = _header_text(table), _packed_codes(table.codes)
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        allow_pickle=False,
        header=np.frombuffer(header, dtype=np.uint8),
        codes=codes,
        values=np.ascontiguousarray(table.values, dtype=np.float64),
        sha256=np.frombuffer(bytes.fromhex(content_checksum(table)), dtype=np.uint8),
    )
    return write_atomic(Path(path), stream.getvalue())


def read_table(path: str | Path) -> Table:
    """The table that :func:`write_table` wrote, bit for bit; a missing, damaged or foreign file raises TableError."""
    path = Path(path)
    if not path.is_file():
        raise TableError(f"{path} is not a file; expected a table written by ArchLock (archlock tables list)")
    try:
        with zipfile.ZipFile(path) as archive:
            header = _read(archive, "header", np.dtype(np.uint8)).tobytes()
            codes = _read(archive, "codes", None)
            values = _read(archive, "values", np.dtype(np.float64))
            expected = _read(archive, "sha256", np.dtype(np.uint8)).tobytes().hex()
    except Exception as error:  # zip, decompressors and header parser raise a dozen types on damaged bytes
        raise TableError(
            f"{path} is not a table of ArchLock, or is damaged ({type(error).__name__}: {error}); import it again "
            "with archlock tables import"
        ) from error
    found = _checksum(header, codes, values)
    if found != expected:
        raise TableError(
            f"{path} was changed after it was written (SHA-256 {found}, expected {expected}); import again"
        )
    return _table(header, codes, values, path)


def _table(header: bytes, codes: np.ndarray, values: np.ndarray, path: Path) -> Table:
    try:
        content = json.loads(header)
        if isinstance(content, dict) and content.get("version") != VERSION:
            raise TableError(
                f"{path} is a table of version {content.get('version')!r}; this ArchLock reads version {VERSION}: "
                "import it again"
            )
        if codes.ndim != 1:
            raise ValueError("the codes are not one row")
        made = decode(_Header, content)
        table = Table(
            made.name, made.space_name, tuple(codes.astype(str).tolist()), made.columns, values, made.provenance
        )
        for code in table.codes:
            table.space.architecture(code)
    except TableError:
        raise
    except (ArchLockError, ValueError, RecursionError) as error:
        raise TableError(f"{path} does not hold a table: {error}") from error
    return table


def _read(archive: zipfile.ZipFile, name: str, dtype: np.dtype | None) -> np.ndarray:
    """An array of plain numbers or bytes; the header is checked against the bytes there before anything is made."""
    if archive.getinfo(f"{name}.npy").file_size > MAX_BYTES:
        raise ValueError(f"{name} unpacks to more than {MAX_BYTES / 2**30:.0f} GiB")
    data = archive.read(f"{name}.npy")
    stream = io.BytesIO(data)
    npy.read_magic(stream)
    shape, columns_first, found = npy.read_array_header_1_0(stream)
    if columns_first or (found != dtype if dtype else found.kind != "S"):
        raise ValueError(f"{name} is of type {found}")
    if math.prod(shape) * found.itemsize != len(data) - stream.tell():
        raise ValueError(f"{name} does not have the size that it states")
    return np.frombuffer(data, dtype=found, offset=stream.tell()).reshape(shape)


def _header_text(table: Table) -> bytes:
    header = _Header(VERSION, table.name, table.space_name, table.columns, table.provenance)
    return canonical_json(header).encode()


def _packed_codes(codes: tuple[str, ...]) -> np.ndarray:
    return np.array([code.encode("ascii") for code in codes])


def _checksum(header: bytes, codes: np.ndarray, values: np.ndarray) -> str:
    digest = hashlib.sha256(header)
    for array in (codes, np.ascontiguousarray(values, dtype=np.float64)):
        digest.update(f"|{array.dtype.str}{array.shape}|".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
