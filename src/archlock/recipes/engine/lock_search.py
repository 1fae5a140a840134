"""The lock search: ask for trainings, be told what they brought, decide. One for live trainings and for recorded ones.

Short trainings come first, where the market sells them, and only shape the trend of what full ones will bring. Full
trainings begin with some at random; every later round buys what is worth most
(:func:`~archlock.search.worth_of_measuring`): another architecture, or the same one again with another seed. So what is
close to the decision is measured until it is clear, and what is not is measured once. The lock is the candidate that is
believed to be worst for the others among those that keep the source floor with probability ``sure``: by belief and
measurements together, never by one lucky training. Where the target is unknown, what is gained there is less sure than
what a missed floor costs, and the probability to miss it counts, too.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from archlock.errors import SearchError
from archlock.preferences import Kriging
from archlock.recipes.engine.asked import Asked, Foretold, Found
from archlock.recipes.engine.beliefs import (
    Ledger,
    TaskBelief,
    against,
    beliefs_of,
    held_up,
    keeping,
    percentile_floor,
)
from archlock.recipes.engine.deciding import challenger, chosen
from archlock.recipes.engine.market import Ask, Bought, Candidates, Kind
from archlock.recipes.engine.promise import better_by, standardised
from archlock.recipes.engine.settings import DEFAULTS, FEWEST_TRAININGS, EngineSettings
from archlock.search import Belief, Noise, worth_of_measuring
from archlock.seeding import rng_for

STANDING_WEIGHT = 20.0
CAPACITY_WEIGHT = 0.2
"""How much source standing (a share) and capacity (in standard deviations) count beside an open shortcut where no
training tells how good an architecture is elsewhere: what is better anywhere is better elsewhere."""

CLEARLY = 2.0
"""Deviations of what an architecture reached beyond which its training is no bad luck."""


@dataclass(slots=True, eq=False)
class LockSearch:
    """Ask and tell; deterministic given the seed and what it is told."""

    candidates: Candidates
    asked: Asked
    others: tuple[str, ...]
    known: bool
    repeatable: bool
    seed: int
    label: str = ""
    """Part of the seed's derivation: searches of different tasks draw differently."""
    settings: EngineSettings = DEFAULTS
    reference: tuple[float, float] | None = None
    """Mean and deviation of the source value that a loss counts from; None: of the best candidate by belief. It may
    come later than the first questions."""
    given: tuple[int, ...] = ()
    """Rows that another search trained at full size: to ask what their first training brings here costs none, and none
    of the budget. They come when the short trainings are over, and may be named as late as the reference."""
    _short: Ledger = field(init=False)
    _full: Ledger = field(init=False)
    _expected: list[Float[np.ndarray, " architectures"]] = field(init=False)
    """What is said of the source before anything is bought: one column of the trend, or none."""
    _trend: Float[np.ndarray, "architectures columns"] = field(init=False)
    _rng: np.random.Generator = field(init=False)
    _short_over: bool = field(init=False, default=False)
    _challenger: int | None = field(init=False, default=None)
    """What was trained again because it promised more than the decision."""

    def __post_init__(self) -> None:
        if self.asked.full < FEWEST_TRAININGS:
            raise SearchError(
                f"a lock needs at least {FEWEST_TRAININGS} full trainings per task; the budget pays for "
                f"{self.asked.full}"
            )
        self._short, self._full = Ledger(Kriging(self.candidates.places)), Ledger(Kriging(self.candidates.places))
        self._expected = [] if self.asked.lesson is None else [self.asked.lesson]
        if isinstance(self.asked.against, Foretold):
            self._expected = [self.asked.against.source]
        self._trend = np.column_stack([*self._expected, self.candidates.size])
        self._rng = rng_for(self.seed, "lock search", self.label)

    def ask(self) -> Ask | None:
        """What to buy next; None: it is time to decide."""
        if not self._short_over:
            ask = self._ask_short()
            if len(ask.rows):
                return ask
            self._end_short()
        if open_yet := [row for row in self.given if row not in self._full.asked]:
            return _ask("full", open_yet, self._full)
        left = self.asked.full - (self._full.spent - len(self.given))
        if left <= 0:
            return None
        ask = _ask("full", [], self._full)
        if set(self._full.rows.tolist()) <= set(self.given):
            wanted = max(FEWEST_TRAININGS, round(self.settings.full_start * self.asked.full))
            ask = self._first("full", min(left, wanted))
        if len(ask.rows) == 0 and len(self._full.rows):  # (or all that may be trained was given)
            count = min(left, max(self.settings.least_batch, round(self.settings.full_batch * self.asked.full)))
            explored = round(self.settings.explored * count) if self._explores else 0
            beliefs = self._believed()
            worthy = self._worthiest(self._full, beliefs, count - explored, repeats=self.repeatable)
            ask = _ask("full", [*worthy, *self._sampled_promising(explored, worthy, beliefs[0].belief)], self._full)
        return ask if len(ask.rows) else None

    def tell(self, ask: Ask, bought: Bought) -> None:
        """What an ask brought."""
        (self._short if ask.kind == "short" else self._full).add(ask, bought)

    def confirm(self, trainings: int) -> Ask | None:
        """What is missing for the decision to rest on so many trainings; None where nothing is.

        What is likely to keep the floor, but not sure enough, and believed to be clearly worse for the others than the
        present decision, is trained so often first, but only one such: another training or two tell whether it is the
        better lock.
        """
        if not self.repeatable:
            return None
        found = self.found()
        row = found.row
        if found.floor is not None:
            allowed = found.measured if self._challenger is None else [self._challenger]
            open_yet = np.array([one for one in allowed if self._full.asked[one] < trainings], dtype=int)
            better = challenger(row, open_yet, self._kept(found.source, found.floor), found.against, self.settings)
            if better is not None:
                row = self._challenger = better
        missing = trainings - self._full.asked[row]
        return _ask("full", [row] * missing, self._full) if missing > 0 else None

    def found(self) -> Found:
        """The decision; SearchError if not a single full training succeeded."""
        if len(self._full.rows) == 0 and self._full.refused:
            raise SearchError(
                f"none of {self._full.refused} architectures that were promising keeps the limit on latency when it is "
                "measured; give a wider one"
            )
        if len(self._full.rows) == 0:
            raise SearchError("every full training failed: they diverged; look at the data, or lower --width")
        beliefs = self._believed()
        source, rows = beliefs[0].belief, self._full.rows
        target, _ = self._against(beliefs)
        floor = self._floor(beliefs, self._full) if self._locks else None
        if floor is None:
            row, keeps = int(rows[np.argmax(source.mean[rows])]), 1.0
        else:
            kept = self._kept(source, floor)
            row = chosen(rows, kept, self._loss(target, kept), self.settings.sure)
            keeps = float(kept[row])
        architecture = self.candidates.architectures[row]
        return Found(row, architecture, keeps, floor, source, target, beliefs, rows, self._full.trainings)

    @property
    def _locks(self) -> bool:
        if isinstance(self.asked.against, Foretold):
            return self.asked.against.against is not None
        return bool(self.others) or self.asked.against == "structure"

    @property
    def _foretold(self) -> bool:
        return self.asked.short > 0 or self.asked.against != "trainings" or self.asked.lesson is not None

    @property
    def _explores(self) -> bool:
        return not self._foretold and self._full.spent < self.settings.explored_until * self.asked.full

    def _kept(self, source: Belief, floor: Belief) -> Float[np.ndarray, " architectures"]:
        """Probability that each candidate keeps the floor; none where what it reached lies clearly below it and is only
        believed to be better because it was held up."""
        kept, reached = keeping(source, floor), self._full.means[0]
        doubt = CLEARLY * np.nan_to_num(self._full.noise[0]) / np.sqrt(self._full.trainings)
        hopeless = (reached < held_up(reached, self.settings.held_up)) & (reached < floor.mean[0] - doubt)
        kept[self._full.rows[hopeless]] = 0.0
        return kept

    def _ask_short(self) -> Ask:
        start = round(self.settings.short_start * self.asked.short)
        left = self.asked.short - self._short.spent
        if len(self._short.rows) < FEWEST_TRAININGS:
            return self._first("short", min(left, max(start, FEWEST_TRAININGS)))
        count = min(left, max(1, -(-(self.asked.short - start) // self.settings.short_rounds)))
        return _ask("short", self._worthiest(self._short, self._short_beliefs(), count, repeats=False), self._short)

    def _end_short(self) -> None:
        self._short_over = True
        if len(self._short.rows) >= FEWEST_TRAININGS:
            latents = [one.belief.mean for one in self._short_beliefs()]
            self._trend = np.column_stack([*latents, self.candidates.size])

    def _first(self, kind: Kind, count: int) -> Ask:
        """Rows sampled at random: from everywhere, each as often as it stands for others, or where full ones are
        foretold."""
        ledger = self._short if kind == "short" else self._full
        asked = ledger.asked
        if kind == "full" and isinstance(self.asked.against, Foretold):
            return _ask(kind, [row for row in self.asked.against.first.tolist() if row not in asked][:count], ledger)
        weights = self.candidates.shares.copy()
        if self.asked.lesson is not None and (kind == "short" or len(self._short.rows) == 0):
            weights[list(asked)] = 0
            weights = better_by(self.asked.lesson, weights, self.settings.taught, least=count)
        elif kind == "full" and self._foretold:
            foretold = self._trend[:, :-1].T if len(self._short.rows) else self.candidates.capacity[None]
            promise = standardised(foretold.mean(axis=0)) + self.settings.size_weight * self.candidates.size
            most = max(count, round(self.settings.foretold * len(promise)))
            promise[list(asked)] = -np.inf  # where all that was promising failed or was refused, the next is
            weights[np.argsort(-promise, kind="stable")[most:]] = 0
        weights[list(asked)] = 0
        count = min(count, int((weights > 0).sum()))
        if count == 0:
            return _ask(kind, [], ledger)
        rows = self._rng.choice(len(weights), count, replace=False, p=weights / weights.sum())
        return _ask(kind, rows.tolist(), ledger)

    def _short_beliefs(self) -> tuple[TaskBelief, ...]:
        trend = np.column_stack([*self._expected, self.candidates.size])
        return beliefs_of(self._short, trend, ranges=self.settings.held_up, slopes=self._slopes(self._short, trend))

    def _believed(self) -> tuple[TaskBelief, ...]:
        trend = self._trend
        if self.asked.against == "structure":
            trend = np.column_stack([self.candidates.capacity, trend])
        slopes = self._slopes(self._full, trend)
        return beliefs_of(self._full, trend, ranges=self.settings.held_up, slopes=slopes)

    def _slopes(self, ledger: Ledger, trend: Float[np.ndarray, "architectures columns"]) -> np.ndarray:
        """What is expected of the trend's columns for each task: something of those that foretell it."""
        slopes = np.zeros((len(ledger.means), trend.shape[1]))
        foretelling = slopes[:, 1:] if ledger is self._full and self.asked.against == "structure" else slopes
        if ledger is self._full and len(self._short.rows) >= FEWEST_TRAININGS:
            np.fill_diagonal(foretelling, self.settings.slope)
        elif self._expected:
            foretelling[0, 0] = self.settings.slope
        return slopes

    def _against(self, beliefs: tuple[TaskBelief, ...]) -> tuple[Belief, float]:
        if self.asked.against == "structure":
            return self._by_structure(beliefs[0].belief), 0.0
        if isinstance(self.asked.against, Foretold) and self.asked.against.against is not None:
            return self.asked.against.against, 0.0
        return against(self.candidates, beliefs, self.settings, known=self.known)

    def _by_structure(self, source: Belief) -> Belief:
        order = np.argsort(source.mean, kind="stable")
        standing = np.empty(len(order))
        standing[order] = np.cumsum(self.candidates.shares[order])
        mean = self.candidates.open_shortcut + CAPACITY_WEIGHT * self.candidates.capacity + STANDING_WEIGHT * standing
        return Belief(mean, np.full(len(mean), CAPACITY_WEIGHT))

    def _loss(self, target: Belief, kept: Float[np.ndarray, " architectures"]) -> Float[np.ndarray, " architectures"]:
        """What is to be low: the others; where the target is unknown, the chance to miss the floor counts beside."""
        if self.known:
            return target.mean
        spread = float(target.mean[self._full.rows].std()) or 1.0
        return np.asarray(target.mean / spread + self.settings.doubt_weight * (1 - kept))

    def _floor(self, beliefs: tuple[TaskBelief, ...], ledger: Ledger) -> Belief:
        """Where the floor lies among the values of a ledger; the reference is one of full trainings only."""
        source, floor = beliefs[0], self.asked.floor
        if floor.kind == "percentile":
            own = [row for row in ledger.rows.tolist() if ledger is self._short or row not in self.given]
            return percentile_floor(source, self.candidates, len(own), floor.value, self.settings)
        if self.reference is not None and ledger is self._full:
            mean, std = self.reference
        else:
            best = int(np.argmax(source.belief.mean))
            mean, std = float(source.belief.mean[best]), float(source.belief.std[best])
        return Belief(np.array([mean - floor.value]), np.array([std]))

    def _worthiest(self, ledger: Ledger, beliefs: tuple[TaskBelief, ...], count: int, *, repeats: bool) -> list[int]:
        """Rows that are worth most, each as often as it is to be trained."""
        source = beliefs[0].belief
        target, noise = self._against(beliefs)
        floor = self._floor(beliefs, ledger) if self._locks else None
        known = target.mean[ledger.rows]
        sure = np.ones_like(known) > 0
        if floor is not None:
            kept = self._kept(source, floor) if ledger is self._full else keeping(source, floor)
            sure = kept[ledger.rows] >= self.settings.sure
        worth, times = worth_of_measuring(
            source,
            target,
            Noise(beliefs[0].noise, noise),
            floor=floor,
            sure=self.settings.sure,
            best=float(known[sure].min()) if sure.any() else None,
            repeats=self.settings.repeats if repeats else (1,),
        )
        if not (repeats and ledger.noise.any()):  # without noise a second training shows nothing
            worth[list(ledger.asked)] = -np.inf
        worth[[row for row in ledger.asked if row not in ledger.counts]] = -np.inf  # what failed is not tried again
        if ledger is self._full and isinstance(self.asked.against, Foretold):
            listed = np.isin(np.arange(len(worth)), self.asked.against.first)
            worth[~listed] = -np.inf
        found: list[int] = []
        for row in np.argsort(-worth, kind="stable").tolist():
            if len(found) >= count or worth[row] == -np.inf:
                break
            found += [row] * min(int(times[row]), count - len(found))
        return found

    def _sampled_promising(self, count: int, already: list[int], source: Belief) -> list[int]:
        if count == 0:
            return []
        believed = source.mean.copy()
        believed[[*self._full.asked, *already]] = -np.inf
        pool = np.argsort(-believed, kind="stable")[: max(count, round(self.settings.promising * len(believed)))]
        pool = pool[np.isfinite(believed[pool])]
        return [int(row) for row in self._rng.choice(pool, min(count, len(pool)), replace=False)]


def _ask(kind: Kind, rows: list[int], ledger: Ledger) -> Ask:
    """The next trainings of these rows, each as often as it is named."""
    numbers, counts = [], dict(ledger.asked)
    for row in rows:
        numbers.append(counts.get(row, 0))
        counts[row] = counts.get(row, 0) + 1
    return Ask(kind, np.array(rows, dtype=int), np.array(numbers, dtype=int))
