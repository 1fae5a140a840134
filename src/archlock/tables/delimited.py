"""Tables from any CSV or Parquet file: an architecture in every row, measurements in its columns.

Further files are joined by a column that all of them have. Nothing is guessed and nothing is left out in silence.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from archlock.errors import ArchitectureError, TableError
from archlock.spaces import SPACES
from archlock.tables.column_specs import ColumnSpec, expand, parse_spec
from archlock.tables.sanity import oddities, refuse_impossible
from archlock.tables.sheets import Sheet, near, read_sheet
from archlock.tables.table import Provenance, Table


def read_delimited(
    path: str | Path,
    *,
    space: str,
    key: str,
    columns: Sequence[str],
    joins: Sequence[str | Path] = (),
    on: str | None = None,
    name: str | None = None,
) -> Table:
    """The table of a CSV (also ``.csv.gz``) or Parquet file.

    ``key`` is the column with the architectures, as codes or official strings; ``columns`` are specs (see
    :mod:`archlock.tables.column_specs`); ``joins`` are further files, which share the column ``on`` (default: ``key``)
    with the first. A column that is missing or differs between files, an architecture that stands twice or is unknown
    and a cell that is no number each raise TableError, with the row where there is one. An infinite proxy (NASLib
    writes the logarithm of a singular matrix so) counts as not recorded, and the table's note says how many there are.
    So does a percentage outside 0 to 100, and a cost below zero (a device that refused the architecture, often -1);
    what else looks odd (``sanity``) is told in the note.
    """
    sheets = [read_sheet(file) for file in (path, *joins)]
    known = list(dict.fromkeys(column for sheet in sheets for column in sheet.columns))
    chosen = [found for text in columns for found in expand(parse_spec(text), known)]
    return assemble(sheets, chosen, space=space, key=key, on=on or key, name=name or table_name(path), reader="csv")


def table_name(path: str | Path) -> str:
    """The name that a table gets from its file: the file's, up to the first dot."""
    return Path(path).name.partition(".")[0]


def assemble(
    sheets: Sequence[Sheet],
    chosen: Sequence[ColumnSpec],
    *,
    space: str,
    key: str,
    on: str,
    name: str,
    reader: str,
    note: str = "",
) -> Table:
    """The table of the chosen columns; the first sheet has the architectures, the others are joined to it."""
    if not chosen:
        raise TableError(f"no column of {sheets[0].path.name} was chosen; choose at least one")
    codes = _codes(sheets[0], key, space)
    order = sorted(range(len(codes)), key=codes.__getitem__)
    partners = {id(sheet): _partners(sheets[0], sheet, on) for sheet in sheets[1:]}
    found = np.stack([_joined(sheets, spec, partners) for spec in chosen])
    for spec, rows in zip(chosen, found, strict=True):
        refuse_impossible(spec.column, rows, source=spec.source, file=sheets[0].path.name, codes=codes)
    values = found[:, order]
    notes = [note] if note else []
    for spec, recorded in zip(chosen, values, strict=True):
        infinite = np.isinf(recorded)
        if infinite.any():
            recorded[infinite] = np.nan
            notes.append(f"Infinite values of {spec.source}, which count as not recorded: {int(infinite.sum())}.")
        if spec.column.role == "cost" and (refused := recorded < 0).any():
            recorded[refused] = np.nan
            notes.append(
                f"Values of {spec.source} below zero (not supported by the device), which count as not recorded: "
                f"{int(refused.sum())}."
            )
        notes += oddities(spec.column, recorded, spec.source)
    for sheet in sheets[1:]:
        missing = int((partners[id(sheet)] < 0).sum())
        if missing:
            notes.append(f"{sheet.path.name} has no row for {missing} of {len(codes)} architectures.")
    return Table(
        name,
        space,
        tuple(codes[row] for row in order),
        tuple(spec.column for spec in chosen),
        values,
        Provenance(reader, tuple((sheet.path.name, sheet.sha256) for sheet in sheets), "\n".join(notes)),
    )


def _codes(sheet: Sheet, key: str, space_name: str) -> list[str]:
    space = SPACES[space_name]
    codes: dict[str, int] = {}
    for row, text in enumerate(sheet.texts(key), start=2):
        try:
            code = space.parse(text).code
        except ArchitectureError as error:
            raise TableError(f"{sheet.path.name}, row {row}, column {key!r}: {error}") from None
        if code in codes:
            raise TableError(
                f"{sheet.path.name}: architecture {code} is in row {codes[code]} and again in row {row}; keep one"
            )
        codes[code] = row
    if not codes:
        raise TableError(f"{sheet.path.name} has no rows")
    return list(codes)


def _partners(first: Sheet, other: Sheet, on: str) -> np.ndarray:
    """For every row of the first sheet its row in the other, -1 if it has none."""
    rows: dict[str, int] = {}
    for row, cell in enumerate(other.cells(on)):
        if str(cell) in rows:
            raise TableError(
                f"{other.path.name}: {on} is {cell!r} in row {rows[str(cell)] + 2} and in row {row + 2}; expected it "
                "once, to join by it"
            )
        rows[str(cell)] = row
    found = np.array([rows.get(str(cell), -1) for cell in first.cells(on)])
    if (found < 0).all():
        raise TableError(f"{other.path.name} and {first.path.name} share no value of {on!r}; join on another column")
    return found


def _joined(sheets: Sequence[Sheet], spec: ColumnSpec, partners: dict[int, np.ndarray]) -> Float[np.ndarray, " rows"]:
    """The numbers of a column in the rows of the first sheet; where several sheets have it, they must agree."""
    source, infinite = spec.source, spec.column.role == "proxy"
    found: list[tuple[Sheet, np.ndarray]] = []
    for sheet in sheets:
        if source not in sheet.columns:
            continue
        numbers = sheet.numbers(source, infinite=infinite)
        if sheet is not sheets[0]:
            rows = partners[id(sheet)]
            numbers = np.where(rows < 0, np.nan, numbers[rows])
        found.append((sheet, numbers))
    if not found:
        known = [name for sheet in sheets for name in sheet.columns]
        raise TableError(f"there is no column {source!r}; {near(source, known)}")
    for sheet, numbers in found[1:]:
        if not np.array_equal(numbers, found[0][1], equal_nan=True):
            raise TableError(
                f"column {source!r} of {sheet.path.name} is not that of {found[0][0].path.name}; rename one of them"
            )
    return found[0][1]
