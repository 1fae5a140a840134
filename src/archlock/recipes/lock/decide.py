"""The decision: which architecture is the lock, from evidence on the source and on targets the search may know.

The engine runs twice with the same budget: without targets, which gives the source-only architecture, and against them,
with the floor counted from that one. Nothing here can reach a sealed target: no argument carries one. What comes out is
a :class:`Decision`, and only the ``Choice`` in it opens the seals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from archlock.errors import RunError
from archlock.evidence import Key
from archlock.preferences import SourceLesson, source_lesson
from archlock.recipes.engine.asked import Evidence, Found
from archlock.recipes.engine.beliefs import percentile_floor
from archlock.recipes.engine.lock_search import LockSearch
from archlock.recipes.engine.market import Candidates, Market, candidates_of_space
from archlock.recipes.engine.settings import DEFAULTS
from archlock.recipes.engine.spending import search_on, spend
from archlock.recipes.limits.gate import GatedMarket
from archlock.recipes.lock.finalists import Finalist
from archlock.recipes.lock.lessons import lesson_of
from archlock.recipes.lock.limits_price import NotedMarket, limits_price
from archlock.recipes.lock.live_market import LiveMarket
from archlock.recipes.lock.run import Run
from archlock.recipes.lock.zero_cost import foretell
from archlock.recipes.workspace import CHOICE
from archlock.records import plain
from archlock.reports import LimitsPriceRecord, TradeOffPoint, score_in_words
from archlock.search import Belief, SourceFloor
from archlock.search import trade_off as best_at_floors
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Choice, Kind

ALLOWANCES: Final = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05)
"""Losses of source accuracy at which the trade-off is shown."""
LEAST_SURE: Final = 0.5
"""A candidate that is likelier to miss the source floor than to keep it is no lock: then it is the source-only one."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What the search and the finalists' training came to. Only its ``choice`` opens sealed targets."""

    choice: Choice
    locked: Finalist
    source_only: Finalist
    finalists: tuple[Finalist, ...]
    candidates: Candidates
    source: Belief
    """Source accuracy of every candidate, as the source-only search believes it."""
    threshold: float
    """Source accuracy that keeps the floor."""
    probability: float
    """That the best lock that was found keeps the floor, as far as the search can tell; below
    :data:`LEAST_SURE`, the locked architecture is the source-only one instead."""
    percentiles: Mapping[Architecture, float]
    """Expected source percentile of every candidate, in [0, 1]."""
    trade_off: tuple[TradeOffPoint, ...]
    evidence: frozenset[Key]
    """Where in the store everything is that the decision rests on."""
    lesson: SourceLesson | None = None
    """What recorded trainings say of the source of every candidate; None where nobody asked them."""
    price: tuple[LimitsPriceRecord, ...] = ()
    """What the limits took, by the same evidence; empty where there are none to speak of."""
    shared: tuple[Architecture, ...] = ()
    """What the source-only search trained at full size and believes to keep the floor, where trainings tell what
    attackers get: whoever looks for a lock may see that of these without a training."""

    def keeps(self, floor: SourceFloor, architecture: Architecture, reached: float) -> bool:
        """Whether an architecture keeps the floor whose training ``reached`` so much on the validation split.

        By its score beside the source-only architecture's, or by the percentile that is expected of it.
        """
        if floor.kind == "percentile":
            return self.percentiles[architecture] >= floor.value
        return reached >= self.source_only.source_validation - floor.value


def decide(run: Run) -> Decision:
    """Buy evidence, learn, search, train the finalists, choose."""
    config, plan = run.config, run.allocation
    candidates = run.bounds.candidates if run.bounds else candidates_of_space(SPACES[config.space], seed=config.seed)
    said = foretell(run, candidates) if config.evidence == "zero_cost" else None
    lesson = lesson_of(run, candidates)
    short = plan.candidates if said is None else 0
    ordinary_market = LiveMarket(run, candidates, targets=False, short=short, full=plan.finalists)
    lock_market = LiveMarket(run, candidates, targets=said is None, short=short, full=plan.finalists)
    sells_ordinary, sells_lock = _gated(run, ordinary_market), _gated(run, lock_market)
    ordinary = _search(run, sells_ordinary, "trainings" if said is None else said.ordinary, lesson)
    search = _search(run, sells_lock, "trainings" if said is None else said.lock, lesson) if run.targets else None
    if search is not None and (first := search.ask()) is not None:
        search.tell(first, sells_lock.buy(first))  # so that the same trainings are in the store for the other one
    spend(ordinary, sells_ordinary, confirmed=config.attack_seeds)
    source_only = ordinary.found()
    reference = source_only.source.mean[source_only.row], source_only.source.std[source_only.row]
    threshold = _threshold(run, source_only, candidates, float(reference[0]))
    keeping = source_only.measured[source_only.source.mean[source_only.measured] >= threshold]
    shared = tuple(keeping.tolist()) if search is not None and lock_market.targets else ()
    found = source_only
    if search is not None:
        search.reference = float(reference[0]), float(reference[1])
        search.given = shared
        spend(search, sells_lock, confirmed=config.attack_seeds)
        found = search.found()
    finalists = _together(lock_market.finalists(), ordinary_market.finalists())
    by_architecture = {one.architecture: one for one in finalists}
    chosen = found if found.keeps >= LEAST_SURE else source_only
    locked, ordinary_one = by_architecture[chosen.architecture], by_architecture[source_only.architecture]
    run.resources.progress.say(_said(locked, ordinary_one, found, run.source.kind))
    return Decision(
        _choice(run, locked),
        locked,
        ordinary_one,
        finalists,
        candidates,
        source_only.source,
        threshold,
        found.keeps,
        _percentiles(candidates, source_only.source),
        _trade_off(found, candidates) if search is not None and said is None else (),
        frozenset(ordinary_market.keys | lock_market.keys | (said.keys if said is not None else frozenset())),
        lesson,
        _price(run, sells_lock if search is not None else sells_ordinary, foretold=said is not None),
        tuple(candidates.architectures[row] for row in shared),
    )


def _gated(run: Run, market: LiveMarket) -> NotedMarket:
    """The market, in which nothing is trained at full size that was measured above the limit on latency."""
    gate = run.bounds.gate if run.bounds is not None else None
    return NotedMarket(market if gate is None else GatedMarket(market, gate.passes))


def _price(run: Run, market: NotedMarket, *, foretold: bool) -> tuple[LimitsPriceRecord, ...]:
    """What the limits took; nothing where they leave everything, or where proxies and no trainings tell."""
    if foretold or run.bounds is None or run.bounds.candidates is run.bounds.every:
        return ()
    every = run.bounds.every
    lesson = source_lesson(SPACES[run.config.space], every.architectures).scores if run.config.lessons else None
    return limits_price(market, market.trades, every, run.config.floor, seed=run.config.seed, lesson=lesson)


def _search(run: Run, market: Market, against: Evidence, lesson: SourceLesson | None) -> LockSearch:
    config, settings = run.config, replace(DEFAULTS, least_batch=run.allocation.batch)
    said = None if lesson is None else lesson.scores
    return search_on(market, config.floor, seed=config.seed, against=against, lesson=said, settings=settings)


def _said(locked: Finalist, source_only: Finalist, found: Found, kind: Kind) -> str:
    one, other = (score_in_words(finalist.source_validation, kind) for finalist in (locked, source_only))
    line = (
        f"decided: {locked.architecture}, {one} on the source's validation split; "
        f"source-only: {source_only.architecture}, {other}"
    )
    if found.keeps < LEAST_SURE:
        return f"{line}. No lock was found that is likelier to keep the source floor than to miss it"
    return f"{line}; the floor is kept with probability {found.keeps:.2f}"


def _threshold(run: Run, source_only: Found, candidates: Candidates, reference: float) -> float:
    floor = run.config.floor
    if floor.kind == "accuracy_loss":
        return reference - floor.value
    found = percentile_floor(source_only.beliefs[0], candidates, len(source_only.measured), floor.value, DEFAULTS)
    return float(found.mean[0])


def _together(first: Sequence[Finalist], second: Sequence[Finalist]) -> tuple[Finalist, ...]:
    """Finalists of both searches; one that both trained keeps its gains and the longer row of source scores."""
    found = {one.architecture: one for one in first}
    for one in second:
        known = found.get(one.architecture)
        if known is None:
            found[one.architecture] = one
        elif len(one.source_scores) > len(known.source_scores):
            found[one.architecture] = Finalist(one.architecture, one.source_scores, known.per_target)
    return tuple(found.values())


def _percentiles(candidates: Candidates, source: Belief) -> dict[Architecture, float]:
    order = np.argsort(source.mean, kind="stable")
    shares = candidates.shares[order]
    below = 1 - candidates.shares.sum() + np.cumsum(shares) - shares
    return {candidates.architectures[row]: float(share) for row, share in zip(order.tolist(), below, strict=True)}


def _trade_off(found: Found, candidates: Candidates) -> tuple[TradeOffPoint, ...]:
    """What each loss of source accuracy would buy, by what is believed of all candidates."""
    source, gains = found.source.mean, np.mean([one.belief.mean for one in found.beliefs[1:]], axis=0)
    best = int(np.argmax(source))
    points = best_at_floors(source, found.against.mean, [float(source[best]) - loss for loss in ALLOWANCES])
    return tuple(
        TradeOffPoint(
            source_loss=round(float(source[best]) - point.floor, 6),
            code=candidates.architectures[point.index].code,
            source_validation=float(source[point.index]),
            target_gain=float(gains[point.index]),
            taken_away=float(gains[best] - gains[point.index]),
            estimated=True,
        )
        for point in reversed(points)
    )


def _choice(run: Run, locked: Finalist) -> Choice:
    """The choice, with the time at which it was first made; RunError where another one was made then."""
    made = Choice.now(str(locked.architecture), run.source, seed=run.config.seed)
    written = Choice(**run.workspace.once(CHOICE, lambda: plain(made)))
    if replace(made, decided_at=written.decided_at) != written:
        raise RunError(
            f"{run.workspace.path / CHOICE} says that the lock is {written.architecture}, seed {written.seed}, but the "
            f"same run now comes to {made.architecture}, seed {made.seed}: evidence that had to be bought again came "
            "out differently, as with another version of torch or on another device, or another version of ArchLock "
            "began it. Go on with the versions in which the run was begun, or start anew in another directory"
        )
    return written
