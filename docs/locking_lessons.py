"""What recorded source scores teach of architectures that are not among them; a part of docs/make_locking.py."""

from collections.abc import Iterator, Mapping

import numpy as np
from findings_of_runs import row
from make_findings import rank_correlation

from archlock.preferences import Column, EvidenceTable, Ridge
from archlock.spaces import SPACES
from archlock.tables import Table


def taught(tables: Mapping[str, Table]) -> Iterator[str]:
    """How well the source scores of each table are foretold, from its other rows and from the other tables of its
    space."""
    yield "### What recorded source scores teach\n"
    yield (
        "A ridge regression of recorded source scores (validation) on structure, as `archlock lock` lets it shape what "
        "it expects of the source (`--no-lessons` goes without): rank correlation with the recorded score of an "
        "architecture that is left out, taught by the other rows of its table, and by the tables of other sources "
        "without that architecture.\n"
    )
    yield row(["source", "architectures", "its own table", "other sources"])
    yield row(["---"] * 4)
    for name, table in tables.items():
        others = [one for other, one in tables.items() if other != name and one.space_name == table.space_name]
        if not others:
            continue
        own = f"{foretold(table, [table]):.2f}"
        yield row([source_of(table), str(len(table.codes)), own, f"{foretold(table, others):.2f}"])
    yield ""


def foretold(table: Table, teachers: list[Table]) -> float:
    """Rank correlation of source scores with what the teachers say, each row left out in turn."""
    truth = recorded(table)
    space = SPACES[table.space_name]
    said = np.full(len(truth), np.nan)
    for place, one in enumerate(table.architectures):
        lessons = [
            (other, score)
            for teacher in teachers
            for other, score in zip(teacher.architectures, recorded(teacher), strict=True)
            if other != one and np.isfinite(score)
        ]
        known, scores = zip(*lessons, strict=True)
        evidence = EvidenceTable(known, (Column("source", "recorded"),), np.array(scores)[:, None])
        said[place] = Ridge(evidence, space).scores([one])[0, 0]
    there = np.isfinite(truth)
    return rank_correlation(said[there], truth[there])


def recorded(table: Table) -> np.ndarray:
    """Source scores on the validation split."""
    return table.scores(table.truth(source_of(table)))


def source_of(table: Table) -> str:
    """The only one there is."""
    (source,) = {source for source, _ in table.pairs}
    return source
