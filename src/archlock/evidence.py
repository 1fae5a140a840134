"""Evidence: every measurement of an (architecture, task), in one SQLite file that survives a kill.

A measurement is identified by what was measured, how, and with which seed, never by the run that asked for it: two runs
may share a store, and a run that is repeated finds what it already paid for. SQLite in write-ahead mode is the whole
database; a batch is written in one transaction, so it is there or it is not.

How something was measured is its fidelity: a text that begins with the recipe and its version (:func:`fidelity_name`),
so a recipe that changes what it computes never finds its old values.
"""

import math
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from archlock.errors import MAKE_ROOM, MeasurementError, StoreError, refusal

Status = Literal["valid", "failed", "unsupported"]
Recipe = Literal["adaptation", "attack", "estimates", "latency", "nontransferable", "proxies", "rehearsal", "short"]

RECIPE_VERSIONS: Final[Mapping[Recipe, int]] = MappingProxyType(
    {
        "adaptation": 2,
        "attack": 3,
        "estimates": 2,
        "latency": 1,
        "nontransferable": 1,
        "proxies": 3,
        "rehearsal": 1,
        "short": 2,
    }
)
"""Raise a recipe's number when it computes something else for the same settings. (Version 1 wrote no number.)"""
FORMAT: Final = 1
"""Of the file, in ``PRAGMA user_version``; 0 is a file from before it was written, which is laid out the same."""

_COLUMNS: Final = "architecture, task, measure, split, fidelity, seed, value, unit, seconds, status, note"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS measurements (
  architecture TEXT NOT NULL, task TEXT NOT NULL, measure TEXT NOT NULL, split TEXT NOT NULL,
  fidelity TEXT NOT NULL, seed INTEGER NOT NULL,
  value REAL, unit TEXT NOT NULL, seconds REAL NOT NULL, status TEXT NOT NULL, note TEXT NOT NULL,
  PRIMARY KEY (architecture, task, measure, split, fidelity, seed)
) WITHOUT ROWID
"""

_NOT_TAKEN: Final = "the evidence store {path} did not take this ({error}); what is in it stays as it was"
_REFUSALS: Final = (
    (
        {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT},
        "{path} is not a usable evidence store ({error}); move it away to start with an empty one, and keep it: what "
        "was measured may be in it",
    ),
    (
        {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM},
        f"there is no room for the evidence store {{path}}, or its disk fails ({{error}}); {MAKE_ROOM}",
    ),
    (
        {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH},
        "cannot open the evidence store {path} to write in it ({error}); make its folder writable, or copy the file to "
        "one that is and name it with --store",
    ),
    (
        {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL},
        "the evidence store {path} is in use by another program ({error}); wait for that and run the same command "
        "again, or give another --store. It has to be on a disk of this machine",
    ),
    (
        {sqlite3.SQLITE_ERROR},
        "{path} is not a usable evidence store ({error}): its tables are of something else; give another --store, or "
        "another --out",
    ),
)
"""What to do about an error of SQLite, by its primary codes."""


def fidelity_name(recipe: Recipe, settings: str, *, computed: str = "") -> str:
    """Name of a way to measure: the recipe and its version, what it was computed with (if that counts), settings.

    For example ``adaptation-v2-torch2.9-cpu-0123456789abcdef``.
    """
    return "-".join(part for part in (recipe, f"v{RECIPE_VERSIONS[recipe]}", computed, settings) if part)


@dataclass(frozen=True, slots=True)
class Key:
    """What a measurement is of. ``task`` is a task's fingerprint, ``fidelity`` names how it was bought."""

    architecture: str
    task: str
    measure: str
    split: str = "train"
    fidelity: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number with unit and cost; ``value`` is NaN exactly when ``status`` is not "valid" (else MeasurementError)."""

    key: Key
    value: float
    unit: str
    seconds: float
    status: Status = "valid"
    note: str = ""

    def __post_init__(self) -> None:
        if (self.status == "valid") != math.isfinite(self.value):
            raise MeasurementError(
                f"{self.key.measure} of {self.key.architecture}: a valid measurement is finite and a {self.status} one "
                f"has no value; got {self.value}"
            )


class EvidenceStore:
    """Measurements on disk. Safe to share between runs and processes; writing a known key again changes nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make a folder for the evidence store {path}: {refusal(error, path.parent)}"
            ) from error
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            (written,) = connection.execute("PRAGMA user_version").fetchone()
            if written > FORMAT:
                raise StoreError(
                    f"{path} was written by a newer version of ArchLock (format {written}, this one knows {FORMAT}); "
                    "update ArchLock, or give another --store"
                )
            connection.execute(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {FORMAT}")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.path, timeout=60.0)
        except sqlite3.Error as error:
            raise StoreError(self._in_words(error)) from error
        try:
            with connection:
                yield connection
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise StoreError(self._in_words(error)) from error
        finally:
            with suppress(sqlite3.Error):  # (closing tidies up, which a full disk refuses; the values stay)
                connection.close()

    def _in_words(self, error: Exception) -> str:
        """What SQLite refused, and what to do. Only a file that is no store is ever told to be moved away."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        words = next((words for codes, words in _REFUSALS if code in codes), _NOT_TAKEN)
        if isinstance(error, OverflowError):
            words = "{path} holds whole numbers below 2**63 only ({error}); take a smaller --seed"
        if isinstance(error, UnicodeError):
            words = "{path} holds texts in UTF-8 only ({error}); rename what has that name, and run again"
        return words.format(path=self.path, error=error)

    def write(self, measurements: Iterable[Measurement]) -> None:
        """Add measurements in one transaction; keys already there keep their first value."""
        rows = [
            (
                *_places(m.key),
                float(m.value) if m.status == "valid" else None,
                *(m.unit, float(m.seconds), m.status, m.note),
            )
            for m in measurements
        ]
        with self._connection() as connection:
            marks = ", ".join("?" * len(_COLUMNS.split()))
            connection.executemany(
                f"INSERT INTO measurements ({_COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING", rows
            )

    def settle(self, measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
        """Write measurements, and answer what the store holds under their keys now, in the same order.

        Where a key was there already its first value stands, and whoever measured it again has to go by that one.
        """
        given = tuple(measurements)
        self.write(given)
        marks = " AND ".join(f"{column} = ?" for column in _COLUMNS.split(", ")[:6])
        query = f"SELECT {_COLUMNS} FROM measurements WHERE {marks}"
        with self._connection() as connection:
            return tuple(_measurement(connection.execute(query, _places(m.key)).fetchone()) for m in given)

    def fidelities(self) -> dict[str, int]:
        """How many measurements there are of each fidelity."""
        with self._connection() as connection:
            return dict(connection.execute("SELECT fidelity, COUNT(*) FROM measurements GROUP BY fidelity").fetchall())

    def count_of(self, architectures: str) -> int:
        """How many measurements there are of architectures that a GLOB pattern of SQLite matches."""
        with self._connection() as connection:
            query = "SELECT COUNT(*) FROM measurements WHERE architecture GLOB ?"
            return int(connection.execute(query, [architectures]).fetchone()[0])

    def read(self, *, fidelity: str | None = None, measure: str | None = None) -> dict[Key, Measurement]:
        """All measurements, or those of one fidelity and/or measure."""
        wanted = {"fidelity": fidelity, "measure": measure}
        clauses = [(name, value) for name, value in wanted.items() if value is not None]
        where = " WHERE " + " AND ".join(f"{name} = ?" for name, _ in clauses) if clauses else ""
        with self._connection() as connection:
            query = f"SELECT {_COLUMNS} FROM measurements{where}"
            rows = connection.execute(query, [value for _, value in clauses]).fetchall()
        return {found.key: found for found in map(_measurement, rows)}

    def covered(self, *, tasks: Collection[str], measures: Collection[str], fidelity: str, seed: int) -> set[str]:
        """The architectures, as texts, of which every one of the measures is known on every one of the tasks."""
        marks = [", ".join("?" * len(some)) for some in (tasks, measures)]
        query = (
            f"SELECT architecture FROM measurements WHERE fidelity = ? AND seed = ? AND task IN ({marks[0]}) "
            f"AND measure IN ({marks[1]}) GROUP BY architecture HAVING COUNT(DISTINCT task || ' ' || measure) = ?"
        )
        with self._connection() as connection:
            rows = connection.execute(query, [fidelity, seed, *tasks, *measures, len(tasks) * len(measures)])
            return {architecture for (architecture,) in rows}

    def each(self, architectures: Iterable[str]) -> Iterator[tuple[Measurement, ...]]:
        """All that is known of each architecture, one after the other, however many there are."""
        query = f"SELECT {_COLUMNS} FROM measurements WHERE architecture = ?"
        with self._connection() as connection:
            for architecture in architectures:
                yield tuple(_measurement(row) for row in connection.execute(query, [architecture]))

    def __len__(self) -> int:
        with self._connection() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM measurements").fetchone()[0])


def _places(key: Key) -> tuple[str, str, str, str, str, int]:
    """The key, as the first columns of the table have it."""
    return key.architecture, key.task, key.measure, key.split, key.fidelity, int(key.seed)


def _measurement(row: tuple[Any, ...]) -> Measurement:
    *key_columns, value, unit, seconds, status, note = row
    return Measurement(Key(*key_columns), math.nan if value is None else value, unit, seconds, status, note)
