"""The decision: which architecture is the lock, from evidence on the source and on targets the search may know.

Nothing here can reach a sealed target: no argument carries one. What comes out is a :class:`Decision`, and only the
``Choice`` in it opens the seals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from archlock.preferences import Preference
from archlock.recipes.lock.choosing import Finalist, confirmed_choice, finalists_of
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.gathering import Subjects, gather
from archlock.recipes.lock.judging import Landscape, landscape, shortlist, trade_off_points
from archlock.recipes.lock.learning import learn_by_adaptation
from archlock.recipes.lock.run import Run, evidence_subjects
from archlock.recipes.lock.zero_cost import learn_by_proxies
from archlock.recipes.workspace import CHOICE
from archlock.records import plain
from archlock.reports import TradeOffPoint
from archlock.spaces import SPACES, Architecture, Space
from archlock.tasks import Choice

SOURCE_ONLY_SHARE = 3
"""One finalist in so many, two at least, is there for its source score alone."""
EDGES = (1.0, 0.5)
"""Shares of the allowed loss, in turn: the best forecasts at the very edge of the floor are too kind as often as not,
so every other finalist is the best lock within half of it."""
SLACKS = (2.0, 4.0)
"""Where too few architectures are expected to keep the floor, near misses become finalists too: training decides."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What the search and the finalists' training came to. Only its ``choice`` opens sealed targets."""

    choice: Choice
    locked: Finalist
    source_only: Finalist
    finalists: tuple[Finalist, ...]
    percentiles: Mapping[Architecture, float]
    """Expected source percentile of every connected architecture, in [0, 1]."""
    trade_off: tuple[TradeOffPoint, ...]
    seen: Landscape
    """What is believed of the whole space."""


def decide(run: Run) -> Decision:
    """Buy evidence, learn, search, train the finalists, choose."""
    space = SPACES[run.config.space]
    preference = _learn(run, space)
    seen = landscape(preference, space, tuple(run.targets))
    ordinary, locks = finalists_to_train(run.config, seen, space, count=run.allocation.finalists)
    architectures = tuple(dict.fromkeys((*ordinary, *locks)))
    measured = {} if run.config.evidence == "zero_cost" else run.targets
    subjects = Subjects(run.source, measured, run.allocation.final, run.workspace.checkpoints, device=run.config.device)
    known = gather(
        architectures,
        subjects,
        seeds=(run.config.seed,),
        stage="finalists, trained at full size",
        means=run.means,
    )
    finalists = finalists_of(architectures, subjects, known, seed=run.config.seed)
    locked, source_only, finalists = confirmed_choice(run, finalists, ordinary, seen)
    run.means.progress.say(
        f"decided: {locked.architecture}, {locked.source_validation:.1%} on the source's validation split; "
        f"source-only: {source_only.architecture}, {source_only.source_validation:.1%}"
    )
    return Decision(
        _choice(run, locked),
        locked,
        source_only,
        finalists,
        seen.percentiles,
        trade_off_points(preference, seen, tuple(run.targets)),
        seen,
    )


def _learn(run: Run, space: Space) -> Preference:
    small = evidence_subjects(run.source, run.targets, run.allocation, device=run.config.device)
    if run.config.evidence == "zero_cost":
        return learn_by_proxies(
            space,
            small.source,
            small.targets,
            run.config.preference,
            candidates=run.allocation.candidates,
            means=run.means,
            device=run.config.device,
        )
    return learn_by_adaptation(
        space,
        small,
        run.config.floor,
        candidates=run.allocation.candidates,
        rounds=run.allocation.rounds,
        means=run.means,
    )


def finalists_to_train(
    config: LockConfig, seen: Landscape, space: Space, *, count: int
) -> tuple[tuple[Architecture, ...], tuple[Architecture, ...]]:
    """What an ordinary search for the source alone would train, and the best locks besides: ``count`` in all.

    Locks are listed by turns at the floor and within half of the loss that it allows (:data:`EDGES`).
    """
    if not len(seen.targets):
        return shortlist(config, seen, space, targeted=False, count=count, evaluations=config.evaluations), ()
    first = max(2, count // SOURCE_ONLY_SHARE)
    ordinary = shortlist(config, seen, space, targeted=False, count=first, evaluations=config.evaluations)

    def locks_at(slack: float) -> list[Architecture]:
        found = shortlist(config, seen, space, targeted=True, count=count, slack=slack, evaluations=config.evaluations)
        return [architecture for architecture in found if architecture not in ordinary]

    in_turn = (one for pair in zip_longest(*map(locks_at, EDGES)) for one in pair if one is not None)
    locks = dict.fromkeys(in_turn)
    for slack in SLACKS:
        if len(locks) < count - first:
            locks.update(dict.fromkeys(locks_at(slack)))
    return ordinary, tuple(locks)[: count - first]


def _choice(run: Run, locked: Finalist) -> Choice:
    """The choice, with the time at which it was first made."""
    made = Choice.now(str(locked.architecture), run.source, seed=run.config.seed)
    return Choice(**run.workspace.once(CHOICE, lambda: plain(made)))
