"""Buy adaptation evidence: many architectures, each trained shortly on the source and adapted to every known target.

What the store already has is not bought again, so a killed run goes on where it was, and runs can share a store.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from archlock.adaptation import (
    FINE_TUNE,
    PROBE,
    SOURCE,
    AdaptationSettings,
    adaptation_key,
    measure_adaptation,
    weights_file,
)
from archlock.evidence import EvidenceStore, Key, Measurement
from archlock.execution import executor_for
from archlock.progress import Progress
from archlock.recipes.lock.rehearsing import REHEARSED, Rehearsals
from archlock.recipes.settling import settle
from archlock.reports import score_in_words
from archlock.spaces import Architecture
from archlock.tasks import Task


@dataclass(frozen=True, slots=True)
class Resources:
    """What measuring needs besides what is measured."""

    store: EvidenceStore
    progress: Progress
    workers: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceTasks:
    """What evidence is about: the source, the targets the search may know (by name), and how both are trained."""

    source: Task
    targets: Mapping[str, Task]
    settings: AdaptationSettings
    folder: Path | None = None
    """Where trained source models and their checkpoints are kept; None: they are not."""
    rehearsals: Rehearsals | None = None
    """How attacks on the targets are rehearsed; None: a probe and a fine-tuning are measured instead."""
    device: str = field(kw_only=True)
    """Where they are trained."""

    @property
    def measures(self) -> tuple[str, ...]:
        """What is measured of every target; the best of it counts."""
        return (PROBE, FINE_TUNE) if self.rehearsals is None else (REHEARSED,)

    def wanted(self) -> tuple[tuple[Task, str], ...]:
        """Every (task, measure) of an architecture."""
        return ((self.source, SOURCE), *((task, m) for task in self.targets.values() for m in self.measures))

    def keys(self, architecture: Architecture, seed: int) -> tuple[Key, ...]:
        """Where the evidence on an architecture is in the store, in the order of :meth:`wanted`."""
        return tuple(self._key(architecture, task, measure, seed) for task, measure in self.wanted())

    def _key(self, architecture: Architecture, task: Task, measure: str, seed: int) -> Key:
        if measure == REHEARSED and self.rehearsals is not None:
            return self.rehearsals.key(architecture, task, self.settings, self.source, seed=seed, device=self.device)
        return adaptation_key(
            architecture, task, measure, self.settings, source=self.source, seed=seed, device=self.device
        )

    def known(self, store: EvidenceStore) -> dict[Key, Measurement]:
        """Everything in the store that may be wanted."""
        found = store.read(fidelity=self.settings.fidelity(self.source, device=self.device))
        return found if self.rehearsals is None else found | store.read(measure=REHEARSED)

    def measure(self, architecture: Architecture, seed: int) -> tuple[Measurement, ...]:
        """All that is wanted of an architecture, in the order of :meth:`keys`."""
        rehearsals = self.rehearsals

        def then(model: nn.Module | None) -> Iterator[Measurement]:
            assert rehearsals is not None
            keys = dict(zip(self.keys(architecture, seed)[1:], self.targets.values(), strict=True))
            return rehearsals.measure(model, keys, seed=seed, device=self.device)

        return measure_adaptation(
            architecture,
            self.source,
            self.targets if rehearsals is None else {},
            self.settings,
            folder=self.folder,
            then=None if rehearsals is None else then,
            seed=seed,
            device=self.device,
        )


def gather(
    jobs: Sequence[tuple[Architecture, int]], tasks: EvidenceTasks, *, resources: Resources, stage: str
) -> dict[Key, Measurement]:
    """Evidence on every architecture with its seed: bought where it is missing, and all of it returned."""
    known = tasks.known(resources.store)
    left = [job for job in jobs if not _complete(tasks, *job, known)]
    resources.progress.begin(stage, len(jobs), len(jobs) - len(left))
    for index, found in executor_for(resources.workers).run(_measure, tasks, left):
        known.update(settle(resources.store, found, resources.progress))
        reached = score_in_words(known[found[0].key].value, tasks.source.kind)
        resources.progress.advance(1, f"{left[index][0].code}: {reached} on the source")
    return known


def _complete(tasks: EvidenceTasks, architecture: Architecture, seed: int, known: Mapping[Key, Measurement]) -> bool:
    kept = tasks.folder is None or weights_file(tasks.folder, architecture, seed).exists()
    keys = tasks.keys(architecture, seed)
    return all(key in known for key in keys) and (kept or known[keys[0]].status == "failed")


def _measure(tasks: EvidenceTasks, job: tuple[Architecture, int]) -> tuple[Measurement, ...]:
    return tasks.measure(*job)
