"""NATS-Bench, topology space (Dong, Liu, Musial and Gabrys, TPAMI 2021), from its official folder.

The folder ``NATS-tss-v1_0-3ffb9-simple`` has ``meta.pickle.pbz2`` with the official strings of all architectures and
one ``000000.pickle.pbz2`` for each. They are read one after the other, so memory stays small. What is taken is said in
``archlock.tables.training_runs``.
"""

import hashlib
from pathlib import Path

import numpy as np

from archlock.errors import ArchitectureError, TableError
from archlock.progress import Progress, Silent
from archlock.spaces import SPACES
from archlock.tables.sheets import sha256_of
from archlock.tables.table import Provenance, Table
from archlock.tables.training_runs import COLUMNS, FULL, LEFT_OUT_NOTE, SHORT, row_of
from archlock.tables.unpickling import load_compressed_pickle

META = "meta.pickle.pbz2"
CITATION = "NATS-Bench, topology search space (Dong et al. 2021), MIT licence: cite it."


def read_nats(folder: str | Path, *, name: str = "nats", progress: Progress | None = None) -> Table:
    """The table of a NATS-Bench topology folder.

    An architecture without a file has no values (NaN), which the table's note says. A folder without the official files
    and a damaged or strange file raise TableError.
    """
    folder = Path(folder)
    progress = progress or Silent()
    codes = _codes(folder)
    progress.begin("architectures", len(codes))
    values = np.full((len(codes), len(COLUMNS)), np.nan)
    digest, found = hashlib.sha256(sha256_of(folder / META).encode()), 0
    for index in range(len(codes)):
        path = folder / f"{index:06d}.pickle.pbz2"
        if path.exists():
            record = load_compressed_pickle(path)
            values[index] = row_of(_schedules(record, path), path.name)
            digest.update(f"{path.name} {sha256_of(path)}".encode())
            found += 1
        progress.advance()
    if not found:
        raise TableError(f"{folder} has {META}, but no file such as 000000.pickle.pbz2: unpack the archive again")
    notes = [CITATION, LEFT_OUT_NOTE, f"The SHA-256 is of the names and SHA-256 of {META} and {found} further files."]
    if found < len(codes):
        notes.append(f"{len(codes) - found} of {len(codes)} architectures have no file, so no values.")
    order = np.argsort(codes)
    return Table(
        name,
        "nasbench201",
        tuple(codes[row] for row in order),
        tuple(one.column for one in COLUMNS),
        values[order].T.copy(),
        Provenance("nats", ((folder.resolve().name, digest.hexdigest()),), "\n".join(notes)),
    )


def _codes(folder: Path) -> list[str]:
    """Codes of the architectures by official index."""
    path = folder / META
    if not path.is_file():
        raise TableError(
            f"{folder} is not a folder of NATS-Bench: {META} is missing; expected NATS-tss-v1_0-3ffb9-simple"
        )
    meta = load_compressed_pickle(path)
    return codes_of(meta.get("meta_archs") if isinstance(meta, dict) else None, path.name)


def codes_of(official: object, where: str) -> list[str]:
    """Codes of a list of official strings, which are all different; anything else raises TableError."""
    if not isinstance(official, list) or not official or not all(isinstance(text, str) for text in official):
        raise TableError(f"{where} has no list 'meta_archs' of official strings")
    try:
        codes = [SPACES["nasbench201"].parse(text).code for text in official]
    except ArchitectureError as error:
        raise TableError(f"{where}: {error}; this is no file of the topology space") from error
    if len(set(codes)) < len(codes):
        raise TableError(f"{where} names an architecture twice")
    return codes


def _schedules(record: object, path: Path) -> dict[int, object]:
    if not isinstance(record, dict) or not {str(SHORT), str(FULL)} <= set(record):
        raise TableError(
            f"{path.name} does not have the results of {SHORT} and {FULL} epochs; is it a file of NATS-Bench?"
        )
    return {epochs: record[str(epochs)] for epochs in (SHORT, FULL)}
