"""Where tables lie, found again by name: imported ones in one folder, a file each, and those of the package.

The folder is the one named by the environment variable ``ARCHLOCK_TABLES``, else ``archlock/tables`` in the user's data
directory (``XDG_DATA_HOME``, by default ``~/.local/share``).
"""

import os
import re
from pathlib import Path

from archlock.errors import TableError
from archlock.tables.compact import read_table, write_table
from archlock.tables.table import Table

VARIABLE = "ARCHLOCK_TABLES"
SUFFIX = ".npz"
EMBEDDED = Path(__file__).parent / "data"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def library_folder() -> Path:
    """The folder of imported tables; it need not exist."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "archlock" / "tables"


def embedded_tables() -> dict[str, Path]:
    """Names and files of the tables that come with the package."""
    return _tables_in(EMBEDDED)


def list_tables(folder: Path | None = None) -> dict[str, Path]:
    """Names of the imported tables in ascending order, and their files (which may be damaged: nothing is read)."""
    return _tables_in(folder or library_folder())


def check_free(name: str, *, replace: bool = False, folder: Path | None = None) -> Path:
    """The file for a table of that name; TableError if the name is no good, or taken and not to be replaced.

    An import asks this before it reads for minutes.
    """
    if not NAME.fullmatch(name):
        raise TableError(f"a table is named with letters, digits, '.', '_' and '-'; got {name!r}")
    if name in embedded_tables():
        raise TableError(f"the table {name!r} comes with ArchLock; choose another --name")
    path = (folder or library_folder()) / f"{name}{SUFFIX}"
    if path.exists() and not replace:
        raise TableError(f"there is a table {name!r} already ({path}); choose another --name, or --replace it")
    return path


def save_table(table: Table, *, replace: bool = False, folder: Path | None = None) -> Path:
    """Keep a table under its name; a name that is taken raises TableError unless it is to be replaced."""
    return write_table(check_free(table.name, replace=replace, folder=folder), table)


def open_by_name_or_path(text: str | Path, *, folder: Path | None = None) -> Table:
    """The table of that name, or the table in that file.

    A text with a folder or the ending ``.npz`` is a path. An unknown name raises TableError that lists the known ones.
    """
    wanted = str(text)
    if wanted.endswith(SUFFIX) or Path(wanted).name != wanted:
        return read_table(wanted)
    known = list_tables(folder) | embedded_tables()
    if wanted not in known:
        raise TableError(
            f"unknown table {wanted!r}; known: {', '.join(sorted(known))}. Import one: archlock tables import nats "
            f"FOLDER, or see archlock tables import --help (tables lie in {folder or library_folder()}; {VARIABLE} "
            "names another folder)"
        )
    return read_table(known[wanted])


def _tables_in(folder: Path) -> dict[str, Path]:
    names = sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"[!.]*{SUFFIX}"))
    return {name: folder / f"{name}{SUFFIX}" for name in names}
