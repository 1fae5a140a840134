"""The ordinary few-shot way: random trainings, a preference, a search on its scores, and finalists that are verified.

Nothing is learned about where to look next: the trainings are sampled once. The table's short trainings are bought
where it has them, else full ones. It is the frame in which the preferences and strategies of the catalogs are compared,
and the ridge in it (``preference="ridge"``) is the floor to beat.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import ConfigurationError
from archlock.preferences import PREFERENCES, TRANSFERRED, Column, EvidenceTable, normal_scores
from archlock.recipes.evaluate.baselines.candidates import Candidates, candidates_of, sample_rows, shortlist
from archlock.recipes.evaluate.baselines.verifying import assisted_standing, choose, relative_values
from archlock.seeding import derive_seed, rng_for
from archlock.spaces import Architecture
from archlock.tables import RecordedEvidence

MEASURE: Final = "training"
VOTE: Final = "vote"
FOLDS: Final = 5
"""Parts of the sample, each foretold from the others: a preference would know the noise of what it has seen."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Random trainings: rows of the candidates, and values of every task."""

    tasks: tuple[str, ...]
    rows: Int[np.ndarray, " sampled"]
    values: Float[np.ndarray, "tasks sampled"]


@dataclass(frozen=True, slots=True)
class PassiveFewShot:
    """Any preference with any strategy. A vote knows only what was measured, so it chooses among that."""

    preference: str = "score_model"
    strategy: str = "exhaustive"
    margin: float = 0.0
    """How far above the floor the estimated source percentile of a finalist must be, as a share of the table."""
    evaluations: int = 1000
    """Of scores, by strategies that do not judge everything."""
    calibration: float = 1 / 3
    """Share of the finalists that is spent on finding the floor where only short trainings are bought."""

    def __post_init__(self) -> None:
        if self.preference == TRANSFERRED:
            raise ConfigurationError(
                f"the preference {TRANSFERRED!r} was trained on recorded outcomes of tasks that are in these tables, "
                "so a recorded table cannot judge it; choose another preference here, or use it with archlock lock"
            )

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:
        """See :class:`~archlock.recipes.evaluate.method.RecordedMethod`.

        The source percentile of a finalist is a model-assisted estimate where trainings are full ones, and the plain
        share of the sample for a vote. Where they are short, some of the finalists are those of the sample that did
        best on the source in their short training; the percentile is the share of the sample below a value when all
        that were not trained in full count as below, which is hopeful as far as some of them are not. Feasible
        finalists are compared by the mean rank of their values on the other tasks. An allowance without finalists
        leaves the choice to the model.
        """
        candidates, sample = self._sample(evidence, seed)
        scores = self._scores(candidates, sample, np.arange(len(sample.rows)), seed)
        judgement = candidates.judge(scores[0], scores[1:], floor)
        count = min(evidence.left(task) for task in sample.tasks)
        finalists = shortlist(
            candidates,
            judgement,
            self.strategy,
            evaluations=self.evaluations,
            count=max(count, 1),
            seed=derive_seed(seed, "passive", "search"),
        )
        if not count:
            return candidates.architectures[int(finalists[0])]
        if evidence.has_short(evidence.source):
            best = sample.rows[np.argsort(-sample.values[0], kind="stable")[: round(self.calibration * count)]]
            finalists = np.concatenate([best, finalists[~np.isin(finalists, best)]])[:count]
        finalists, values = _bought(evidence, candidates, finalists, sample.tasks, short=False)
        if not len(finalists):
            return candidates.architectures[int(sample.rows[np.argmax(sample.values[0])])]
        standings = self._standings(evidence, candidates, sample, scores[0], finalists, values[0], seed)
        known = [
            values[:0] if evidence.has_short(task) else values
            for task, values in zip(sample.tasks, sample.values, strict=True)
        ]
        against = relative_values(list(values[1:]), known[1:]) if evidence.others else -values[0]
        chosen = [candidates.architectures[row] for row in finalists.tolist()]
        return choose(chosen, standings, against, floor + self.margin)

    def _sample(self, evidence: RecordedEvidence, seed: int) -> tuple[Candidates, _Sample]:
        tasks = (evidence.source, *evidence.others)
        candidates = candidates_of(evidence)
        sampled = sample_rows(candidates, evidence.allowance.trainings, rng_for(seed, "passive", "draw"))
        rows, values = _bought(evidence, candidates, sampled, tasks, short=True)
        if self.preference == VOTE:
            candidates, rows = candidates.only(rows), np.arange(len(rows))
        return candidates, _Sample(tasks, rows, values)

    def _scores(
        self, candidates: Candidates, sample: _Sample, seen: Int[np.ndarray, " seen"], seed: int
    ) -> Float[np.ndarray, "tasks architectures"]:
        """What the preference says of all candidates when it has seen these members of the sample."""
        measured = tuple(candidates.architectures[row] for row in sample.rows[seen])
        columns = tuple(Column(task, MEASURE) for task in sample.tasks)
        values = sample.values[:, seen]
        table = EvidenceTable(measured, columns, values.T)
        embeddings = {task: normal_scores(own) for task, own in zip(sample.tasks, values, strict=True)}
        make = PREFERENCES[self.preference]
        preference = make(
            table, candidates.space, embeddings=embeddings, seed=derive_seed(seed, "passive", "preference")
        )
        rows = [preference.tasks.index(task) for task in sample.tasks]
        return np.asarray(preference.scores(candidates.architectures)[rows])

    def _standings(
        self,
        evidence: RecordedEvidence,
        candidates: Candidates,
        sample: _Sample,
        predicted: Float[np.ndarray, " architectures"],
        finalists: Int[np.ndarray, " finalists"],
        values: Float[np.ndarray, " finalists"],
        seed: int,
    ) -> Float[np.ndarray, " finalists"]:
        """Estimated source percentiles, in [0, 1]."""
        if evidence.has_short(evidence.source):
            known = dict(zip(finalists.tolist(), values.tolist(), strict=True))
            trained = np.array([known.get(row, -np.inf) for row in sample.rows.tolist()])
            return candidates.share_below(values, sample.rows, trained)
        if self.preference == VOTE:
            return candidates.share_below(values, sample.rows, sample.values[0])
        left_out = np.zeros(len(sample.rows))
        own = _Sample(sample.tasks[:1], sample.rows, sample.values[:1])
        for fold in range(FOLDS):
            members = np.arange(len(sample.rows)) % FOLDS == fold
            scores = self._scores(candidates, own, np.flatnonzero(~members), seed)[0]
            left_out[members] = scores[sample.rows[members]]
        return assisted_standing(
            candidates,
            finalists,
            values,
            sampled=sample.rows,
            sample=sample.values[0],
            left_out=left_out,
            predicted=predicted,
        )


def _bought(
    evidence: RecordedEvidence,
    candidates: Candidates,
    rows: Int[np.ndarray, " asked"],
    tasks: tuple[str, ...],
    *,
    short: bool,
) -> tuple[Int[np.ndarray, " rows"], Float[np.ndarray, "tasks rows"]]:
    """Trainings of all tasks, short ones where asked for and recorded; rows that lack one are dropped."""
    architectures = [candidates.architectures[row] for row in rows]
    values = np.stack(
        [evidence.training(task, architectures, short=short and evidence.has_short(task)) for task in tasks]
    )
    known = np.isfinite(values).all(axis=0)
    return rows[known], values[:, known]
