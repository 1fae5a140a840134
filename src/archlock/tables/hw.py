"""HW-NAS-Bench (Li et al., ICLR 2021): the official file ``HW-NAS-Bench-v1_0.pickle``, its NAS-Bench-201 part.

``nasbench201``: data set to ``config`` (a list of dictionaries with the official string of each architecture) and, in
the same order, latency (ms), energy (mJ) and arithmetic intensity on six devices. **Tested on synthetic files of that
documented structure only**: the official file was not at hand (the values are also in public CSV files, see the known
layout ``nasbench201``). The other space of the benchmark (FBNet) is not read.
"""

from pathlib import Path
from typing import Any

import numpy as np

from archlock.errors import ArchitectureError, TableError
from archlock.spaces import SPACES
from archlock.tables.benchmarks import HARDWARE, NAS_TASKS, hardware_column
from archlock.tables.sheets import sha256_of
from archlock.tables.table import Provenance, Table
from archlock.tables.unpickling import load_pickle

CITATION = "HW-NAS-Bench (Li et al. 2021), MIT licence: cite it. Latency in ms, energy in mJ, all costs."


def read_hw(path: str | Path, *, name: str = "hw") -> Table:
    """The table of costs of a HW-NAS-Bench file.

    Values below zero (the edge TPU does not support the network) count as not recorded, and the table's note says how
    many there are. A file of another structure raises TableError.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"{path} is not a file; expected HW-NAS-Bench-v1_0.pickle")
    with path.open("rb") as stream:
        content = load_pickle(stream, path.name)
    try:
        return _table(content["nasbench201"], path, name)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TableError(
            f"{path.name} does not have the structure of HW-NAS-Bench ({type(error).__name__}: {error})"
        ) from error


def _table(datasets: Any, path: Path, name: str) -> Table:
    codes = _codes(datasets[next(iter(NAS_TASKS))]["config"], path)
    columns, rows, unsupported = [], [], 0
    for dataset, task in NAS_TASKS.items():
        if _codes(datasets[dataset]["config"], path) != codes:
            raise TableError(f"{path.name} has the architectures of {dataset} in another order")
        for measure in HARDWARE:
            values = np.asarray(datasets[dataset][measure], dtype=np.float64)
            if values.shape != (len(codes),):
                raise TableError(f"{path.name}: {measure} on {dataset} is not one number for each architecture")
            unsupported += int((values < 0).sum())
            columns.append(hardware_column(measure, task))
            rows.append(np.where(values < 0, np.nan, values))
    order = np.argsort(codes)
    note = f"{CITATION}\n{unsupported} values below zero (not supported by the device) count as not recorded."
    return Table(
        name,
        "nasbench201",
        tuple(codes[row] for row in order),
        tuple(columns),
        np.stack(rows)[:, order],
        Provenance("hw", ((path.name, sha256_of(path)),), note),
    )


def _codes(configs: Any, path: Path) -> list[str]:
    ordered = [configs[index] for index in sorted(configs)] if isinstance(configs, dict) else configs
    try:
        return [SPACES["nasbench201"].parse(config["arch_str"]).code for config in ordered]
    except ArchitectureError as error:
        raise TableError(f"{path.name}: {error}") from error
