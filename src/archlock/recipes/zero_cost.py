"""Learn what architectures are worth without any training: proxies of untrained networks, as the published method does.

The seven published proxies are measured on the source and on the known targets; a preference of the catalog turns them
into scores: the raw vote, the published binary ranker on task embeddings, or the score model. METHOD: this evidence
hardly differs between tasks, so it locks little; it is here because the published method rests on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from archlock.embeddings import task2vec
from archlock.evidence import Key, Measurement
from archlock.execution import executor_for
from archlock.models import build, open_probe
from archlock.preferences import PREFERENCES, Column, EvidenceTable, Preference
from archlock.proxies import PUBLISHED_SEVEN, measure_all
from archlock.recipes.gathering import Means
from archlock.recipes.judging import SOURCE_TASK
from archlock.recipes.learning import some_architectures
from archlock.seeding import derive_seed
from archlock.spaces import Architecture, Space
from archlock.tasks import Task, conform
from archlock.training import Batch, batches

WIDTH, DEPTH, BATCH, SIDE = 8, 5, 16, 16
"""Keeps the ranks of the full setting at a thirtieth of its cost: width and size may shrink, depth may not."""
FIDELITY = f"proxies-c{WIDTH}-n{DEPTH}-b{BATCH}-s{SIDE}"
EMBEDDED_EXAMPLES = 500


@dataclass(frozen=True, slots=True, eq=False)
class ProxyWork:
    """What a worker needs to measure the proxies of an architecture on every task."""

    tasks: dict[str, Task]
    batches: dict[str, tuple[Batch, ...]]
    seed: int

    @classmethod
    def on(cls, source: Task, targets: Mapping[str, Task], *, seed: int) -> "ProxyWork":
        """The tasks at proxy size, and two mini-batches of each."""
        tasks = {name: _small(task) for name, task in {SOURCE_TASK: source, **targets}.items()}
        drawn = {name: tuple(batches(task.train, BATCH, seed=seed))[:2] for name, task in tasks.items()}
        return cls(tasks, drawn, seed)

    def keys(self, architecture: Architecture) -> list[Key]:
        """Where the values are in the store: tasks in order, the seven proxies of each."""
        return [
            Key(str(architecture), task.fingerprint, f"proxy.{proxy}", "train", FIDELITY, self.seed)
            for task in self.tasks.values()
            for proxy in PUBLISHED_SEVEN
        ]


def learn_by_proxies(
    space: Space, source: Task, targets: Mapping[str, Task], preference: str, *, candidates: int, means: Means
) -> Preference:
    """Measure the proxies of ``candidates`` untrained networks on every task, and learn from them."""
    chosen = some_architectures(space, candidates, seed=means.seed)
    work = ProxyWork.on(source, targets, seed=means.seed)
    known = means.store.read(fidelity=FIDELITY)
    left = [a for a in chosen if not all(key in known for key in work.keys(a))]
    means.progress.begin("zero-cost proxies", len(chosen), len(chosen) - len(left))
    for _, found in executor_for(means.workers).run(measure_proxies, work, left):
        means.store.write(found)
        known.update({measurement.key: measurement for measurement in found})
        means.progress.advance()
    columns = tuple(Column(name, proxy) for name in work.tasks for proxy in PUBLISHED_SEVEN)
    values = np.array([[known[key].value for key in work.keys(a)] for a in chosen])
    embeddings = _embeddings(work.tasks, means) if preference == "binary_ranker" else None
    table = EvidenceTable(chosen, columns, values)
    return PREFERENCES[preference](table, space, embeddings=embeddings, seed=means.seed)


def measure_proxies(work: ProxyWork, architecture: Architecture) -> tuple[Measurement, ...]:
    """The seven proxies of one architecture on every task; one that fails is a measurement that says so."""
    values = []
    for name, task in work.tasks.items():
        seed = derive_seed(work.seed, "proxies", str(architecture))
        model = build(architecture, task.signature, width=WIDTH, depth=DEPTH, seed=seed)
        found = measure_all(model, work.batches[name], PUBLISHED_SEVEN, seed=seed)
        values += [found[proxy] for proxy in PUBLISHED_SEVEN]
    return tuple(
        Measurement(key, value.value, "proxy", value.seconds, value.status, value.note)
        for key, value in zip(work.keys(architecture), values, strict=True)
    )


def _small(task: Task) -> Task:
    channels, height, width = task.shape
    return conform(task, (channels, min(height, SIDE), min(width, SIDE)))


def _embeddings(tasks: Mapping[str, Task], means: Means) -> dict[str, np.ndarray]:
    probe = open_probe("embedded")
    means.progress.begin("task embeddings", len(tasks))
    found = {}
    for name, task in tasks.items():
        found[name] = task2vec(task, probe, examples=EMBEDDED_EXAMPLES, seed=means.seed).vector
        means.progress.advance(1, name)
    return found
