"""NATS-Bench (Dong, Liu, Musial and Gabrys, TPAMI 2021), both spaces, from its official folders.

The folder ``NATS-tss-v1_0-3ffb9-simple`` (topology) or ``NATS-sss-v1_0-50262-simple`` (sizes) has ``meta.pickle.pbz2``
with the official strings of all architectures and one ``000000.pickle.pbz2`` for each. They are read one after the
other, so memory stays small. The two spaces number their architectures alike and mean others by it: each has a reader
of its own, which refuses the folder of the other. What is taken is said in ``archlock.tables.training_runs``.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from archlock.errors import ArchitectureError, TableError
from archlock.progress import Progress, Silent
from archlock.spaces import SPACES
from archlock.tables.sheets import sha256_of
from archlock.tables.table import Provenance, Table
from archlock.tables.training_runs import (
    COLUMNS,
    FULL,
    FULL_SIZES,
    LEFT_OUT_NOTE,
    SHORT,
    SIZE_COLUMNS,
    RunColumn,
    row_of,
)
from archlock.tables.unpickling import load_compressed_pickle

META = "meta.pickle.pbz2"


@dataclass(frozen=True, slots=True)
class Release:
    """One of the two spaces of the benchmark: how it is called, and what its files hold."""

    word: str
    space: str
    folder: str
    command: str
    full: int
    """Epochs of the longest schedule."""
    columns: tuple[RunColumn, ...]


TOPOLOGY: Final = Release("topology", "nasbench201", "NATS-tss-v1_0-3ffb9-simple", "nats", FULL, COLUMNS)
SIZE: Final = Release("size", "sizes", "NATS-sss-v1_0-50262-simple", "nats-sizes", FULL_SIZES, SIZE_COLUMNS)


def read_nats(folder: str | Path, *, name: str = "nats", progress: Progress | None = None) -> Table:
    """The table of a NATS-Bench topology folder.

    An architecture without a file has no values (NaN), which the table's note says. A folder without the official files
    or of the other space, and a damaged or strange file raise TableError.
    """
    return _read(Path(folder), TOPOLOGY, name, progress or Silent())


def read_nats_sizes(folder: str | Path, *, name: str = "nats_sizes", progress: Progress | None = None) -> Table:
    """The table of a NATS-Bench size folder, of the space ``sizes``; else as :func:`read_nats`."""
    return _read(Path(folder), SIZE, name, progress or Silent())


def _read(folder: Path, release: Release, name: str, progress: Progress) -> Table:
    codes = _codes(folder, release)
    progress.begin("architectures", len(codes))
    values = np.full((len(codes), len(release.columns)), np.nan)
    digest, found = hashlib.sha256(sha256_of(folder / META).encode()), 0
    for index in range(len(codes)):
        path = folder / f"{index:06d}.pickle.pbz2"
        if path.exists():
            record = load_compressed_pickle(path)
            values[index] = row_of(_schedules(record, path, release), path.name, release.columns)
            digest.update(f"{path.name} {sha256_of(path)}".encode())
            found += 1
        progress.advance()
    if not found:
        raise TableError(f"{folder} has {META}, but no file such as 000000.pickle.pbz2: unpack the archive again")
    notes = [
        f"NATS-Bench, {release.word} search space (Dong et al. 2021), MIT licence: cite it.",
        LEFT_OUT_NOTE,
        f"The SHA-256 is of the names and SHA-256 of {META} and {found} further files.",
    ]
    if found < len(codes):
        notes.append(f"{len(codes) - found} of {len(codes)} architectures have no file, so no values.")
    order = np.argsort(codes)
    return Table(
        name,
        release.space,
        tuple(codes[row] for row in order),
        tuple(one.column for one in release.columns),
        values[order].T.copy(),
        Provenance(release.command, ((folder.resolve().name, digest.hexdigest()),), "\n".join(notes)),
    )


def _codes(folder: Path, release: Release) -> list[str]:
    """Codes of the architectures by official index."""
    path = folder / META
    if not path.is_file():
        raise TableError(f"{folder} is not a folder of NATS-Bench: {META} is missing; expected {release.folder}")
    meta = load_compressed_pickle(path)
    return codes_of(meta.get("meta_archs") if isinstance(meta, dict) else None, path.name, release)


def codes_of(official: object, where: str, release: Release = TOPOLOGY) -> list[str]:
    """Codes of a list of official strings, which are all different; anything else raises TableError."""
    if not isinstance(official, list) or not official or not all(isinstance(text, str) for text in official):
        raise TableError(f"{where} has no list 'meta_archs' of official strings")
    try:
        codes = [SPACES[release.space].parse(text).code for text in official]
    except ArchitectureError as error:
        raise TableError(f"{where}: {error}; this is no file of the {release.word} space{_other(official)}") from error
    if len(set(codes)) < len(codes):
        raise TableError(f"{where} names an architecture twice")
    return codes


def _other(official: list[str]) -> str:
    """The advice for a file of the other space."""
    for release in (TOPOLOGY, SIZE):
        try:
            SPACES[release.space].parse(official[0])
        except ArchitectureError:
            continue
        return f", but of the {release.word} space: archlock tables import {release.command}"
    return ""


def _schedules(record: object, path: Path, release: Release) -> dict[int, object]:
    schedules = {"12": SHORT, str(release.full): release.full}
    if not isinstance(record, dict) or not set(schedules) <= set(record):
        raise TableError(
            f"{path.name} does not have the results of {SHORT} and {release.full} epochs; is it a file of NATS-Bench, "
            f"{release.word} space?"
        )
    return {epochs: record[key] for key, epochs in schedules.items()}
