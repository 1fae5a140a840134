"""The decision: which architecture is the lock, from evidence on the source and on targets the search may know.

Nothing here can reach a sealed target: no argument carries one. What comes out is a :class:`Decision`, and only the
``Choice`` in it opens the seals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.adaptation import FINE_TUNE, PROBE, SOURCE
from archlock.errors import SearchError
from archlock.evidence import Key, Measurement
from archlock.preferences import Preference
from archlock.recipes.gathering import Subjects, gather
from archlock.recipes.judging import Landscape, landscape, shortlist, trade_off_points
from archlock.recipes.learning import learn_by_adaptation
from archlock.recipes.run import Run, evidence_subjects
from archlock.recipes.workspace import CHOICE
from archlock.recipes.zero_cost import learn_by_proxies
from archlock.records import plain
from archlock.reports import TradeOffPoint
from archlock.search import SourceFloor
from archlock.spaces import SPACES, Architecture, Space
from archlock.tasks import Choice

SOURCE_ONLY_SHARE = 3
"""One finalist in so many, two at least, is there for its source score alone."""


@dataclass(frozen=True, slots=True)
class Finalist:
    """An architecture that was trained at full size on the source, judged on validation splits alone."""

    architecture: Architecture
    source_validation: float
    per_target: dict[str, float]
    """What an attacker gained on each known target: the better of probe and short fine-tuning."""

    @property
    def target_gain(self) -> float:
        """Mean gain over the known targets; 0 when there are none."""
        return float(np.mean(list(self.per_target.values()))) if self.per_target else 0.0


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


def decide(run: Run) -> Decision:
    """Buy evidence, learn, search, train the finalists, choose."""
    space = SPACES[run.config.space]
    preference = _learn(run, space)
    seen = landscape(preference, space, tuple(run.targets))
    ordinary, locks = _finalists(run, seen, space)
    architectures = tuple(dict.fromkeys((*ordinary, *locks)))
    measured = {} if run.config.evidence == "zero_cost" else run.targets
    subjects = Subjects(run.source, measured, run.allocation.final, run.workspace.checkpoints, run.config.device)
    known = gather(
        architectures,
        subjects,
        seeds=(run.config.seed,),
        stage="finalists, trained at full size",
        means=run.means,
    )
    finalists = finalists_of(architectures, subjects, known, seed=run.config.seed)
    locked, source_only = choose(finalists, ordinary, run.config.floor, seen.percentiles, seen.forecasts)
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
    )


def _learn(run: Run, space: Space) -> Preference:
    small = evidence_subjects(run.source, run.targets, run.allocation)
    if run.config.evidence == "zero_cost":
        return learn_by_proxies(
            space,
            small.source,
            small.targets,
            run.config.preference,
            candidates=run.allocation.candidates,
            means=run.means,
        )
    return learn_by_adaptation(
        space,
        small,
        run.config.floor,
        candidates=run.allocation.candidates,
        rounds=run.allocation.rounds,
        means=run.means,
    )


def _finalists(run: Run, seen: Landscape, space: Space) -> tuple[tuple[Architecture, ...], tuple[Architecture, ...]]:
    """What an ordinary search for the source alone would train, and the best locks besides."""
    count = run.allocation.finalists
    if not run.targets:
        return shortlist(run.config, seen, space, targeted=False, count=count), ()
    first = max(2, count // SOURCE_ONLY_SHARE)
    ordinary = shortlist(run.config, seen, space, targeted=False, count=first)
    locks = shortlist(run.config, seen, space, targeted=True, count=count)
    return ordinary, tuple(a for a in locks if a not in ordinary)[: count - first]


def _choice(run: Run, locked: Finalist) -> Choice:
    """The choice, with the time at which it was first made."""
    made = Choice.now(str(locked.architecture), run.source, seed=run.config.seed)
    return Choice(**run.workspace.once(CHOICE, lambda: plain(made)))


def finalists_of(
    architectures: Sequence[Architecture], subjects: Subjects, known: Mapping[Key, Measurement], *, seed: int
) -> tuple[Finalist, ...]:
    """The finalists whose training on the source succeeded."""
    found = []
    for architecture in architectures:
        values = {
            (task.fingerprint, measure): known[key].value
            for (task, measure), key in zip(subjects.wanted(), subjects.keys(architecture, seed), strict=True)
            if known[key].status == "valid"
        }
        source = values.get((subjects.source.fingerprint, SOURCE))
        if source is None:
            continue
        gains = {
            name: max(values.get((task.fingerprint, measure), -np.inf) for measure in (PROBE, FINE_TUNE))
            for name, task in subjects.targets.items()
        }
        found.append(Finalist(architecture, source, {name: g for name, g in gains.items() if np.isfinite(g)}))
    if not found:
        raise SearchError("the training on the source diverged for every finalist; look at the data or lower --width")
    return tuple(found)


def choose(
    finalists: Sequence[Finalist],
    ordinary: Sequence[Architecture],
    floor: SourceFloor,
    percentiles: Mapping[Architecture, float],
    forecasts: Mapping[Architecture, float],
) -> tuple[Finalist, Finalist]:
    """(locked, source-only): the least gain for attackers among those above the floor, and the best of ``ordinary``.

    The source-only one is chosen among what a search for the source alone would have trained (or, if none of that could
    be trained, among all finalists), so that it is not a lock by accident where many are equally good. A floor in
    accuracy is measured from it; one in percentiles reads the expected source percentile of each finalist. Ties go to
    the better source accuracy. What attackers gain was measured on finalists that have it for every target; where none
    has (zero-cost evidence), the forecasts of target scores stand in.
    """
    complete = max(len(f.per_target) for f in finalists)

    def given_away(finalist: Finalist) -> float:
        if complete == 0:
            return forecasts[finalist.architecture]
        return finalist.target_gain if len(finalist.per_target) == complete else np.inf

    candidates = [f for f in finalists if f.architecture in ordinary] or list(finalists)
    source_only = max(candidates, key=lambda f: (f.source_validation, f.architecture.code))
    kept = [f for f in finalists if f is source_only or _keeps(f, source_only, floor, percentiles)]
    locked = min(kept, key=lambda f: (given_away(f), -f.source_validation, f.architecture.code))
    return locked, source_only


def _keeps(
    finalist: Finalist, source_only: Finalist, floor: SourceFloor, percentiles: Mapping[Architecture, float]
) -> bool:
    if floor.kind == "accuracy_loss":
        return finalist.source_validation >= source_only.source_validation - floor.value
    return percentiles[finalist.architecture] >= floor.value
