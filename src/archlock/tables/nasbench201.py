"""NAS-Bench-201 (Dong and Yang, ICLR 2020): the official file ``NAS-Bench-201-v1_1-096897.pth``, as its API reads it.

A dictionary with ``meta_archs`` (official strings) and ``arch2infos``: index to ``less`` (12 epochs) and ``full`` (200
epochs), each with the runs that ``archlock.tables.training_runs`` describes. **Tested on synthetic files of that
documented structure only**: the official file is several gigabytes and was not at hand. It is unpickled as a whole,
which needs as much memory as the official tool takes (tens of gigabytes); the NATS-Bench folder has the same trainings
and is read file by file, so prefer that.
"""

from pathlib import Path

import numpy as np

from archlock.errors import TableError
from archlock.progress import Progress, Silent
from archlock.tables.nats import codes_of
from archlock.tables.sheets import sha256_of
from archlock.tables.table import Provenance, Table
from archlock.tables.training_runs import COLUMNS, FULL, LEFT_OUT_NOTE, SHORT, row_of
from archlock.tables.unpickling import load_torch

CITATION = "NAS-Bench-201 (Dong and Yang 2020), MIT licence: cite it."


def read_nasbench201(path: str | Path, *, name: str = "nasbench201", progress: Progress | None = None) -> Table:
    """The table of a NAS-Bench-201 file.

    Architectures that the file knows but has no results of have no values (NaN), which the table's note says. A file of
    another structure raises TableError.
    """
    path = Path(path)
    progress = progress or Silent()
    progress.say(f"reading {path.name} as a whole; the official file takes minutes and tens of gigabytes of memory")
    content = load_torch(path)
    if not isinstance(content, dict) or not isinstance(content.get("arch2infos"), dict):
        raise TableError(f"{path.name} has no dictionary 'arch2infos'; expected NAS-Bench-201-v1_1-096897.pth")
    codes = codes_of(content.get("meta_archs"), path.name)
    values = np.full((len(codes), len(COLUMNS)), np.nan)
    progress.begin("architectures", len(content["arch2infos"]))
    for index, infos in content["arch2infos"].items():
        if not isinstance(index, int) or not 0 <= index < len(codes) or not isinstance(infos, dict):
            raise TableError(f"{path.name} has results of architecture {index!r}, of {len(codes)} that it knows")
        if not {"less", "full"} <= set(infos):
            raise TableError(f"{path.name}, architecture {index}: expected 'less' and 'full', got {list(infos)}")
        values[index] = row_of({SHORT: infos["less"], FULL: infos["full"]}, f"{path.name}, architecture {index}")
        progress.advance()
    notes = [CITATION, LEFT_OUT_NOTE]
    missing = len(codes) - len(content["arch2infos"])
    if missing:
        notes.append(f"{missing} of {len(codes)} architectures have no results, so no values.")
    order = np.argsort(codes)
    return Table(
        name,
        "nasbench201",
        tuple(codes[row] for row in order),
        tuple(one.column for one in COLUMNS),
        values[order].T.copy(),
        Provenance("nasbench201", ((path.name, sha256_of(path)),), "\n".join(notes)),
    )
