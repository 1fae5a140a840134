"""Choose among finalists: which one is the lock, and which one an ordinary search would have released.

Pure functions of what was measured on validation splits, and the one thing that measures more: a choice is confirmed by
training with every seed before it counts, because one training of the best-looking finalist flatters it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from archlock.adaptation import FINE_TUNE, PROBE, SOURCE
from archlock.errors import SearchError
from archlock.evidence import Key, Measurement
from archlock.recipes.lock.gathering import Subjects, gather
from archlock.recipes.lock.judging import Landscape
from archlock.recipes.lock.run import Run
from archlock.search import SourceFloor
from archlock.spaces import Architecture


@dataclass(frozen=True, slots=True)
class Finalist:
    """An architecture that was trained at full size on the source, judged on validation splits alone."""

    architecture: Architecture
    source_scores: tuple[float, ...]
    """Score on the source's validation split, one per training; a finalist that is confirmed has one for every seed."""
    per_target: dict[str, float]
    """What an attacker gained on each known target: the better of probe and short fine-tuning."""

    @property
    def source_validation(self) -> float:
        """Mean score on the source's validation split."""
        return float(np.mean(self.source_scores))

    @property
    def target_gain(self) -> float:
        """Mean gain over the known targets; 0 when there are none."""
        return float(np.mean(list(self.per_target.values()))) if self.per_target else 0.0


def confirmed_choice(
    run: Run, finalists: Sequence[Finalist], ordinary: Sequence[Architecture], seen: Landscape
) -> tuple[Finalist, Finalist, tuple[Finalist, ...]]:
    """(locked, source-only, all finalists): the choice that stands when both are trained with every seed.

    As long as :func:`choose` names a finalist that was trained once, that one is trained with the other seeds, and the
    choice is made anew.
    """
    current = list(finalists)
    confirmed: set[Architecture] = set()
    while True:
        locked, source_only = choose(current, ordinary, run.config.floor, seen.percentiles, seen.forecasts)
        open_ones = [f for f in dict.fromkeys(f.architecture for f in (source_only, locked)) if f not in confirmed]
        if not open_ones:
            return locked, source_only, tuple(current)
        for architecture in open_ones:
            measured = every_seed(run, architecture)
            scores = tuple(m.value for m in measured if m.status == "valid")
            current = [replace(f, source_scores=scores) if f.architecture == architecture else f for f in current]
            confirmed.add(architecture)


def every_seed(run: Run, architecture: Architecture) -> tuple[Measurement, ...]:
    """Source accuracy of the architecture trained at full size with every seed; the first one is the finalist's."""
    subjects = Subjects(run.source, {}, run.allocation.final, run.workspace.checkpoints, device=run.config.device)
    seeds = tuple(run.config.seed + index for index in range(run.config.attack_seeds))
    stage = f"{architecture.code}, trained with every seed"
    known = gather((architecture,), subjects, seeds=seeds, stage=stage, means=run.means)
    return tuple(known[subjects.keys(architecture, seed)[0]] for seed in seeds)


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
        found.append(Finalist(architecture, (source,), {name: g for name, g in gains.items() if np.isfinite(g)}))
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
    the better source accuracy, then to the source-only one: what is no better in anything is no lock. What attackers
    gain was measured on finalists that have it for every target; where none has (zero-cost evidence), the forecasts of
    target scores stand in.
    """
    complete = max(len(f.per_target) for f in finalists)

    def given_away(finalist: Finalist) -> float:
        if complete == 0:
            return forecasts[finalist.architecture]
        return finalist.target_gain if len(finalist.per_target) == complete else np.inf

    candidates = [f for f in finalists if f.architecture in ordinary] or list(finalists)
    source_only = max(candidates, key=lambda f: (f.source_validation, f.architecture.code))
    kept = [f for f in finalists if f is source_only or _keeps(f, source_only, floor, percentiles)]
    locked = min(kept, key=lambda f: (given_away(f), -f.source_validation, f is not source_only, f.architecture.code))
    return locked, source_only


def _keeps(
    finalist: Finalist, source_only: Finalist, floor: SourceFloor, percentiles: Mapping[Architecture, float]
) -> bool:
    if floor.kind == "accuracy_loss":
        return finalist.source_validation >= source_only.source_validation - floor.value
    return percentiles[finalist.architecture] >= floor.value
