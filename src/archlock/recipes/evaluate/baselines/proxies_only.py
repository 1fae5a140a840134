"""Baselines from scores of untrained networks alone; on request the finalists are trained on the source.

The floor is a percentile by the proxy among the architectures that have one, as good as it is known without a training.
Trainings of finalists can order them, but not say where the floor lies: where all of them are predicted to keep it,
verifying changes nothing (measured: so it is for the vote on both public tables).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import SearchError
from archlock.preferences import Column, EvidenceTable, Vote
from archlock.proxies import PUBLISHED_SEVEN
from archlock.recipes.evaluate.baselines.candidates import Candidates, candidates_of
from archlock.recipes.evaluate.baselines.verifying import choose, matched_standing
from archlock.spaces import Architecture
from archlock.tables import RecordedEvidence

SIZES: Final = ("params", "flops")
"""Known of every architecture: where the table does not record them the space's relative cost stands for both."""
FEWEST_RECORDED: Final = 0.3
"""A proxy counts if it is recorded for this share of the candidates."""


@dataclass(frozen=True, slots=True)
class SingleProxy:
    """One proxy, or a size, on the source and on every other task that has it.

    By a size, which hardly differs between tasks, this is the smallest architecture that the floor admits.
    """

    measure: str = "params"
    verify: bool = False
    """Train the finalists, as many as the allowance pays for, on the source."""

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:  # noqa: ARG002
        """See :class:`~archlock.recipes.evaluate.method.RecordedMethod`; there is no chance in it."""
        candidates = candidates_of(evidence)
        return _decide(
            evidence,
            candidates,
            {task: one for task in _tasks(evidence) if (one := self._values(evidence, candidates, task)) is not None},
            floor,
            verify=self.verify,
        )

    def _values(self, evidence: RecordedEvidence, candidates: Candidates, task: str) -> np.ndarray | None:
        if recorded(evidence, candidates, task, (self.measure,)):
            return evidence.proxy(task, self.measure, candidates.architectures)
        return candidates.space.relative_cost(candidates.architectures) if self.measure in SIZES else None


@dataclass(frozen=True, slots=True)
class ProxyVote:
    """The vote of the published seven proxies, or, for a task that lacks them, of all that are recorded."""

    method: str = "mean_rank"
    """How votes are counted: ``mean_rank``, or ``copeland`` (the published majorities; slow on thousands)."""
    verify: bool = False

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:  # noqa: ARG002
        """See :class:`~archlock.recipes.evaluate.method.RecordedMethod`; there is no chance in it."""
        candidates = candidates_of(evidence)
        values = {task: self._votes(evidence, candidates, task) for task in _tasks(evidence)}
        known = {task: votes for task, votes in values.items() if votes is not None}
        return _decide(evidence, candidates, known, floor, verify=self.verify)

    def _votes(self, evidence: RecordedEvidence, candidates: Candidates, task: str) -> np.ndarray | None:
        names = voters(evidence, candidates, task)
        if not names:
            return None
        measured = np.stack([evidence.proxy(task, name, candidates.architectures) for name in names], axis=1)
        here = np.isfinite(measured).any(axis=1)
        architectures = tuple(one for one, has in zip(candidates.architectures, here, strict=True) if has)
        table = EvidenceTable(architectures, tuple(Column(task, name) for name in names), measured[here])
        votes = np.full(len(here), np.nan)
        votes[here] = Vote(table, method=self.method).scores(architectures)[0]
        return votes


def recorded(evidence: RecordedEvidence, candidates: Candidates, task: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the named proxies that are recorded for enough of the candidates on the task."""
    there = [name for name in names if name in evidence.proxies(task)]
    return tuple(
        name
        for name in there
        if np.isfinite(evidence.proxy(task, name, candidates.architectures)).mean() >= FEWEST_RECORDED
    )


def voters(evidence: RecordedEvidence, candidates: Candidates, task: str) -> tuple[str, ...]:
    """Proxies that vote on a task: the published seven if all are recorded, else whatever is."""
    seven = recorded(evidence, candidates, task, PUBLISHED_SEVEN)
    return seven if len(seven) == len(PUBLISHED_SEVEN) else recorded(evidence, candidates, task, evidence.proxies(task))


def _tasks(evidence: RecordedEvidence) -> tuple[str, ...]:
    return (evidence.source, *evidence.others)


def _decide(
    evidence: RecordedEvidence,
    candidates: Candidates,
    values: dict[str, Float[np.ndarray, " architectures"]],
    floor: float,
    *,
    verify: bool,
) -> Architecture:
    others = [task for task in evidence.others if task in values]
    if evidence.source not in values or (evidence.others and not others):
        raise SearchError(
            f"this method needs recorded proxies on {evidence.source}"
            + (f" and on one of {', '.join(evidence.others)}" if evidence.others else "")
            + f"; the table has some on {', '.join(values) or 'no task'}. Choose another method, or import proxies too"
        )
    table = np.stack([values[task] for task in (evidence.source, *others)])
    rows = np.flatnonzero(np.isfinite(table).all(axis=0))
    if not len(rows):
        raise SearchError(
            "no architecture of the table has proxies on every task; choose another method, or import more proxies"
        )
    known, scores = candidates.only(rows), table[:, rows]
    judgement = known.judge(scores[0], scores[1:], floor)
    keys = judgement.keys()
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=True)
    finalists = order[: evidence.left(evidence.source)] if verify else []
    if not finalists:
        return known.architectures[order[0]]
    chosen = [known.architectures[row] for row in finalists]
    return verified(evidence, chosen, known.percentiles(scores[0])[finalists], floor)


def verified(
    evidence: RecordedEvidence,
    finalists: Sequence[Architecture],
    predicted: Float[np.ndarray, " finalists"],
    floor: float,
) -> Architecture:
    """The first of the finalists, best first, whose training on the source says that it keeps the floor.

    Its percentile is the predicted one of the finalist of the same rank (``matched_standing``). Without others to lock
    against (scheme s) it is the best on the source.
    """
    values = evidence.training(evidence.source, finalists)
    known = np.where(np.isfinite(values), values, -np.inf)
    against = np.arange(len(finalists), dtype=float) if evidence.others else -known
    return choose(finalists, matched_standing(known, predicted), against, floor)
