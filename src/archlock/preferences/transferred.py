"""Evidence of this task, and what recorded transfer says of every task: half and half.

The table ``transfer201`` tells of some architectures how they did on sources and after fine-tuning on targets, all of
other data. Its means over tasks are one more measure of every task here: of the source that of sources, of all others
that of fine-tuned targets. Spaces without such a table go by the evidence alone.

Not for judging on recorded benchmarks: the table's tasks are among theirs, so that would be a look at the answer.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.preferences.evidence_table import Column, EvidenceTable
from archlock.preferences.normal_scores import normal_scores
from archlock.preferences.score_model import ScoreModel
from archlock.spaces import Architecture, Space
from archlock.tables import open_by_name_or_path

NAME: Final = "transferred"
TABLES: Final = {"nasbench201": "transfer201"}
"""Recorded transfer by space."""
SOURCE: Final = "source"
"""Name of the task that is the source; all others are targets."""
LESSON: Final = "recorded transfer"
"""Measure that stands for the table."""


def make_transferred(
    evidence: EvidenceTable,
    space: Space,
    *,
    embeddings: Mapping[str, Float[np.ndarray, " dimensions"]] | None = None,  # noqa: ARG001  (see PreferenceMaker)
    seed: int = 0,  # noqa: ARG001
) -> ScoreModel:
    """A score model of the evidence and of recorded transfer; of each task both count alike."""
    if space.name not in TABLES:
        return ScoreModel(evidence, space)
    architectures, source, target = lessons(TABLES[space.name])
    columns = tuple(Column(task, LESSON) for task in evidence.tasks)
    taught = np.stack([source if column.task == SOURCE else target for column in columns], axis=1)
    measured, width = len(evidence.architectures), len(evidence.columns)
    values = np.full((measured + len(architectures), width + len(columns)), np.nan)
    values[:measured, :width], values[measured:, width:] = evidence.values, taught
    joined = EvidenceTable((*evidence.architectures, *architectures), (*evidence.columns, *columns), values)
    weights = {column: float(len(evidence.positions(column.task))) for column in columns}
    return ScoreModel(joined, space, weights=weights)


def taught_by(space_name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those of these names of tasks that are tasks of the table which teaches this preference, however they are
    spelled."""
    if space_name not in TABLES:
        return ()
    table = open_by_name_or_path(TABLES[space_name])
    known = {_plain(column.task) for column in table.columns if column.task}
    return tuple(name for name in names if _plain(name) in known)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", Path(name).stem.lower())


@cache
def lessons(
    name: str,
) -> tuple[tuple[Architecture, ...], Float[np.ndarray, " architectures"], Float[np.ndarray, " architectures"]]:
    """Architectures of a table of transfer, their mean normal score on sources, and that after fine-tuning."""
    table = open_by_name_or_path(name)
    sources = [table.scores(table.truth(source)) for source in dict.fromkeys(source for source, _ in table.pairs)]
    targets = [table.scores(table.truth(target, source)) for source, target in table.pairs]
    return table.architectures, _mean_score(sources), _mean_score(targets)


def _mean_score(columns: Sequence[Float[np.ndarray, " architectures"]]) -> Float[np.ndarray, " architectures"]:
    """Mean of the normal scores of every column; a value that is missing (a failed training) is the lowest there is."""
    scores = [normal_scores(np.where(np.isfinite(one), one, np.nanmin(one))) for one in columns]
    return np.asarray(np.mean(scores, axis=0))
