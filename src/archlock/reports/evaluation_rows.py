"""The rows of an evaluation as a flat table: one run a line, always the same columns in the same order.

CSV as in RFC 4180 (with plain line feeds); numbers in the shortest text that gives them back exactly. Parquet is for
notebooks and needs pyarrow.
"""

import csv
import io
from pathlib import Path
from typing import Any, Final

from archlock.errors import ConfigurationError
from archlock.records import write_atomic
from archlock.reports.evaluation import EvaluationRecord
from archlock.reports.evaluation_parts import QUERY_KINDS, EvaluationRow

_BEFORE: Final = (
    "table", "source", "target", "scheme", "method", "preference", "strategy", "evidence", "seed", "architecture",
    "source_percentile", "target_percentile", "source_value", "target_value", "source_loss", "target_loss",
    "lock_score",
)  # fmt: skip
COLUMNS: Final[tuple[str, ...]] = (*_BEFORE, *(f"queries_{kind}" for kind in QUERY_KINDS), "seconds")


def rows_csv(record: EvaluationRecord) -> str:
    """The rows as CSV with a header; a lock score that does not exist is an empty field."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _flat(row)] for row in record.rows)
    return stream.getvalue()


def write_rows_parquet(path: Path, record: EvaluationRecord) -> Path:
    """The rows as a Parquet file, whole or not at all; ConfigurationError if pyarrow is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigurationError(
            f"writing {path.name} needs the package pyarrow, which is not installed; install it, or use the CSV file, "
            "which has the same rows"
        ) from error
    columns = zip(*map(_flat, record.rows), strict=True)
    table = pyarrow.table(dict(zip(COLUMNS, map(list, columns), strict=True)))
    stream = io.BytesIO()
    pyarrow.parquet.write_table(table, stream)
    return write_atomic(path, stream.getvalue())


def _flat(row: EvaluationRow) -> list[Any]:
    """Values in the order of :data:`COLUMNS`."""
    before = [getattr(row, name) for name in _BEFORE]
    return [*before, *(getattr(row.queries, kind) for kind in QUERY_KINDS), row.seconds]


def _cell(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
