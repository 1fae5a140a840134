"""Room: tables. Recorded benchmarks: what was measured of architectures by others, and the guard of their truth."""

from archlock.tables.guard import (
    SCHEMES,
    Allowance,
    Judged,
    Pick,
    RecordedEvidence,
    Scheme,
    SealedTruth,
    Spent,
    open_pair,
    percentiles,
)
from archlock.tables.table import Provenance, RecordedColumn, Role, Table

__all__ = [
    "SCHEMES",
    "Allowance",
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
    "open_pair",
    "percentiles",
]
