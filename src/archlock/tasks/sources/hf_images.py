"""The image files in a column of a Hugging Face data set, as they are stored: the library decodes nothing.

A row is fetched from the data set's own file when it is needed, so that a large set is never in memory.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archlock.errors import TaskError
from archlock.tasks.sources.image_file import ImageFile, Source

AT_ONCE = 256
"""Rows that are looked at at once for whether they have an image."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldImage:
    """The bytes in a row of a data set that is open."""

    rows: Any
    column: str
    row: int

    def read(self) -> bytes:
        """From the data set's file, which the library maps into memory."""
        found: bytes = self.rows[self.row][self.column]["bytes"]
        return found


def files_of(rows: Any, column: str, where: str) -> list[ImageFile]:
    """A file for each row; TaskError for a column of something else, and for a row without an image."""
    import datasets

    if type(rows.features.get(column)).__name__ != "Image":
        raise TaskError(
            f"{where}, column {column!r}: expected images, got {rows.features.get(column)}; name another image column, "
            "or cast it with cast_column(column, datasets.Image())"
        )
    stored = rows.with_format(None).select_columns([column]).cast_column(column, datasets.Image(decode=False))
    files = []
    for start in range(0, len(stored), AT_ONCE):
        for row, item in enumerate(stored[start : start + AT_ONCE][column], start):
            name = f"{where}, row {row}"
            source: Source
            if item and item.get("bytes") is not None:
                source = HeldImage(stored, column, row)
            elif item and item.get("path"):
                source = Path(item["path"])
            else:
                raise TaskError(f"{name}: has no image; leave the row out")
            files.append(ImageFile(source, name))
    return files
