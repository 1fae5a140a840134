"""Our lock on a recorded table, from few trainings: structure foretells them, and belief decides what to look up next.

The budget buys one training after the other on the source and on every task to be locked against. Where the table has
short trainings they come first and only shape the trend of what full ones will bring, together with the size of the
architectures: short trainings underrate what learns slowly, which is just what tends to lock. Without any training on
what is to be locked against (``against="structure"``) the lock is structure alone: no shortcut from input to output,
and no more capacity than the floor asks for. Full trainings begin with a random sample; each following batch goes
where the expected improvement of the lock, times the probability that the source floor is kept, is largest. The source
floor is a percentile of all architectures, of which only a few were trained, so it is estimated
(``archlock.preferences.standing``) and kept with a margin.

The numbers below were chosen on TransNAS-Bench-101 micro and on NAS-Bench-201 as rules for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import SearchError
from archlock.preferences import (
    Estimate,
    Kriging,
    Residuals,
    population_scores,
    population_weights,
    standing,
)
from archlock.recipes.evaluate.baselines.capacity import capacity_of
from archlock.recipes.evaluate.ground import Ground, ground_of
from archlock.search import Belief, improvement
from archlock.seeding import rng_for
from archlock.spaces import Architecture
from archlock.tables import RecordedEvidence

SHORT_START: Final = 0.8
"""Share of the short trainings that is drawn from everywhere; the rest is drawn where the source is promising."""
SHORT_PROMISING: Final = 0.2
SIZE_WEIGHT: Final = 0.5
"""How much the size counts against the mean of the foretold short trainings, both standardised."""
SHORTCUT_WEIGHT: Final = 0.4
"""How much an open shortcut counts against what is believed of an unknown target, in standard deviations."""
CAUTION: Final = 1.0
"""Standard deviations by which an unknown target is believed to be better than the mean of its surrogates: what looks
worst of many is partly what is known least."""
SOURCE_WEIGHT: Final = 0.1
"""How much the source itself counts as one more surrogate of an unknown target."""
PROMISING: Final = 0.2
"""Share of the space from which the first full trainings are drawn where short ones foretell them."""
GRID: Final = 160
CAPACITY_WEIGHT: Final = 0.2
STANDING_WEIGHT: Final = 20.0
"""How much capacity (size and proxies, in standard deviations) and source standing (a share) count beside an open
shortcut where no training tells how good an architecture is elsewhere: what is better anywhere is better elsewhere."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """How full trainings are spread over rounds, as shares of all that the budget pays for."""

    start: float
    """Drawn at random at once."""
    batch: float
    """Bought in every later round."""
    drawn: float
    """Share of a batch that is drawn at random among promising architectures, to know where the floor lies."""
    until: float
    """Share of the budget after which nothing is drawn at random any more."""
    pool: float
    """Share of the space, by foretold source value, from which is drawn."""


WITHOUT_SHORT: Final = Rounds(start=0.32, batch=0.16, drawn=0.35, until=0.79, pool=0.15)
AFTER_SHORT: Final = Rounds(start=0.35, batch=0.08, drawn=0.0, until=0.0, pool=0.15)


@dataclass(slots=True, eq=False)
class _Bought:
    """Full trainings looked up so far, and the kriging of them; it grows."""

    kriging: Kriging
    rows: list[int] = field(default_factory=list)
    drawn: list[bool] = field(default_factory=list)
    values: list[Float[np.ndarray, " tasks"]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What is believed after a round."""

    source: Estimate
    others: tuple[Estimate, ...]
    scores: Float[np.ndarray, " bought"]
    """Source values, on the scale of the source estimate."""
    other_scores: Float[np.ndarray, "others bought"]
    threshold: float
    """Source score that is believed to keep the floor, margin included."""
    capacity: Float[np.ndarray, " architectures"]
    """What was foretold of the source before any full training, or the size."""
    grid: Float[np.ndarray, " points"]
    standings: Float[np.ndarray, " points"]
    """Source scores, and the shares of the table that are believed to be below them."""


@dataclass(frozen=True, slots=True)
class FewShot:
    """A :class:`~archlock.recipes.evaluate.method.RecordedMethod`; ``margin`` is added to the floor, in percentile."""

    margin: float = 0.007
    short_margin: float = 0.0045
    """Margin where full trainings were foretold by short ones, or by proxies."""
    against: Literal["trainings", "structure"] = "trainings"
    """What tells how good an architecture is for the tasks to be locked against."""

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:
        """See :class:`~archlock.recipes.evaluate.method.RecordedMethod`."""
        ground = ground_of(evidence.space, evidence.architectures)
        rng = rng_for(seed, "few shot", evidence.source, *evidence.others)
        by_structure = self.against == "structure"
        tasks = (evidence.source,) if by_structure else (evidence.source, *evidence.others)
        total = min(evidence.left(task) for task in tasks)
        if total < 10:
            raise SearchError(
                f"a few-shot lock needs at least 10 full trainings per task; the allowance pays for {total}"
            )
        short = evidence.has_short(evidence.source) and evidence.left(evidence.source, short=True) > 0
        foretold = short or by_structure
        rounds = AFTER_SHORT if foretold else WITHOUT_SHORT
        bought = _Bought(Kriging(ground.places))
        trend = ground.size[:, None]
        promising = np.flatnonzero(ground.connected)
        if foretold:
            if short:
                latents = _short_latents(evidence, ground, tasks, rng)
            else:
                latents = np.stack([capacity_of(evidence, ground, task) for task in tasks])
            trend = np.column_stack([latents.T, ground.size])
            promise = _standardised(latents.mean(axis=0)) + SIZE_WEIGHT * ground.size
            promising = np.argsort(-promise, kind="stable")[: max(total, round(PROMISING * len(promise)))]
        _buy(evidence, bought, tasks, rng.choice(promising, round(rounds.start * total), replace=False), drawn=True)
        target = floor + (self.short_margin if foretold else self.margin)
        previous: _View | None = None
        while True:
            view = _look(ground, trend, bought, previous, target, normal=not foretold)
            left = total - len(bought.rows)
            if left <= 0:
                return self._decide(evidence, ground, bought, view)
            count = min(left, max(1, round(rounds.batch * total)))
            at_random = round(rounds.drawn * count) if len(bought.rows) < rounds.until * total else 0
            chosen = self._most_promising(evidence, ground, bought, view, count - at_random)
            _buy(evidence, bought, tasks, chosen, drawn=False)
            if at_random:
                pool = _best_unbought(view.source.mean, bought.rows, round(rounds.pool * len(ground.size)))
                _buy(evidence, bought, tasks, rng.choice(pool, at_random, replace=False), drawn=True)
            previous = view

    def _most_promising(
        self, evidence: RecordedEvidence, ground: Ground, bought: _Bought, view: _View, count: int
    ) -> Int[np.ndarray, " chosen"]:
        """Rows with the largest expected constrained improvement, at most one of each isomorphism class."""
        rows = np.array(bought.rows)
        feasible = view.scores >= view.threshold
        source = Belief(view.source.mean, np.hypot(view.source.std, view.source.noise))
        if not evidence.others:
            target = Belief(-source.mean, source.std)
            promise = improvement(source, target, floor=-np.inf, best=float(-view.scores.max()))
        else:
            mean, std, known = self._against(evidence, ground, rows, view)
            best = float(known[feasible].min()) if feasible.any() else None
            promise = improvement(source, Belief(mean, std), floor=view.threshold, best=best)
        promise[np.isin(ground.classes, ground.classes[rows])] = -np.inf
        order = np.argsort(-promise, kind="stable")
        _, first = np.unique(ground.classes[order], return_index=True)
        return np.asarray(order[np.sort(first)][:count])

    def _against(
        self, evidence: RecordedEvidence, ground: Ground, rows: Int[np.ndarray, " bought"], view: _View
    ) -> tuple[Float[np.ndarray, " architectures"], Float[np.ndarray, " architectures"], Float[np.ndarray, " bought"]]:
        """Score to be made low: mean and deviation for all, and what counts for the bought ones.

        A known target counts as it was measured. Surrogates count by the mean of what is believed of them: what one
        training happened to bring on a surrogate says nothing of a stranger.
        """
        if self.against == "structure":
            source = view.source.mean.copy()
            source[rows] = view.scores
            mean = (
                ground.open_shortcut
                + CAPACITY_WEIGHT * view.capacity
                + STANDING_WEIGHT * np.interp(source, view.grid, view.standings)
            )
            return mean, np.full(len(mean), CAPACITY_WEIGHT), mean[rows]
        if evidence.target is not None:
            (one,) = view.others
            return one.mean, np.hypot(one.std, one.noise), view.other_scores[0]
        spreads = [float(one.mean.std()) + 1e-9 for one in view.others]
        believed = np.mean([one.mean / spread for one, spread in zip(view.others, spreads, strict=True)], axis=0)
        on_source = view.source.mean / (float(view.source.mean.std()) + 1e-9)
        squares = [(one.std / spread) ** 2 for one, spread in zip(view.others, spreads, strict=True)]
        std = np.sqrt(np.sum(squares, axis=0)) / len(squares)
        mean = believed + CAUTION * std + SHORTCUT_WEIGHT * ground.open_shortcut + SOURCE_WEIGHT * on_source
        return mean, std, mean[rows]

    def _decide(self, evidence: RecordedEvidence, ground: Ground, bought: _Bought, view: _View) -> Architecture:
        rows = np.array(bought.rows)
        feasible = view.scores >= view.threshold
        if not evidence.others or not feasible.any():
            return evidence.architectures[int(rows[np.argmax(view.scores)])]
        known = np.where(feasible, self._against(evidence, ground, rows, view)[2], np.inf)
        return evidence.architectures[int(rows[np.argmin(known)])]


def _buy(
    evidence: RecordedEvidence, bought: _Bought, tasks: Sequence[str], rows: Int[np.ndarray, " rows"], *, drawn: bool
) -> None:
    architectures = [evidence.architectures[row] for row in rows]
    values = np.stack([evidence.training(task, architectures) for task in tasks], axis=1)
    known = np.isfinite(values).all(axis=1)
    bought.kriging.measured(rows[known])
    bought.rows += rows[known].tolist()
    bought.drawn += [drawn] * int(known.sum())
    bought.values += list(values[known])


def _short_latents(
    evidence: RecordedEvidence, ground: Ground, tasks: Sequence[str], rng: np.random.Generator
) -> Float[np.ndarray, "seen architectures"]:
    """What short trainings would show of everybody, in normal scores: random ones first, then promising ones."""
    seen = [task for task in tasks if evidence.has_short(task)]
    total = min(evidence.left(task, short=True) for task in seen)
    rows = rng.choice(np.flatnonzero(ground.connected), round(SHORT_START * total), replace=False)
    kriging, values = Kriging(ground.places), np.zeros((len(seen), 0))
    asked = 0
    while True:
        asked += len(rows)
        architectures = [evidence.architectures[row] for row in rows]
        more = np.stack([evidence.training(task, architectures, short=True) for task in seen])
        known = np.isfinite(more).all(axis=0)
        kriging.measured(rows[known])
        values = np.concatenate([values, more[:, known]], axis=1)
        even = np.full(values.shape[1], 1 / values.shape[1])
        scores = np.stack([population_scores(one, even) for one in values])
        means = [one.mean for one in kriging.estimates(ground.size[:, None], scores)]
        if asked >= total:
            return np.stack(means)
        pool = _best_unbought(np.mean(means, axis=0), kriging.rows, round(SHORT_PROMISING * len(ground.size)))
        rows = rng.choice(pool, min(-(-total // 5), total - asked), replace=False)


def _look(
    ground: Ground,
    trend: Float[np.ndarray, "architectures columns"],
    bought: _Bought,
    previous: "_View | None",
    floor: float,
    *,
    normal: bool,
) -> _View:
    """Fit every task, and estimate where the floor lies.

    ``normal``: values become normal scores of their rank in the population; else (few values, all of promising
    architectures) they stay in their units, outliers below held up.
    """
    rows = np.array(bought.rows)
    values = np.stack(bought.values, axis=1)
    earlier = (None,) * len(values) if previous is None else (previous.source, *previous.others)
    scores = np.stack(
        [
            _population(one, rows, before) if normal else _held_up(one)
            for one, before in zip(values, earlier, strict=True)
        ]
    )
    estimates = bought.kriging.estimates(trend, scores)
    source = estimates[0]
    unbought = np.ones(len(ground.size), dtype=bool)
    unbought[rows] = False
    drawn = np.array(bought.drawn)
    residuals = Residuals(source.left_out[drawn], (scores[0] - source.left_out)[drawn])
    low, high = float(scores[0].min()), float(scores[0].max())
    grid = np.linspace(low, high + (high - low) / 4, GRID)
    reached = standing(grid, scores[0], source.mean[unbought], residuals)
    threshold = float(np.interp(floor, reached, grid))
    return _View(
        source,
        tuple(estimates[1:]),
        scores[0],
        scores[1:],
        threshold,
        trend[:, 0],
        grid,
        reached,
    )


def _population(
    values: Float[np.ndarray, " bought"], rows: Int[np.ndarray, " bought"], before: Estimate | None
) -> Float[np.ndarray, " bought"]:
    if before is None:
        return population_scores(values, np.full(len(values), 1 / len(values)))
    foretold = before.mean[rows]
    foretold[: len(before.left_out)] = before.left_out
    return population_scores(values, population_weights(before.mean, foretold))


def _held_up(values: Float[np.ndarray, " bought"]) -> Float[np.ndarray, " bought"]:
    quarter, half, three = np.quantile(values, (0.25, 0.5, 0.75))
    return np.asarray(np.maximum(values, half - 3 * (three - quarter)))


def _best_unbought(mean: np.ndarray, rows: Sequence[int] | np.ndarray, count: int) -> Int[np.ndarray, " pool"]:
    left = mean.copy()
    left[np.asarray(rows)] = -np.inf
    return np.asarray(np.argsort(-left, kind="stable")[:count])


def _standardised(values: Float[np.ndarray, " items"]) -> Float[np.ndarray, " items"]:
    return np.asarray((values - values.mean()) / values.std())
