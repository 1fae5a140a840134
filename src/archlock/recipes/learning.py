"""From a budget of evidence to a preference over the whole space: what to measure, and what to learn from it.

Adaptation evidence is bought in rounds, each one choosing by what the ones before it taught. Zero-cost evidence needs
no training: proxies of untrained networks on the source and the known targets, and task embeddings for the published
ranker.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.adaptation import SOURCE
from archlock.embeddings import task2vec
from archlock.errors import SearchError
from archlock.evidence import EvidenceStore, Key, Measurement
from archlock.execution import run_jobs
from archlock.models import build, open_probe
from archlock.preferences import PREFERENCES, Column, EvidenceTable, Preference, ScoreModel
from archlock.progress import Progress
from archlock.proxies import PUBLISHED_SEVEN, measure_all
from archlock.recipes.gathering import Subjects, gather
from archlock.search import SourceFloor, next_candidates
from archlock.seeding import derive_seed, rng_for
from archlock.spaces import SPACES, Architecture, Space
from archlock.tasks import Task, conform
from archlock.training import Batch, batches

PROXY_WIDTH, PROXY_DEPTH, PROXY_BATCH, PROXY_SIDE = 8, 5, 16, 16
"""Setting at which proxies keep the ranks of the full setting at a thirtieth of its cost (depth must not shrink)."""


@dataclass(frozen=True, slots=True)
class Means:
    """What measuring needs besides what is measured."""

    store: EvidenceStore
    progress: Progress
    workers: int
    seed: int


def some_architectures(space: Space, count: int, *, seed: int) -> tuple[Architecture, ...]:
    """``count`` connected architectures at random, one of an isomorphism class; fewer if the space has no more."""
    rng = rng_for(seed, "first candidates")
    found: dict[Architecture, None] = {}
    for _ in range(50 * count):
        architecture = space.canonicalise(space.sample(rng))
        if space.is_connected(architecture):
            found[architecture] = None
        if len(found) == count:
            break
    return tuple(found)


def learn_by_adaptation(
    space: Space, subjects: Subjects, floor: SourceFloor, *, candidates: int, rounds: int, means: Means
) -> ScoreModel:
    """Measure ``candidates`` architectures in rounds and fit the score model to all of it."""
    sizes = [math.ceil(candidates / rounds)] * (rounds - 1)
    sizes.append(candidates - sum(sizes))
    chosen = some_architectures(space, sizes[0], seed=means.seed)
    for index, size in enumerate(sizes):
        if index:
            chosen += _next_round(space, subjects, model, floor, chosen, size, derive_seed(means.seed, "round", index))
        known = gather(
            chosen,
            subjects,
            seeds=(means.seed,),
            stage=f"short trainings, round {index + 1} of {rounds}" if rounds > 1 else "short trainings",
            store=means.store,
            progress=means.progress,
            workers=means.workers,
        )
        model = ScoreModel.fit(adaptation_table(chosen, subjects, known, seed=means.seed), space, seed=means.seed)
    return model


def adaptation_table(
    architectures: Sequence[Architecture], subjects: Subjects, known: Mapping[Key, Measurement], *, seed: int
) -> EvidenceTable:
    """What was measured, as a table; an architecture whose source training failed is left out."""
    names = {task.fingerprint: name for name, task in subjects.targets.items()}
    columns = tuple(Column(names.get(task.fingerprint, SOURCE), measure) for task, measure in subjects.wanted())
    rows = [[known[key].value for key in subjects.keys(architecture, seed)] for architecture in architectures]
    values = np.array(rows, dtype=float).reshape(len(architectures), len(columns))
    kept = np.isfinite(values[:, 0])
    if kept.sum() < 5:
        raise SearchError(
            f"only {kept.sum()} of {len(kept)} short trainings on the source succeeded; expected at least 5. Look at the "
            "data, or give a larger budget"
        )
    return EvidenceTable(tuple(a for a, k in zip(architectures, kept, strict=True) if k), columns, values[kept])


def _next_round(
    space: Space,
    subjects: Subjects,
    model: ScoreModel,
    floor: SourceFloor,
    already: Sequence[Architecture],
    count: int,
    seed: int,
) -> tuple[Architecture, ...]:
    """The candidates of the next round, by the acquisition rule on what the model believes of the whole space."""
    pool = representatives(space)
    return next_candidates(model, pool, floor, count, already, rng_for(seed))


def representatives(space: Space) -> tuple[Architecture, ...]:
    """One connected architecture of every isomorphism class, in ascending order of code."""
    found = {space.canonicalise(a): None for a in space.enumerate() if space.is_connected(a)}
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True, eq=False)
class _ProxyWork:
    batches: dict[str, tuple[Batch, ...]]
    tasks: dict[str, Task]
    seed: int


def learn_by_proxies(
    space: Space, source: Task, targets: Mapping[str, Task], preference: str, *, candidates: int, means: Means
) -> Preference:
    """Measure the published seven proxies of ``candidates`` untrained networks on every task, and learn from them."""
    tasks = {name: _small(task) for name, task in {SOURCE: source, **targets}.items()}
    chosen = some_architectures(space, candidates, seed=means.seed)
    known = means.store.read(fidelity=_PROXY_FIDELITY)
    left = [a for a in chosen if not all(key in known for key in _proxy_keys(a, tasks, means.seed))]
    means.progress.begin("zero-cost proxies", len(chosen), len(chosen) - len(left))
    work = _ProxyWork(
        {n: tuple(batches(t.train, PROXY_BATCH, seed=means.seed))[:2] for n, t in tasks.items()}, tasks, means.seed
    )
    for _, found in run_jobs(_measure_proxies, work, left, workers=means.workers):
        means.store.write(found)
        known.update({measurement.key: measurement for measurement in found})
        means.progress.advance()
    columns = tuple(Column(name, proxy) for name in tasks for proxy in PUBLISHED_SEVEN)
    values = np.array([[known[key].value for key in _proxy_keys(a, tasks, means.seed)] for a in chosen])
    embeddings = None
    if preference == "binary_ranker":
        probe = open_probe("embedded")
        means.progress.begin("task embeddings", len(tasks))
        embeddings = {}
        for name, task in tasks.items():
            embeddings[name] = task2vec(task, probe, examples=500, seed=means.seed).vector
            means.progress.advance()
    return PREFERENCES[preference](
        EvidenceTable(chosen, columns, values), space, embeddings=embeddings, seed=means.seed
    )


_PROXY_FIDELITY = f"proxies-c{PROXY_WIDTH}-n{PROXY_DEPTH}-b{PROXY_BATCH}-s{PROXY_SIDE}"


def _small(task: Task) -> Task:
    channels, height, width = task.shape
    return conform(task, (channels, min(height, PROXY_SIDE), min(width, PROXY_SIDE)))


def _proxy_keys(architecture: Architecture, tasks: Mapping[str, Task], seed: int) -> list[Key]:
    return [
        Key(str(architecture), task.fingerprint, f"proxy.{proxy}", "train", _PROXY_FIDELITY, seed)
        for task in tasks.values()
        for proxy in PUBLISHED_SEVEN
    ]


def _measure_proxies(work: _ProxyWork, architecture: Architecture) -> tuple[Measurement, ...]:
    values = []
    for name, task in work.tasks.items():
        seed = derive_seed(work.seed, "proxies", str(architecture))
        model = build(architecture, task.signature, width=PROXY_WIDTH, depth=PROXY_DEPTH, seed=seed)
        found = measure_all(model, work.batches[name], PUBLISHED_SEVEN, seed=seed)
        values += [found[proxy] for proxy in PUBLISHED_SEVEN]
    keys = _proxy_keys(architecture, work.tasks, work.seed)
    return tuple(
        Measurement(key, value.value, "proxy", value.seconds, value.status, value.note)
        for key, value in zip(keys, values, strict=True)
    )
