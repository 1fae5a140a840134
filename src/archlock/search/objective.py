"""What a search maximises, and what it must keep: pure functions of scores.

A search sees nothing but an objective, and an objective is made of scores: no task, no table of truth, no sealed target
can be reached through it. Owner and attacker look at the same scores from two sides: what is good for the owner is a
*low* target score at a source score that keeps the floor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from archlock.catalog import Catalog
from archlock.errors import ConfigurationError, SearchError
from archlock.ranking import rank_percentiles, ranks
from archlock.spaces import Architecture

FloorKind = Literal["percentile", "accuracy_loss"]

AGGREGATES: Final[Catalog[Callable[[np.ndarray], np.ndarray]]] = Catalog(
    "aggregate",
    {"mean": lambda scores: np.asarray(scores.mean(axis=0)), "worst": lambda scores: np.asarray(scores.max(axis=0))},
)
"""Several targets to one: their mean, or the one that goes best for the attacker (the worst case for the owner)."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What an objective says of some architectures, born valid (else :class:`~archlock.errors.SearchError`)."""

    scores: Float[np.ndarray, " architectures"]
    """Finite; higher is better for the owner."""
    shortfall: Float[np.ndarray, " shortfalls"]
    """By how much the source floor is missed, in the floor's units; 0 where it is kept."""

    def __post_init__(self) -> None:
        if self.scores.shape != self.shortfall.shape:
            raise SearchError(
                f"a judgement has one shortfall per score; got {len(self.scores)} scores and "
                f"{len(self.shortfall)} shortfalls"
            )
        if not (np.isfinite(self.scores).all() and np.isfinite(self.shortfall).all()):
            raise SearchError(
                "a judgement is finite; infeasible architectures have a positive shortfall, not a special score; got "
                f"{int((~np.isfinite(self.scores)).sum())} scores and {int((~np.isfinite(self.shortfall)).sum())} "
                "shortfalls that are not finite"
            )
        if (self.shortfall < 0).any():
            raise SearchError(f"a shortfall is 0 or more; got {float(self.shortfall.min()):.3g}")

    @property
    def feasible(self) -> Bool[np.ndarray, " architectures"]:
        """Which architectures keep the floor."""
        return np.asarray(self.shortfall == 0)

    def keys(self) -> list[tuple[float, float]]:
        """Sort keys, larger is better: those that keep the floor by score, all others below them by shortfall."""
        return [(-missed, score) for score, missed in zip(self.scores.tolist(), self.shortfall.tolist(), strict=True)]


Objective: TypeAlias = Callable[[Sequence[Architecture]], Judgement]
"""Architectures to judgement: all that a search ever learns."""


@dataclass(frozen=True, slots=True)
class SourceFloor:
    """What the owner insists on: a share of the others that the architecture beats on the source (``percentile``), or
    how much accuracy, as a fraction, it may lose against the best (``accuracy_loss``).

    A value outside [0, 1] raises :class:`~archlock.errors.ConfigurationError`.
    """

    kind: FloorKind
    value: float

    def __post_init__(self) -> None:
        if self.kind not in ("percentile", "accuracy_loss") or not 0 <= self.value <= 1:
            raise ConfigurationError(
                f"a source floor is a percentile or an accuracy_loss, as a fraction from 0 to 1; got {self.kind!r} "
                f"{self.value}"
            )

    def measure(self, source: Float[np.ndarray, " architectures"]) -> Float[np.ndarray, " architectures"]:
        """What the floor is about, for each of all architectures: percentile among them, or loss against the best.

        ``source`` are scores or accuracies for a percentile, and accuracies for a loss.
        """
        return (
            rank_percentiles(source) if self.kind == "percentile" else np.asarray(source.max(initial=-np.inf) - source)
        )

    def shortfall(self, source: Float[np.ndarray, " architectures"]) -> Float[np.ndarray, " architectures"]:
        """By how much each architecture misses the floor, in the units of ``value``; 0 if it keeps it."""
        measured = self.measure(source)
        missed = self.value - measured if self.kind == "percentile" else measured - self.value
        return np.where(missed > _ROUNDING, missed, 0.0)

    def keeps(self, source: Float[np.ndarray, " architectures"]) -> Bool[np.ndarray, " architectures"]:
        """Which architectures keep the floor."""
        return np.asarray(self.shortfall(source) == 0)


_ROUNDING: Final = 1e-12


def lock_judgement(
    source: Float[np.ndarray, " architectures"],
    targets: Float[np.ndarray, "targets architectures"],
    floor: SourceFloor,
    *,
    aggregate: str = "mean",
) -> Judgement:
    """The attackers' loss, to be maximised: minus the mean (or largest) target score, subject to the source floor.

    The arrays cover everything among which percentiles count, normally the whole space. Without targets (scheme S) the
    score is the source score itself.
    """
    scores = source if len(targets) == 0 else -AGGREGATES[aggregate](targets)
    return Judgement(np.asarray(scores, dtype=float), floor.shortfall(source))


def published_judgement(
    source: Float[np.ndarray, " architectures"],
    targets: Float[np.ndarray, "targets architectures"],
    floor: SourceFloor,
    *,
    weight: float = 2.0,
    aggregate: str = "mean",
) -> Judgement:
    """:func:`published_scores` of the ranks of these scores, subject to the source floor."""
    return Judgement(
        published_scores(ranks(source), ranks(targets), weight=weight, aggregate=aggregate), floor.shortfall(source)
    )


def published_scores(
    source_rank: Float[np.ndarray, " architectures"],
    target_ranks: Float[np.ndarray, "targets architectures"],
    *,
    weight: float = 2.0,
    aggregate: str = "mean",
) -> Float[np.ndarray, " architectures"]:
    """Published fitness of ArchLock (Zhou, Ren, Xu, ICLR 2024): f = T_rank - weight * S_rank, rank 0 is best.

    Without targets f = -S_rank (scheme S). Published is the mean over simulated targets; the worst case is ours: the
    smallest rank, since that target goes best for the attacker.
    """
    if len(target_ranks) == 0:
        return np.asarray(-source_rank)
    return np.asarray(-AGGREGATES[aggregate](-target_ranks) - weight * source_rank)


def tabulated(architectures: Sequence[Architecture], judgement: Judgement) -> Objective:
    """Objective that looks up what was judged for all architectures at once; another one raises SearchError."""
    if len(architectures) != len(judgement.scores):
        raise SearchError(
            f"a table of judgements has one per architecture; got {len(architectures)} architectures and "
            f"{len(judgement.scores)} judgements"
        )
    position = {architecture: index for index, architecture in enumerate(architectures)}

    def objective(asked: Sequence[Architecture]) -> Judgement:
        unknown = [str(architecture) for architecture in asked if architecture not in position]
        if unknown:
            raise SearchError(f"{unknown[0]} was not judged; the table has {len(position)} other architectures")
        rows = np.array([position[architecture] for architecture in asked], dtype=int)
        return Judgement(judgement.scores[rows], judgement.shortfall[rows])

    return objective
