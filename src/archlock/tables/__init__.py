"""Room: tables. Recorded benchmarks: what was measured of architectures by others, and the guard of their truth."""

from archlock.tables.compact import content_checksum, read_table, write_table
from archlock.tables.cost_limits import within_costs
from archlock.tables.delimited import read_delimited, table_name
from archlock.tables.gaps import without_gaps
from archlock.tables.guard import (
    SCHEMES,
    RecordedEvidence,
    Scheme,
    SealedTruth,
    open_pair,
    percentiles,
)
from archlock.tables.hw import read_hw
from archlock.tables.library import (
    check_free,
    embedded_tables,
    library_folder,
    list_tables,
    open_by_name_or_path,
    save_table,
)
from archlock.tables.nasbench201 import read_nasbench201
from archlock.tables.nats import read_nats, read_nats_sizes
from archlock.tables.presets import PRESETS, read_preset
from archlock.tables.sanity import ODD
from archlock.tables.summary import ColumnSummary, TableSummary, measurement_name, summarise
from archlock.tables.table import ROLES, Provenance, RecordedColumn, Role, Table
from archlock.tables.transnas import read_transnas
from archlock.tables.vault import Allowance, Judged, Pick, Spent

__all__ = [
    "ODD",
    "PRESETS",
    "ROLES",
    "SCHEMES",
    "Allowance",
    "ColumnSummary",
    "Judged",
    "Pick",
    "Provenance",
    "RecordedColumn",
    "RecordedEvidence",
    "Role",
    "Scheme",
    "SealedTruth",
    "Spent",
    "Table",
    "TableSummary",
    "check_free",
    "content_checksum",
    "embedded_tables",
    "library_folder",
    "list_tables",
    "measurement_name",
    "open_by_name_or_path",
    "open_pair",
    "percentiles",
    "read_delimited",
    "read_hw",
    "read_nasbench201",
    "read_nats",
    "read_nats_sizes",
    "read_preset",
    "read_table",
    "read_transnas",
    "save_table",
    "summarise",
    "table_name",
    "within_costs",
    "without_gaps",
    "write_table",
]
