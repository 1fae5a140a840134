"""Short trainings of many architectures as evidence: some at a time, each with its own seed, into a store on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archlock.evidence import EvidenceStore, Measurement
from archlock.execution import Executor
from archlock.progress import Progress
from archlock.recipes.checking import check_whole
from archlock.recipes.settling import settle
from archlock.short_training import SHORT, ShortTrainingSettings, measure_short_trainings
from archlock.spaces import Architecture
from archlock.tasks import Task, conform, reduced_size, subsample
from archlock.training import Plan, default_stack


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How long, on what size, and how often every architecture is trained (see docs/fidelity.md for what that says)."""

    epochs: int = 4
    width: int = 16
    """Channels after the stem."""
    depth: int = 1
    """Cells in a row at one size."""
    side: int = 32
    """Height and width of the images; smaller ones stay as they are."""
    examples: int = 2000
    """Training images at most; the same ones for everybody."""
    seeds: int = 1
    """Trainings of every architecture."""

    def __post_init__(self) -> None:
        check_whole(1, epochs=self.epochs, width=self.width, depth=self.depth, side=self.side, seeds=self.seeds)
        check_whole(2, examples=self.examples)

    @property
    def settings(self) -> ShortTrainingSettings:
        """The size of the network and the plan."""
        return ShortTrainingSettings(self.width, self.depth, Plan(self.epochs))


Pair = tuple[Architecture, int]
"""What is trained once: an architecture and a seed."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingWork:
    """All that a worker needs to train any group of pairs."""

    tasks: dict[str, Task]
    settings: ShortTrainingSettings
    device: str

    @property
    def fidelity(self) -> str:
        """Name of the settings in the evidence store."""
        return self.settings.fidelity(device=self.device)

    @classmethod
    def on(cls, tasks: Mapping[str, Task], config: TrainingConfig, *, device: str) -> "TrainingWork":
        """The tasks, by name, in the size of the configuration."""

        def small(task: Task) -> Task:
            fitted = conform(task, reduced_size(task.form, task.shape, config.side))
            return subsample(fitted, min(config.examples, len(fitted.train)), seed=0)

        return cls({name: small(task) for name, task in tasks.items()}, config.settings, device)


def gather_short_trainings(
    functions: Sequence[Architecture],
    work: TrainingWork,
    seeds: Sequence[int],
    *,
    store: EvidenceStore,
    executor: Executor,
    progress: Progress,
) -> None:
    """Train every architecture with every seed on every task, where the store lacks its accuracy."""
    for name, task in work.tasks.items():
        left: list[Pair] = []
        for seed in seeds:
            known = store.covered(tasks={task.fingerprint}, measures={SHORT}, fidelity=work.fidelity, seed=seed)
            left += [(one, seed) for one in functions if str(one) not in known]
        total = len(functions) * len(seeds)
        progress.begin(f"short trainings, {name}", total, total - len(left))
        groups = grouped(left, default_stack(task, work.device))
        for index, found in executor.run(train_group, work, ((name, group) for group in groups)):
            settle(store, found, progress)
            progress.advance(len(groups[index]))


def grouped(pairs: Sequence[Pair], size: int) -> list[Sequence[Pair]]:
    """Pairs in groups that are trained as one program."""
    return [pairs[first : first + size] for first in range(0, len(pairs), size)]


def train_group(work: TrainingWork, job: tuple[str, Sequence[Pair]]) -> tuple[Measurement, ...]:
    """Accuracy and learning curve of every pair of a group; one that diverges says so."""
    name, pairs = job
    return measure_short_trainings(pairs, work.tasks[name], work.settings, device=work.device)
