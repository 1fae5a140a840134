"""Room: tables. Recorded benchmarks: what was measured of architectures by others, and the guard of their truth."""

from archlock.tables.table import Provenance, RecordedColumn, Role, Table

__all__ = ["Provenance", "RecordedColumn", "Role", "Table"]
