"""The published predictor of ArchLock (Zhou, Ren, Xu, ICLR 2024): is A better than B on this task?

A multi-layer perceptron on [encoding of A, encoding of B, embedding of the task] gives the logit that A beats B,
trained over many tasks on the majority vote of seven zero-cost proxies (see ``ranker_training``).

Deviations, each for a reason: embeddings are scaled to length 1 (raw Fisher values beside 0/1 bits drown one of them);
the answer used is the antisymmetric half (f(A, B) - f(B, A)) / 2, so that the order of the list does not matter;
architectures are ranked by their wins against a fixed sample of opponents, so that a score belongs to an architecture.
``published=True`` switches the last two back.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError
from archlock.preferences.evidence_table import EvidenceTable
from archlock.preferences.preference import Preference
from archlock.preferences.ranker import Ranker
from archlock.preferences.ranker_training import MetaTraining, train_ranker
from archlock.preferences.vote import averaged, vote_margins
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space


class BinaryRanker(Preference):
    """Wins of a trained network as scores, on every task that has an embedding."""

    def __init__(
        self,
        ranker: Ranker,
        space: Space,
        embeddings: Mapping[str, Float[np.ndarray, " dimensions"]],
        *,
        anchors: int | None = 64,
        published: bool = False,
        seed: int = 0,
    ) -> None:
        """``anchors`` opponents are sampled from the space once, so that scores do not depend on the list that is asked
        about; None lets the architectures of the list play each other, all pairs. ``published`` asks each pair of the
        list once, in the order of the list, and believes the raw logit: the order matters, and anchors are not used.
        """
        if anchors is not None and anchors < 1:
            raise ConfigurationError(
                f"a ranker needs at least one opponent, or None for the list itself; got {anchors}"
            )
        self.tasks = tuple(embeddings)
        self.ranker = ranker
        self._space = space
        self._embeddings = tuple(embeddings.values())
        self._published = published
        self._anchors: Float[np.ndarray, "anchors features"] | None = None
        if anchors is not None and not published:
            rng = rng_for(seed, "binary ranker", "anchors")
            self._anchors = space.encode([space.sample(rng) for _ in range(anchors)])

    def scores(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "tasks architectures"]:
        """Share of the opponents that an architecture beats, draws counting half, in [0, 1]."""
        encodings = self._space.encode(architectures)
        if self._published:
            return np.stack([self._in_order(encodings, embedding) for embedding in self._embeddings])
        others = encodings if self._anchors is None else self._anchors
        return np.stack([self._wins(encodings, others, embedding) for embedding in self._embeddings])

    def _wins(self, encodings: np.ndarray, others: np.ndarray, embedding: np.ndarray) -> np.ndarray:
        one_way = self.ranker.logits(encodings, others, embedding)
        other_way = self.ranker.logits(others, encodings, embedding)
        won = 0.5 + 0.5 * np.sign(one_way - other_way.T)
        if others is not encodings:
            return np.asarray(won.mean(axis=1))
        return np.asarray((won.sum(axis=1) - 0.5) / max(len(encodings) - 1, 1))  # the draw with itself does not count

    def _in_order(self, encodings: np.ndarray, embedding: np.ndarray) -> np.ndarray:
        won = np.triu(self.ranker.logits(encodings, encodings, embedding) > 0, 1)
        lost = np.triu(~won, 1)
        return np.asarray((won.sum(axis=1) + lost.sum(axis=0)) / max(len(encodings) - 1, 1))


def make_binary_ranker(
    evidence: EvidenceTable,
    space: Space,
    *,
    embeddings: Mapping[str, Float[np.ndarray, " dimensions"]] | None = None,
    seed: int = 0,
) -> BinaryRanker:
    """Train on the votes of the evidence's tasks, then rank for every embedded task, seen in training or not.

    An evidence task without an embedding raises ConfigurationError.
    """
    known = embeddings or {}
    missing = [task for task in evidence.tasks if task not in known]
    if missing:
        raise ConfigurationError(
            f"the binary ranker knows tasks by their embedding; none was given for {', '.join(missing)}: "
            "embed the tasks first, or use another preference"
        )
    architectures, values = averaged(evidence)
    measures = [values[:, list(evidence.positions(task))] for task in evidence.tasks]
    votes = np.stack([np.sign(vote_margins(one, one)).astype(np.int8) for one in measures])
    data = MetaTraining(space.encode(architectures), votes, np.stack([known[task] for task in evidence.tasks]))
    return BinaryRanker(train_ranker(data, seed=seed), space, known, seed=seed)
