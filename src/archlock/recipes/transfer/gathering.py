"""Do what a store lacks of a table of transfer, job by job, as long as there is time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from archlock.evidence import EvidenceStore, Measurement
from archlock.execution import Executor
from archlock.progress import Progress
from archlock.recipes.settling import settle
from archlock.recipes.transfer.outcomes import AttackWork, attack_job
from archlock.recipes.transfer.source_models import SourceJob, is_trained, train_source
from archlock.recipes.transfer.work import Job, TransferWork, measure_job
from archlock.spaces import Architecture

S = TypeVar("S")
J = TypeVar("J")


@dataclass(frozen=True, slots=True, eq=False)
class Gatherer:
    """Does what the store lacks, as long as there is time; every value is written as it comes."""

    store: EvidenceStore
    executor: Executor
    progress: Progress
    end: float
    """When nothing new is begun any more, on the monotonic clock."""

    def adaptations(self, work: TransferWork, architectures: Sequence[Architecture], seeds: range) -> None:
        """One training on every source with a probe and a fine-tuning on every target, and trainings from scratch."""
        jobs: list[Job] = [
            (one, seed, source) for seed in seeds for one in architectures for source in (*work.sources, None)
        ]
        places = [(seed, source) for seed in seeds for source in (*work.sources, None)]
        known = {(seed, source): work.measured(self.store, source, seed) for seed, source in places}
        left = [(one, seed, source) for one, seed, source in jobs if str(one) not in known[seed, source]]
        self._run(
            "transfer", len(jobs), left, measure_job, work, lambda job: f"{job[0].code} {job[2] or 'from scratch'}"
        )

    def source_models(self, work: TransferWork, architectures: Sequence[Architecture], seed: int) -> None:
        """The models that attackers start from."""
        jobs: list[SourceJob] = [(one, seed, source) for one in architectures for source in work.sources]
        left = [job for job in jobs if not is_trained(work, job, self.store)]
        self._run(
            f"source models, seed {seed}", len(jobs), left, train_source, work, lambda job: f"{job[0].code} {job[2]}"
        )

    def attacks(self, work: AttackWork, architectures: Sequence[Architecture], seed: int) -> None:
        """On the models that are trained: where time was up before, those of the others come later."""
        ready = [
            one
            for one in architectures
            if all(is_trained(work.transfer, (one, seed, source), self.store) for source in work.transfer.sources)
        ]
        left = work.missing(ready, seed, self.store)
        total = len(list(work.jobs(architectures, seed)))
        done = total - len(work.missing(architectures, seed, self.store))
        self._run(
            f"attacks, seed {seed}",
            total,
            left,
            attack_job,
            work,
            lambda job: f"{job.architecture.code if job.architecture else ''} {job.attacker} on {job.target}",
            done=done,
        )

    def _run(
        self,
        stage: str,
        total: int,
        left: Sequence[J],
        do: Callable[[S, J], tuple[Measurement, ...]],
        work: S,
        words: Callable[[J], str],
        *,
        done: int | None = None,
    ) -> None:
        self.progress.begin(stage, total, total - len(left) if done is None else done)
        timely = takewhile(lambda _: time.monotonic() < self.end, left)
        for index, found in self.executor.run(do, work, timely):
            settle(self.store, found, self.progress)
            self.progress.advance(1, words(left[index]))
