"""Files of rows and named columns: CSV, compressed CSV and Parquet, read as they are.

A cell is what the file holds: text in CSV (nothing is turned into a number that was not asked for, so codes keep their
leading zeros), text or numbers in Parquet. An empty cell is a missing value.
"""

import csv
import difflib
import gzip
import hashlib
import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
from jaxtyping import Float

from archlock.errors import TableError

MAX_BYTES = 2 * 2**30
"""Most bytes that a compressed file may unpack to."""
PARQUET = (".parquet", ".pq")
DELIMITERS = ",;\t|"
"""The one that the header has most of is the delimiter of a file."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """One file: cells by column. Row 1 is the header, in messages too."""

    path: Path
    columns: dict[str, Sequence[object]]
    sha256: str

    def cells(self, name: str) -> Sequence[object]:
        """The cells of a column; TableError that lists near matches if there is none."""
        if name not in self.columns:
            raise TableError(f"{self.path.name} has no column {name!r}; {near(name, self.columns)}")
        return self.columns[name]

    def texts(self, name: str) -> list[str]:
        """The cells of a column of texts; a number or an empty cell raises TableError."""
        found = []
        for row, cell in enumerate(self.cells(name), start=2):
            if not isinstance(cell, str) or not cell.strip():
                raise TableError(
                    f"{self.path.name}, row {row}: {name} is {cell!r}, expected a text (a code keeps its leading zeros "
                    "only as text)"
                )
            found.append(cell.strip())
        return found

    def numbers(self, name: str, *, infinite: bool = False) -> Float[np.ndarray, " rows"]:
        """The cells of a column of numbers, NaN where empty; anything else raises TableError naming the row.

        So does an infinite number, unless ``infinite`` allows it.
        """
        cells = self.cells(name)
        try:
            found = np.array([math.nan if _is_empty(cell) else float(cell) for cell in cells])  # type: ignore[arg-type]
            wrong = np.isinf(found) & (not infinite)
            if bool in set(map(type, cells)):
                wrong = np.array([isinstance(cell, bool) for cell in cells])
        except (TypeError, ValueError):
            wrong = np.array([not _is_number(cell) for cell in cells])
        if wrong.any():
            row = int(np.argmax(wrong))
            raise TableError(
                f"{self.path.name}, row {row + 2}: {name} is {cells[row]!r}, expected a finite number or an empty cell"
                f"{_advice(cells[row])}"
            )
        return found


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _advice(cell: object) -> str:
    """What to do about a number that is written in another way."""
    if isinstance(cell, str) and re.fullmatch(r"\s*[+-]?\d+,\d+\s*", cell):
        return "; write a decimal point, not a comma"
    if isinstance(cell, str) and cell.strip().endswith("%"):
        return "; write the number alone, and unit=% in its --column"
    return ""


def _is_number(cell: object) -> bool:
    try:
        float("nan" if _is_empty(cell) else cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def near(name: str, known: Sequence[str] | dict[str, Sequence[object]]) -> str:
    """Words for an error: the known names that look like a wrong one, else all of them."""
    alike = difflib.get_close_matches(name, list(known), n=5, cutoff=0.5)
    alike += [other for other in known if other not in alike and (name in other or other in name)]
    return f"near: {', '.join(alike[:8])}" if alike else f"it has {', '.join(known)}"


def read_sheet(path: str | Path) -> Sheet:
    """Read a ``.csv``, ``.csv.gz``, ``.tsv`` or ``.parquet`` file; one that is no such file raises TableError."""
    path = Path(path)
    if not path.is_file():
        raise TableError(f"{path} is not a file; expected a CSV, compressed CSV or Parquet file")
    columns = _parquet(path) if path.suffix in PARQUET else _delimited(path)
    return Sheet(path, columns, sha256_of(path))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _delimited(path: Path) -> dict[str, Sequence[object]]:
    try:
        with _opened(path) as stream:
            header = stream.readline()
            delimiter = max(DELIMITERS, key=header.count)
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter, strict=True), [])]
            rows = [row for row in csv.reader(stream, delimiter=delimiter, strict=True) if row]
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error) as error:
        raise TableError(f"{path} is not readable CSV ({type(error).__name__}: {error})") from error
    twice = [name for name, count in Counter(names).items() if count > 1]
    if not names or twice:
        raise TableError(
            f"{path.name} needs a header with a different name for every column; got {', '.join(twice or names)!r}"
        )
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names):
            raise TableError(f"{path.name}, row {number} has {len(row)} cells; the header has {len(names)}")
    return dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))


def _opened(path: Path) -> TextIOWrapper:
    if path.suffix == ".gz":
        with gzip.open(path) as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise TableError(f"{path} unpacks to more than {MAX_BYTES / 2**30:g} GiB; give a smaller file")
        return TextIOWrapper(BytesIO(data), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _parquet(path: Path) -> dict[str, Sequence[object]]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise TableError(f"{path.name} is a Parquet file, which needs pyarrow: pip install pyarrow") from error
    try:
        table = pyarrow.parquet.ParquetFile(path).read()
        names = table.column_names
        return dict(zip(names, (column.to_pylist() for column in table.columns), strict=True))
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise TableError(f"{path} is not a readable Parquet file ({type(error).__name__}: {error})") from error
