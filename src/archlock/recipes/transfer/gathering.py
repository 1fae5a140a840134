"""Do what a store lacks of a table of transfer, job by job, as long as there is time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, TypeVar

from archlock.evidence import EvidenceStore, Measurement
from archlock.execution import Executor
from archlock.progress import Progress
from archlock.recipes.settling import settle
from archlock.recipes.transfer.estimates import gather_estimates
from archlock.recipes.transfer.outcomes import AttackJob, AttackWork, attack_job
from archlock.recipes.transfer.source_models import SourceJob, is_scored, is_trained, kept_at, train_source
from archlock.recipes.transfer.work import Job, TransferWork, measure_job
from archlock.spaces import Architecture

ROWS: Final = 4
"""So many architectures for each worker are trained and then attacked before the next."""

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

    def attacked_rows(
        self, work: TransferWork, attacks: AttackWork, architectures: Sequence[Architecture], seeds: range
    ) -> None:
        """The models that attackers start from, the attacks on them, and what estimates say of those of the first seed,
        a few architectures after the other."""
        few = ROWS * self.executor.workers
        for seed in seeds:
            for start in range(0, len(architectures), few):
                rows = architectures[start : start + few]
                words = f"seed {seed}, rows {start + 1} to {start + len(rows)} of {len(architectures)}"
                self._source_models(work, attacks, rows, seed, words)
                self._attacks(attacks, rows, seed, words)
                if seed == seeds.start:  # (now, while the models are here)
                    gather_estimates(
                        rows, work, seed=seed, store=self.store, executor=self.executor, progress=self.progress
                    )

    def _source_models(
        self, work: TransferWork, attacks: AttackWork, rows: Sequence[Architecture], seed: int, words: str
    ) -> None:
        """Those that are not scored yet, that somebody has still to attack, or that were exchanged; not those of which
        everything is known and only the weights are gone."""
        jobs: list[SourceJob] = [(one, seed, source) for one in rows for source in work.sources]
        wanted = {(job.architecture, job.seed, job.source) for job in attacks.missing(rows, seed, self.store)}
        left = [
            job
            for job in jobs
            if not is_trained(work, job, self.store)
            and (job in wanted or not is_scored(work, job, self.store) or kept_at(work, job).exists())
        ]
        self._run(f"source models, {words}", len(jobs), left, train_source, work, lambda job: f"{job[0].code} {job[2]}")

    def _attacks(self, work: AttackWork, rows: Sequence[Architecture], seed: int, words: str) -> None:
        """On the models that are trained: where time was up before, those of the others come later."""

        def ready(job: AttackJob) -> bool:
            if job.architecture is None or job.source is None:
                return True
            return is_trained(work.transfer, (job.architecture, seed, job.source), self.store)

        missing = work.missing(rows, seed, self.store)
        left = [job for job in missing if ready(job)]
        total = len(list(work.jobs(rows, seed)))
        done = total - len(missing)
        self._run(
            f"attacks, {words}",
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
