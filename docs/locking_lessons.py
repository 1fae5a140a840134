"""What recorded source scores teach of architectures that are not among them; a part of docs/make_locking.py."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from findings_of_runs import row
from make_findings import rank_correlation

from archlock.preferences import EvidenceTable, Ridge
from archlock.preferences.recorded_sources import evidence_of
from archlock.spaces import SPACES
from archlock.tables import Table


def taught(tables: Mapping[str, Table]) -> Iterator[str]:
    """How well the source scores of each table are foretold, from its other rows, from other sources, and by size."""
    yield "### What recorded source scores teach\n"
    yield (
        "A ridge regression of recorded source scores (validation) on structure, as `archlock lock --lessons` lets it "
        "shape what it expects of the source: rank correlation with the recorded score of an architecture that is left "
        "out of all tables; in brackets what is left beyond size (operations, which every search knows). Taught by the "
        "other rows of its table (a source on which somebody trained so many before), and by the tables of other "
        "sources.\n"
    )
    yield row(["source", "architectures", "size alone", "its own table", "other sources"])
    yield row(["---"] * 5)
    for name, table in tables.items():
        others = [one for other, one in tables.items() if other != name and one.space_name == table.space_name]
        if not others:
            continue
        truth, size = recorded(table), SPACES[table.space_name].relative_cost(table.architectures)
        cells = [
            f"{rank_correlation(said, truth):.2f} ({beyond(said, truth, size):.2f})"
            for said in (foretold(table, [table]), foretold(table, others))
        ]
        yield row([source_of(table), str(len(table.codes)), f"{rank_correlation(size, truth):.2f}", *cells])
    yield ""


def foretold(table: Table, teachers: Sequence[Table]) -> np.ndarray:
    """What the teachers say of the source score of each row, which they have not seen."""
    evidence, space = evidence_of(teachers), SPACES[table.space_name]
    said = []
    for one in table.architectures:
        kept = [row for row, other in enumerate(evidence.architectures) if other != one]
        known = tuple(evidence.architectures[row] for row in kept)
        lesson = EvidenceTable(known, evidence.columns, evidence.values[kept])
        said.append(float(Ridge(lesson, space).scores([one])[0, 0]))
    return np.array(said)


def beyond(said: np.ndarray, truth: np.ndarray, size: np.ndarray) -> float:
    """Rank correlation with what size foretells by a straight line over ranks taken out of both."""
    ranks = [np.argsort(np.argsort(one)).astype(float) for one in (said, truth, size)]
    left = [one - np.polyval(np.polyfit(ranks[2], one, 1), ranks[2]) for one in ranks[:2]]
    return float(np.corrcoef(*left)[0, 1])


def recorded(table: Table) -> np.ndarray:
    """Source scores on the validation split; of a training that failed the lowest there is."""
    scores = table.scores(table.truth(source_of(table)))
    return np.where(np.isfinite(scores), scores, np.nanmin(scores))


def source_of(table: Table) -> str:
    """The only one there is."""
    (source,) = {source for source, _ in table.pairs}
    return source
