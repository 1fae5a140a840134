"""What the leak is worth: the network that a thief builds from what was read, trained from scratch beside the true one.

After ObfuNAS (Zhou et al., ICCAD 2022), whose measure of hiding is what the visible architecture can learn; there from
a table, here by the attacker ``from_scratch`` with its own search for settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torch import nn

from archlock.attacks import ATTACKS
from archlock.decoding import decode
from archlock.errors import ArchLockError, ConfigurationError, UnsupportedError
from archlock.execution import default_workers, executor_for
from archlock.leaks import Observation, Reading, rebuilt
from archlock.models import count_parameters
from archlock.progress import Progress
from archlock.recipes.attackers import attack_plan
from archlock.recipes.peep.victim import Victim
from archlock.records import read_json, write_json
from archlock.reports import WorthRecord
from archlock.seeding import derive_seed
from archlock.tasks import Task

SEEDS: Final = 3
WORTH: Final = "worth"


@dataclass(frozen=True, slots=True)
class _Score:
    value: float


def worth_of(
    victim: Victim,
    read: Mapping[str, tuple[Reading, Observation]],
    source: Task | str | Path,
    *,
    folder: Path,
    seed: int,
    workers: int | None,
    progress: Progress,
) -> tuple[WorthRecord, ...]:
    """Scores on the test split of the true architecture and of what each observer would build, with the same seeds.

    Trainings that lie in the folder are not done again. A dense task raises UnsupportedError; a reading that cannot be
    built is said.
    """
    task = victim.opened.fitting(source) if isinstance(source, Task) else victim.opened.read(str(source), seed=seed)
    task = victim.opened.fitting(task)
    if task.traits.dense:
        raise UnsupportedError(
            f"what was read has no decoder; {task.name!r} is a {task.kind} task: give one of classes"
        )
    if task.shape != victim.shape:
        raise ConfigurationError(f"{task.name!r} has images of {task.shape}, and the model takes {victim.shape}")
    networks: dict[str, nn.Module] = {"": victim.opened.module}
    problems: dict[str, str] = {}
    for name, (reading, observation) in read.items():
        try:
            networks[name] = rebuilt(reading, observation, victim.shape, task.outputs)
        except ArchLockError as error:
            problems[name] = str(error)
    jobs = [(name, number) for name in networks for number in range(SEEDS)]
    place = folder / f"{WORTH}-{task.fingerprint[:8]}"
    paths = {job: place / f"{job[0] or 'true'}-{job[1]}.json" for job in jobs}
    waiting = [job for job in jobs if not paths[job].exists()]
    progress.begin("trainings of what was read", len(jobs), len(jobs) - len(waiting))
    for index, score in executor_for(workers or default_workers()).run(_trained, (networks, task, seed), waiting):
        write_json(paths[waiting[index]], score)
        progress.advance(1, waiting[index][0] or "the true architecture")
    scores = {job: decode(_Score, read_json(path), where=str(path)).value for job, path in paths.items()}
    return tuple(
        WorthRecord(
            observer=name,
            task=task.name,
            scores=tuple(scores[name, number] for number in range(SEEDS)) if name in networks else (),
            parameters=count_parameters(networks[name]) if name in networks else 0,
            problem=problems.get(name, ""),
        )
        for name in ("", *read)
    )


def _trained(shared: tuple[Mapping[str, nn.Module], Task, int], job: tuple[str, int]) -> _Score:
    """One training with its search for settings, in a worker."""
    (networks, task, seed), (name, number) = shared, job
    own = derive_seed(seed, "worth", number)
    outcome = ATTACKS["from_scratch"].run(networks[name], task, plan=attack_plan(len(task.train)), seed=own)
    return _Score(outcome.test)
