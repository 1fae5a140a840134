"""Learn what architectures are worth, by adaptation evidence bought in rounds: measure, fit, choose, measure again."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from archlock.adaptation import SOURCE
from archlock.errors import SearchError
from archlock.evidence import Key, Measurement
from archlock.preferences import Column, EvidenceTable, ScoreModel
from archlock.recipes.lock.gathering import Means, Subjects, gather
from archlock.recipes.lock.judging import SOURCE_TASK
from archlock.search import Belief, SourceFloor
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space


def learn_by_adaptation(
    space: Space, subjects: Subjects, floor: SourceFloor, *, candidates: int, rounds: int, means: Means
) -> ScoreModel:
    """Measure ``candidates`` architectures in ``rounds`` and fit the score model to all of it."""
    chosen = some_architectures(space, math.ceil(candidates / rounds), seed=means.seed)
    model = _measure_and_fit(space, subjects, chosen, means, f"short trainings, round 1 of {rounds}")
    for index in range(1, rounds):
        count = math.ceil((candidates - len(chosen)) / (rounds - index))
        if count < 1:
            break
        rng = rng_for(means.seed, "round", index)
        chosen += promising(space, model, tuple(subjects.targets), floor, chosen, count, rng)
        model = _measure_and_fit(space, subjects, chosen, means, f"short trainings, round {index + 1} of {rounds}")
    return model


def some_architectures(space: Space, count: int, *, seed: int) -> tuple[Architecture, ...]:
    """``count`` connected architectures at random, no two the same function; fewer if the space has no more.

    They are the cheapest of their function, and evidence is kept under their codes, so nothing is bought twice.
    """
    rng = rng_for(seed, "first candidates")
    found: dict[Architecture, None] = {}
    for _ in range(50 * count):
        architecture = space.simplify(space.sample(rng))
        if space.is_connected(architecture):
            found[architecture] = None
        if len(found) == count:
            break
    return tuple(found)


def promising(
    space: Space,
    model: ScoreModel,
    targets: Sequence[str],
    floor: SourceFloor,
    already: Sequence[Architecture],
    count: int,
    rng: np.random.Generator,
) -> tuple[Architecture, ...]:
    """What to measure next: by expected constrained improvement of the lock, a tenth at random.

    Every function of the space is considered once, as its cheapest architecture. Without targets (scheme S) the
    improvement is that of the source itself.
    """
    pool = tuple(a for a in space.enumerate() if space.simplify(a) == a and space.is_connected(a))
    known = set(already)
    measured = np.array([a in known for a in pool])
    mean, std = model.predict(pool, Column(SOURCE_TASK, SOURCE))
    if targets:
        rows = [model.tasks.index(name) for name in targets]
        score = model.scores(pool)[rows].mean(0)
        spread = np.sqrt((model.uncertainty(pool)[rows] ** 2).sum(0)) / len(rows)
    else:
        score, spread = -mean, std
    threshold = floor.threshold(mean) if targets else float(mean.min())
    from archlock.search import next_candidates  # type: ignore

    places = next_candidates(
        Belief(mean, std), Belief(score, spread), floor=threshold, count=count, already=measured, rng=rng
    )
    return tuple(pool[place] for place in places)


def adaptation_table(
    architectures: Sequence[Architecture], subjects: Subjects, known: Mapping[Key, Measurement], *, seed: int
) -> EvidenceTable:
    """What was measured, as a table; an architecture whose source training failed is left out."""
    names = {task.fingerprint: name for name, task in subjects.targets.items()}
    columns = tuple(Column(names.get(task.fingerprint, SOURCE_TASK), measure) for task, measure in subjects.wanted())
    rows = [[known[key].value for key in subjects.keys(architecture, seed)] for architecture in architectures]
    values = np.array(rows, dtype=float).reshape(len(architectures), len(columns))
    kept = np.isfinite(values[:, 0])
    if kept.sum() < 5:
        raise SearchError(
            f"only {kept.sum()} of {len(kept)} short trainings on the source succeeded; expected at least 5. Look at "
            "the data, or give a larger budget"
        )
    return EvidenceTable(tuple(a for a, k in zip(architectures, kept, strict=True) if k), columns, values[kept])


def _measure_and_fit(
    space: Space, subjects: Subjects, architectures: Sequence[Architecture], means: Means, stage: str
) -> ScoreModel:
    known = gather(
        architectures,
        subjects,
        seeds=(means.seed,),
        stage=stage,
        means=means,
    )
    return ScoreModel(adaptation_table(architectures, subjects, known, seed=means.seed), space)
