"""The rival beside the lock: NSGA-II on the same evidence, with as many trainings, for those who would use that.

Generations of short trainings spread along the trade-off of the source (up) and what attackers gain on the known
targets (down); of what no other one beats in both, those that are best on the source are trained at full size, and the
lowest for the attackers that keeps the source floor is trained with every seed, until what is chosen has been: then it
is released. Like the lock it may also choose what the source-only search trained. The first generation is sampled like
the engine's: where recorded trainings are asked, from what they call better. The engine goes on believing them; NSGA-II
does not.
Nothing here can reach a sealed target: no argument carries one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.evidence import Measurement
from archlock.recipes.engine.promise import better_by
from archlock.recipes.engine.settings import DEFAULTS
from archlock.recipes.lock.decide import Decision
from archlock.recipes.lock.finalists import Finalist
from archlock.recipes.lock.gathering import EvidenceTasks, gather
from archlock.recipes.lock.live_market import full_tasks, values_of
from archlock.recipes.lock.run import Run, evidence_tasks
from archlock.search import Judgement, Nsga2, Strategy
from archlock.seeding import derive_seed, rng_for
from archlock.spaces import SPACES, Architecture

FEWEST: Final = 8
"""Architectures of a generation, at least; else a quarter of the short trainings."""
PATIENCE: Final = 100
"""Generations without anything new, after which there is nothing new to breed."""
Scores = dict[Architecture, Float[np.ndarray, " tasks"]]
"""Source score and what attackers gain on every known target; NaN where a training failed."""
BySeed = dict[Architecture, list[Float[np.ndarray, " tasks"]]]
"""The same of every training of an architecture that succeeded."""


@dataclass(frozen=True, slots=True, eq=False)
class Rival:
    """What NSGA-II chose, and what it took."""

    finalist: Finalist | None
    """None where nothing that may be released could be trained."""
    keeps_floor: bool
    """Whether its trainings keep the floor in the mean (:meth:`Decision.keeps`)."""
    tried: tuple[Architecture, ...]
    trainings: tuple[Measurement, ...]
    """Everything that was measured for it."""


def find_rival(run: Run, decision: Decision) -> Rival:
    """Search with the plan of the run, among the same candidates, and train the finalists."""
    short = evidence_tasks(run.source, run.targets, run.allocation, run.config)
    asked = _Bought(run, short, "short trainings (NSGA-II)")
    allowed = frozenset(decision.candidates.architectures).__contains__
    shown = bred(_strategy(run, decision), asked.scores, run.allocation.candidates, allowed)
    finalists = on_the_front(shown)
    gate = run.bounds.gate if run.bounds is not None else None
    passing = (one for one in finalists if gate is None or gate.passes(one))
    own = islice((one for one in passing if one not in decision.shared), run.allocation.finalists)
    chosen = [*decision.shared, *own]
    trained = _Bought(run, full_tasks(run, run.targets), "finalists, trained at full size (NSGA-II)")
    first = trained.scores(chosen)
    further = range(run.config.seed + 1, run.config.seed + run.config.attack_seeds)
    by_seed = {one: [values] for one, values in first.items() if np.isfinite(values).all()}
    best, keeps = confirmed(
        by_seed,
        lambda one: [trained.scores([one], seed)[one] for seed in further],
        partial(decision.keeps, run.config.floor),
    )
    tried, trainings = tuple(dict.fromkeys((*shown, *chosen))), (*asked.measured, *trained.measured)
    if best is None:
        return Rival(None, False, tried, trainings)
    gains = dict(zip(run.targets, np.mean(by_seed[best], axis=0)[1:].tolist(), strict=True))
    scores = tuple(float(values[0]) for values in by_seed[best])
    return Rival(Finalist(best, scores, gains), keeps, tried, trainings)


def bred(
    strategy: Strategy,
    scores: Callable[[Sequence[Architecture]], Scores],
    count: int,
    allowed: Callable[[Architecture], bool],
) -> Scores:
    """Scores of up to ``count`` architectures that the strategy asks for and that are ``allowed``, each once."""
    found: Scores = {}
    scale = np.ones(0)
    simplify, idle = strategy.space.simplify, 0
    while len(found) < count and idle < PATIENCE and (asked := strategy.ask()):
        functions = {one: simplify(one) for one in asked}
        wanted = dict.fromkeys(one for one in functions.values() if one not in found and allowed(one))
        fresh = list(wanted)[: count - len(found)]
        if fresh:
            found |= scores(fresh)
        if found and not len(scale):
            scale = spreads(found)  # (of the first generation, so that all are judged alike)
        idle = 0 if fresh else idle + 1
        known = [one for one in asked if functions[one] in found]
        strategy.tell(known, judgement_of([found[functions[one]] for one in known], scale))
    return found


def spreads(scores: Scores) -> Float[np.ndarray, " targets"]:
    """By what the gains on every target are divided, as in the engine: their deviation; 1 where there is none."""
    gains = np.array([values[1:] for values in scores.values() if np.isfinite(values).all()])
    found = gains.std(axis=0) if len(gains) else np.zeros(len(next(iter(scores.values()))) - 1)
    return np.where(found > 0, found, 1.0)


def judgement_of(values: Sequence[Float[np.ndarray, " tasks"]], scale: Float[np.ndarray, " targets"]) -> Judgement:
    """The two objectives: little for the attackers in the mean, much on the source; what failed is worst in both."""
    source = np.array([one[0] for one in values])
    gained = np.array([(one[1:] / scale).mean() for one in values])
    known = np.isfinite(source + gained)
    if not known.any():
        return Judgement(np.zeros(len(values)), np.ones(len(values)))
    return Judgement(
        np.where(known, -gained, -gained[known].max() - 1.0), np.where(known, 1.0 - source, 2.0 - source[known].min())
    )


def on_the_front(scores: Scores) -> list[Architecture]:
    """What no other one beats in both objectives, then what is left in the same way; in each the best on the source
    first."""
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    trained = [one for one, values in scores.items() if np.isfinite(values).all()]
    if not trained:
        return []
    scale = spreads(scores)
    losses = np.array([(-scores[one][0], (scores[one][1:] / scale).mean()) for one in trained])
    fronts = NonDominatedSorting().do(losses)
    return [
        trained[row] for front in fronts for row in sorted(front, key=lambda row: (losses[row, 0], trained[row].code))
    ]


def confirmed(
    by_seed: BySeed,
    further: Callable[[Architecture], Sequence[Float[np.ndarray, " tasks"]]],
    keeps: Callable[[Architecture, float], bool],
) -> tuple[Architecture | None, bool]:
    """The lowest above the floor in the mean of its trainings, once it has the ``further`` ones, and whether it keeps
    it; None where nothing could be trained. What was trained is added to ``by_seed``; what failed counts for nothing.
    """
    sure: set[Architecture] = set()
    while by_seed:
        best, above = lowest_above({one: np.mean(values, axis=0) for one, values in by_seed.items()}, keeps)
        if best in sure:
            return best, above
        by_seed[best] += [values for values in further(best) if np.isfinite(values).all()]
        sure.add(best)
    return None, False


def lowest_above(scores: Scores, keeps: Callable[[Architecture, float], bool]) -> tuple[Architecture, bool]:
    """The lowest for the attackers among those that keep the floor with their source score, and True; else the best on
    the source, and False."""
    scale = spreads(scores)
    keeping = [one for one, values in scores.items() if keeps(one, float(values[0]))]
    if keeping:
        return min(keeping, key=lambda one: (float((scores[one][1:] / scale).mean()), one.code)), True
    return max(scores, key=lambda one: (float(scores[one][0]), one.code)), False


@dataclass(slots=True, eq=False)
class _Bought:
    """Trainings, and what was measured."""

    run: Run
    tasks: EvidenceTasks
    stage: str
    measured: tuple[Measurement, ...] = ()

    def scores(self, architectures: Sequence[Architecture], seed: int | None = None) -> Scores:
        """Bought, or found in the store; with the first seed of the run, or another."""
        seed = self.run.config.seed if seed is None else seed
        jobs = [(one, seed) for one in architectures]
        known = gather(jobs, self.tasks, stage=self.stage, resources=self.run.resources)
        self.measured += tuple(known[key] for one in architectures for key in self.tasks.keys(one, seed))
        return {one: values_of(one, self.tasks, known, seed) for one in architectures}


def _strategy(run: Run, decision: Decision) -> Nsga2:
    seed, candidates = derive_seed(run.config.seed, "rival"), decision.candidates
    count = min(max(FEWEST, run.allocation.candidates // 4), len(candidates.architectures))
    shares = candidates.shares
    if decision.lesson is not None:
        shares = better_by(decision.lesson.scores, shares, DEFAULTS.taught, least=count)
    shares = shares / shares.sum()
    rows = rng_for(seed, "first generation").choice(len(shares), count, replace=False, p=shares)
    first = [candidates.architectures[row] for row in rows.tolist()]
    return Nsga2(SPACES[run.config.space], population=count, first=first, seed=seed)
