"""What an evidence store holds of some architectures: counts, and a table of one row for each of them."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import tee
from pathlib import Path

from archlock.evidence import EvidenceStore, Measurement
from archlock.records import write_atomic
from archlock.spaces import Architecture, Space


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column of what is measured: where its values are in the store, and what it is called in a table."""

    column: str
    measure: str
    task: str
    fingerprint: str
    fidelity: str
    seed: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of one measure on one task."""

    measure: str
    """Its name in the store."""
    task: str
    valid: int
    failed: int
    unsupported: int
    seconds: float
    """Of one thread, over all architectures; what proxies share is charged to the first of them."""


def tallied(store: EvidenceStore, functions: Sequence[Architecture], wanted: Sequence[Wanted]) -> tuple[Tally, ...]:
    """What the store holds of the functions, by measure and task."""
    counts: Counter[tuple[str, str, str]] = Counter()
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    for _, known in looked_up(store, functions, wanted):
        for column, one in known.items():
            counts[column.measure, column.task, one.status] += 1
            seconds[column.measure, column.task] += one.seconds
    found = []
    for place in dict.fromkeys((column.measure, column.task) for column in wanted):
        valid, failed, unsupported = (counts[*place, status] for status in ("valid", "failed", "unsupported"))
        found.append(Tally(*place, valid, failed, unsupported, seconds[place]))
    return tuple(found)


def looked_up(
    store: EvidenceStore, functions: Iterable[Architecture], wanted: Sequence[Wanted]
) -> Iterator[tuple[Architecture, dict[Wanted, Measurement]]]:
    """What the store holds of each function in turn, by column."""
    keys = [(column, (column.measure, column.fingerprint, column.fidelity, column.seed)) for column in wanted]
    one, other = tee(functions)
    for function, known in zip(one, store.each(map(str, other)), strict=True):
        found = {(m.key.measure, m.key.task, m.key.fidelity, m.key.seed): m for m in known}
        yield function, {column: found[key] for column, key in keys if key in found}


def write_csv(
    path: Path, store: EvidenceStore, space: Space, architectures: Sequence[Architecture], wanted: Sequence[Wanted]
) -> Path:
    """One row for every architecture: its code, its function's code, and its function's values.

    A value that is not valid is an empty cell. ``archlock tables import csv`` takes the file.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["code", "function", *(column.column for column in wanted)])
    rows = looked_up(store, map(space.simplify, architectures), wanted)
    for architecture, (function, known) in zip(architectures, rows, strict=True):
        valid = {column: one.value for column, one in known.items() if one.status == "valid"}
        cells = [repr(valid[column]) if column in valid else "" for column in wanted]
        writer.writerow([architecture.code, function.code, *cells])
    return write_atomic(path, stream.getvalue())
