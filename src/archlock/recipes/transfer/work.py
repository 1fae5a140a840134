"""What recording transfer consists of: which architectures, which jobs, and where in the store their values are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archlock.adaptation import (
    FINE_TUNE,
    PROBE,
    SCRATCH,
    SOURCE,
    AdaptationSettings,
    Judge,
    adaptation_key,
    measure_adaptation,
    measure_from_scratch,
)
from archlock.evidence import EvidenceStore, Key, Measurement
from archlock.recipes.naming import by_name
from archlock.recipes.transfer.config import TransferConfig
from archlock.recipes.transfer.design import balanced, spread_out
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Task, conform, subsample

SPLITS: Final[tuple[Judge, ...]] = ("validation", "test")


Job = tuple[Architecture, int, str | None]
"""An architecture, a seed, and the source to train on; None: all trainings from scratch on targets."""


@dataclass(frozen=True, slots=True, eq=False)
class TransferWork:
    """All that a worker needs, and where every value is."""

    sources: dict[str, Task]
    targets: dict[str, Task]
    settings: AdaptationSettings
    folder: Path | None
    """Where the weights of source trainings are kept, by source; None: they are not."""
    device: str

    @classmethod
    def on(
        cls,
        sources: Sequence[Task],
        targets: Sequence[Task],
        config: TransferConfig,
        *,
        folder: Path | None = None,
        device: str,
    ) -> "TransferWork":
        """The tasks in the size of the configuration; a task may be both source and target."""

        def small(tasks: Sequence[Task], examples: int) -> dict[str, Task]:
            named = by_name([conform(task, (3, config.side, config.side)) for task in tasks], "transfer")
            return {name: subsample(task, min(examples, len(task.train)), seed=0) for name, task in named.items()}

        return cls(
            small(sources, config.source_examples),
            small(targets, config.target_examples),
            config.settings,
            folder,
            device,
        )

    def others(self, source: str) -> dict[str, Task]:
        """The targets of a source: all but itself."""
        return {name: task for name, task in self.targets.items() if name != source}

    def fidelity(self, source: Task | None) -> str:
        """Name of the settings in the store, of weights from that source."""
        return self.settings.fidelity(source, device=self.device)

    def key(
        self, architecture: Architecture, measure: str, task: str, source: str | None, split: Judge, seed: int
    ) -> Key:
        """Where a value is in the store."""
        learned = self.sources[task] if measure == SOURCE else self.targets[task]
        start = None if source is None else self.sources[source]
        return adaptation_key(
            architecture, learned, measure, self.settings, source=start, split=split, seed=seed, device=self.device
        )

    def measured(self, store: EvidenceStore, source: str | None, seed: int) -> set[str]:
        """The architectures, as texts, of which the store has all that a job with this source and seed measures."""
        start = None if source is None else self.sources[source]
        adapted_to = self.targets if source is None else self.others(source)
        measures = {SCRATCH} if source is None else {PROBE, FINE_TUNE}
        tasks = {task.fingerprint for task in adapted_to.values()}
        return store.covered(tasks=tasks, measures=measures, fidelity=self.fidelity(start), seed=seed)


def measure_job(work: TransferWork, job: Job) -> tuple[Measurement, ...]:
    """All measurements of one job, on validation and test splits."""
    architecture, seed, source = job
    if source is not None:
        return measure_adaptation(
            architecture,
            work.sources[source],
            work.others(source),
            work.settings,
            splits=SPLITS,
            folder=None if work.folder is None else work.folder / source,
            seed=seed,
            device=work.device,
        )
    return tuple(
        measurement
        for task in work.targets.values()
        for measurement in measure_from_scratch(
            architecture, task, work.settings, splits=SPLITS, seed=seed, device=work.device
        )
    )


def wanted(config: TransferConfig) -> tuple[Architecture, ...]:
    """The architectures of a configuration, each the simplest of its function."""
    space = SPACES[config.space]
    if not config.codes and config.design == "balanced":
        return balanced(space, config.architectures, costs=config.costs, near=config.near, seed=config.seed)
    if not config.codes:
        return spread_out(space, config.architectures, seed=config.seed)
    return tuple(dict.fromkeys(space.simplify(space.architecture(code)) for code in config.codes))


def transfer_values(
    architectures: Sequence[Architecture], work: TransferWork, store: EvidenceStore, *, seeds: Sequence[int]
) -> Iterator[tuple[tuple[str, str, str | None, Judge], Mapping[tuple[Architecture, int], Measurement]]]:
    """By measure, task, source and split: what is there, by architecture and seed."""
    places: list[tuple[str, str, str | None]] = [(SOURCE, name, name) for name in work.sources]
    places += [(SCRATCH, name, None) for name in work.targets]
    places += [(m, name, source) for source in work.sources for name in work.others(source) for m in (FINE_TUNE, PROBE)]
    known = {m: store.read(measure=m) for m in (SOURCE, SCRATCH, PROBE, FINE_TUNE)}
    for measure, task, source in places:
        for split in SPLITS:
            found = {}
            for one in architectures:
                for seed in seeds:
                    key = work.key(one, measure, task, source, split, seed)
                    if key in known[measure]:
                        found[one, seed] = known[measure][key]
            yield (measure, task, source, split), found
