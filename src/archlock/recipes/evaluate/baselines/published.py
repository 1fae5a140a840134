"""The published method (ArchLock, Zhou, Ren, Xu, ICLR 2024) over recorded evidence, without its look at the answer.

Kept: labels by majority vote of seven zero-cost proxies; a binary ranker meta-trained over tasks; in scheme tu 5, 10 or
15 task embeddings at cosine 0.9 to the source's in random orthogonal directions; f = T_rank - 2 S_rank; ageing
evolution with population 10, tournament 10, one-edge mutation and 40 evaluations; a floor on the source; the training
of every candidate on the source.

Deviations, each for a reason:

- The released search returns the candidate with the lowest *true* target accuracy. Here it is the fittest candidate
  whose source training says that it keeps the floor (:func:`archlock.recipes.evaluate.peeking.peeking_pick` is the
  published way).
- A table has no images. Task embeddings are given, or else behavioural: normal scores of the votes of a task's
  proxies on a fixed sample of architectures. They are not Task2Vec.
- Proxies are those that were recorded: the seven, or what a task has of others. Architectures that lack them are not
  used for labels. Meta-training is on the tasks that the run may see, so in scheme tu never on the target.
- Ranks are wins against 100 fixed random opponents, answered antisymmetrically (see ``BinaryRanker``), so that fitness
  belongs to an architecture and not to the list it is in.
- During the search the source floor is one on the predicted percentile, since the percentile of a value is not known
  to somebody who has not seen the table; the trainings of the candidates are compared at the end (``verified``).
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import SearchError
from archlock.preferences import (
    BinaryRanker,
    Column,
    EvidenceTable,
    MetaTraining,
    Ranker,
    RankerPlan,
    Vote,
    normal_scores,
    train_ranker,
    vote_margins,
)
from archlock.recipes.evaluate.baselines.candidates import FEWEST, candidates_of
from archlock.recipes.evaluate.baselines.proxies_only import verified, voters
from archlock.search import Judgement, RegularisedEvolution, published_scores, search
from archlock.seeding import derive_seed, rng_for
from archlock.spaces import Architecture
from archlock.tables import RecordedEvidence

LABELLED: Final = 200
"""Architectures of the fixed sample on which votes are taken."""
OPPONENTS: Final = 100
SIMULATED: Final = "simulated target"
COSINE: Final = 0.9


class RankerCache:
    """Rankers by what they were trained on: the same labels, embeddings and plan give the same network.

    Made by whoever runs the method many times and given to it; seeds of one pair, and pairs with the same visible
    tasks, then train once. What is found depends on the content only, so nothing passes from run to run.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Ranker] = {}

    def ranker(self, data: MetaTraining, plan: RankerPlan) -> Ranker:
        """Train, or remember."""
        parts = (data.encodings, data.votes, data.embeddings)
        key = hashlib.sha256(repr(plan).encode() + b"".join(np.ascontiguousarray(one).tobytes() for one in parts))
        if key.digest() not in self._known:
            self._known[key.digest()] = train_ranker(data, plan, seed=0)
        return self._known[key.digest()]


@dataclass(frozen=True, slots=True, eq=False)
class _Searched:
    """What an evolution judged, best first."""

    architectures: tuple[Architecture, ...]
    source_wins: Float[np.ndarray, " architectures"]
    """Share of the opponents that each beats on the source by the ranker."""


@dataclass(frozen=True, slots=True)
class Published:
    """The published search, honestly judged."""

    simulated: int = 10
    """Embeddings that stand in for an unknown target; published are 5, 10 and 15."""
    weight: float = 2.0
    evaluations: int = 40
    plan: RankerPlan = RankerPlan()  # noqa: RUF009  (frozen)
    embeddings: Mapping[str, Float[np.ndarray, " dimensions"]] | None = field(default=None, compare=False)
    """Task to vector, for every task of the table; without them behavioural ones are made."""
    rankers: RankerCache | None = field(default=None, compare=False, repr=False)

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:
        """See :class:`~archlock.recipes.evaluate.method.RecordedMethod`; SearchError where proxies are too few."""
        found = self._search(evidence, floor, seed)
        paid = evidence.left(evidence.source)
        if not paid:
            return found.architectures[0]
        return verified(evidence, found.architectures[:paid], found.source_wins[:paid], floor)

    def candidates(
        self, evidence: RecordedEvidence, *, floor: float, seed: int, count: int = 30
    ) -> tuple[Architecture, ...]:
        """The fittest architectures of the search, best first: those among which the released code peeks."""
        return self._search(evidence, floor, seed).architectures[:count]

    def _search(self, evidence: RecordedEvidence, floor: float, seed: int) -> _Searched:
        ranker, embeddings = self._learned(evidence)
        targets = [embeddings[task] for task in evidence.others if task in embeddings]
        if evidence.others and evidence.target is None:
            rng = rng_for(seed, "published", "simulated")
            targets = list(simulated(embeddings[evidence.source], self.simulated, COSINE, rng))
        asked = {str(place): vector for place, vector in enumerate([embeddings[evidence.source], *targets])}
        wins = BinaryRanker(ranker, evidence.space, asked, anchors=OPPONENTS, seed=0)
        place = {evidence.space.canonicalise(one): one for one in candidates_of(evidence).architectures}
        judged: dict[Architecture, tuple[tuple[float, float], float]] = {}

        def objective(asked: Sequence[Architecture]) -> Judgement:
            shares = wins.scores(asked)
            ranks = (1 - shares) * OPPONENTS
            fitness = published_scores(ranks[0], ranks[1:], weight=self.weight)
            known = [evidence.space.canonicalise(one) in place for one in asked]
            shortfall = np.where(known, np.maximum(floor - shares[0], 0), 1 + floor)
            judgement = Judgement(fitness, shortfall)
            for one, here, key, share in zip(asked, known, judgement.keys(), shares[0], strict=True):
                if here:
                    judged[place[evidence.space.canonicalise(one)]] = (key, float(share))
            return judgement

        strategy = RegularisedEvolution(evidence.space, seed=derive_seed(seed, "published", "search"))
        with suppress(SearchError):  # nothing judged keeps the predicted floor: what is nearest to it comes first
            search(strategy, objective, evaluations=self.evaluations)
        if not judged:
            raise SearchError(f"none of the {self.evaluations} architectures that were judged is in the table")
        order = sorted(judged, key=lambda one: judged[one][0], reverse=True)
        return _Searched(tuple(order), np.array([judged[one][1] for one in order]))

    def _learned(self, evidence: RecordedEvidence) -> tuple[Ranker, dict[str, np.ndarray]]:
        """The ranker, and the embeddings of the tasks that the run may see and that have proxies."""
        candidates = candidates_of(evidence)
        tasks = (evidence.source, *evidence.others)
        names = {task: voters(evidence, candidates, task) for task in tasks}
        tasks = tuple(task for task in tasks if names[task])
        if evidence.source not in tasks or (evidence.target is not None and evidence.target not in tasks):
            raise SearchError(
                f"the published method knows tasks by their proxies; the table has too few on {evidence.source}"
                + (f" or on {evidence.target}" if evidence.target else "")
            )
        measured = {
            task: np.stack([evidence.proxy(task, name, candidates.architectures) for name in names[task]], axis=1)
            for task in sorted(tasks)
        }
        rows = _labelled(list(measured.values()))
        architectures = tuple(candidates.architectures[row] for row in rows)
        votes = np.stack([np.sign(vote_margins(one[rows], one[rows])).astype(np.int8) for one in measured.values()])
        embeddings = {
            task: np.asarray(self.embeddings[task])
            if self.embeddings is not None
            else behaviour(task, architectures, values[rows])
            for task, values in measured.items()
        }
        data = MetaTraining(evidence.space.encode(architectures), votes, np.stack(list(embeddings.values())))
        return (self.rankers or RankerCache()).ranker(data, self.plan), embeddings


def behaviour(
    task: str, architectures: tuple[Architecture, ...], values: Float[np.ndarray, "architectures proxies"]
) -> Float[np.ndarray, " architectures"]:
    """A task as a vector: how well each architecture of a fixed sample does in the vote, in normal scores."""
    table = EvidenceTable(architectures, tuple(Column(task, str(place)) for place in range(values.shape[1])), values)
    return normal_scores(Vote(table, method="mean_rank").scores(architectures)[0])


def simulated(
    vector: Float[np.ndarray, " dimensions"], count: int, cosine: float, rng: np.random.Generator
) -> Float[np.ndarray, "count dimensions"]:
    """Vectors at that cosine to the given one, each in a random direction orthogonal to it and to the others'.

    Gram-Schmidt as published; the length does not matter to the ranker.
    """
    directions = np.concatenate([vector[None], rng.standard_normal((count, len(vector)))])
    orthonormal = np.linalg.qr(directions.T)[0].T
    along = vector / np.linalg.norm(vector)
    return np.asarray(cosine * along + np.sqrt(1 - cosine**2) * orthonormal[1:])


def _labelled(measured: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of a fixed random sample of the candidates that have every proxy of every task, in order."""
    known = np.flatnonzero(np.all([np.isfinite(values).all(axis=1) for values in measured], axis=0))
    if len(known) < FEWEST:
        raise SearchError(
            f"the published method needs at least {FEWEST} architectures with all proxies of all visible tasks; the "
            f"table has {len(known)}"
        )
    rng = rng_for(0, "published", "labelled")
    return np.sort(rng.choice(known, min(LABELLED, len(known)), replace=False))
