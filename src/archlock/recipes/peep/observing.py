"""What becomes of each observer: readers are taught, checked, and read the recordings of the model."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from archlock.execution import executor_for
from archlock.leaks import (
    CONVOLUTIONS,
    GENERATORS,
    OBSERVERS,
    READERS,
    FamilyReader,
    Judged,
    Lesson,
    Observation,
    Operator,
    Reading,
    Recording,
    check,
    check_families,
    judge,
    log_all,
    log_candidates,
    motif_of,
)
from archlock.progress import Progress
from archlock.recipes.peep.config import PeepConfig
from archlock.recipes.peep.library import Recorded
from archlock.recipes.peep.victim import repeatability
from archlock.reports import CheckRecord, FamilyRecord, ObserverRecord, SeenRecord
from archlock.seeding import derive_seed, rng_for

CHECKING: Final = 5
"""Every fifth network only checks."""


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """What the work on every observer needs."""

    operators: tuple[Operator, ...]
    sizes: tuple[int, ...]
    recordings: tuple[Recording, ...]
    networks: tuple[Recorded, ...]
    config: PeepConfig


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What became of one observer."""

    record: ObserverRecord
    seen: Observation
    """Of the first recording."""
    reading: Reading | None
    """Of the first recording; None for an observer who sees no operators."""


def all_observed(shared: Recordings, *, workers: int, progress: Progress) -> dict[str, Observed]:
    """Every observer, in the order of the catalog."""
    chosen = shared.config.chosen
    reading = [name for name in chosen if OBSERVERS[name].sees_operators]
    jobs = [(_read, name) for name in reading] + [(_family, name) for name in chosen]  # what takes longest first
    progress.begin("readers", len(jobs))
    found: dict[tuple[Any, str], Any] = {}
    for place, one in executor_for(workers).run(_perform, shared, jobs):
        found[jobs[place]] = one
        progress.advance(1, jobs[place][1])
    return {name: _observed(shared, name, found[_family, name], found.get((_read, name))) for name in chosen}


def _perform(shared: Recordings, job: tuple[Callable[[Recordings, str], Any], str]) -> Any:
    """One job, in a worker."""
    work, name = job
    return work(shared, name)


def _observed(shared: Recordings, name: str, family: FamilyRecord, read: "_WasRead | None") -> Observed:
    """What is reported of an observer."""
    observer, seen = OBSERVERS[name], _seen(shared, name)
    found = ObserverRecord(
        name=name,
        who=observer.who,
        summary=observer.summary,
        timed=observer.timed,
        repeatability=repeatability(seen) if observer.timed else 1.0,
        family=family,
        check=None,
    )
    if read is None:
        return Observed(found, seen[0], None)
    kinds = [one.kind for one in shared.operators]
    motif = motif_of(read.readings[0].kinds)
    found = replace(
        found,
        check=read.check,
        seen=tuple(
            SeenRecord(
                kinds=reading.kinds,
                **asdict(judged),
                log_candidates=log_candidates(reading, read.widths, sees_sizes=observer.memory),
            )
            for reading, judged in zip(read.readings, read.judged, strict=True)
        ),
        motif=motif.kinds,
        motif_times=motif.times,
        motif_is_true=motif.kinds == motif_of(tuple(kinds)).kinds,
        log_all=log_all(sum(kind in CONVOLUTIONS for kind in kinds), read.widths),
    )
    return Observed(found, seen[0], read.readings[0])


def _family(shared: Recordings, name: str) -> FamilyRecord:
    """Teach and check the reader of families of one observer, and have it read the first recording."""
    networks, every = shared.networks, _every(shared, name)
    taught, unseen = _split(networks)
    seed = derive_seed(shared.config.seed, "reader", name)
    families = FamilyReader([every[n] for n in taught], [networks[n].family for n in taught], seed=seed)
    (ranked,) = families.rank(_seen(shared, name)[:1])
    top1, top3 = check_families(families, [every[n] for n in unseen], [networks[n].family for n in unseen])
    return FamilyRecord(
        names=tuple(one.family for one in ranked),
        probabilities=tuple(one.probability for one in ranked),
        top1=top1,
        top3=top3,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _WasRead:
    """What the reader of operators of one observer read, and how well it reads."""

    check: CheckRecord
    readings: tuple[Reading, ...]
    """One of each recording of the model."""
    judged: tuple[Judged, ...]
    widths: frozenset[int]
    """Of convolutions that it was taught by."""


def _read(shared: Recordings, name: str) -> _WasRead:
    """Teach and check the reader of operators of one observer, and have it read every recording."""
    networks, every, observer = shared.networks, _every(shared, name), OBSERVERS[name]
    taught, unseen = _split(networks)
    seed = derive_seed(shared.config.seed, "reader", name)
    lessons = [
        Lesson(seen, one.operators, observer.visible(one.recording.sizes))
        for seen, one in zip(every, networks, strict=True)
    ]
    reader = READERS[shared.config.reader].fit([lessons[n] for n in taught], seed=seed)
    checked = check(reader, [lessons[n] for n in taught], [lessons[n] for n in unseen], seed=seed)
    seen, rows = _seen(shared, name), observer.visible(shared.sizes)
    readings = reader.read_all(seen)
    return _WasRead(
        CheckRecord(**asdict(checked), training_accuracy=reader.training_accuracy),
        tuple(readings),
        tuple(judge(reading, Lesson(one, shared.operators, rows)) for reading, one in zip(readings, seen, strict=True)),
        frozenset(one.channels for n in taught for one in networks[n].operators if one.kind in CONVOLUTIONS),
    )


def _seen(shared: Recordings, name: str) -> list[Observation]:
    """The recordings of the model, as the observer sees them."""
    observer = OBSERVERS[name]
    return [disturbed(observer.observe(one), shared.config, name, n) for n, one in enumerate(shared.recordings)]


def _every(shared: Recordings, name: str) -> list[Observation]:
    """The random networks, as the observer sees them."""
    observer = OBSERVERS[name]
    return [
        disturbed(observer.observe(one.recording), shared.config, name, "random", n)
        for n, one in enumerate(shared.networks)
    ]


def _split(networks: Sequence[Recorded]) -> tuple[list[int], list[int]]:
    """Which networks teach, and which only check."""
    numbers = range(len(networks))
    return [n for n in numbers if not only_checks(n)], [n for n in numbers if only_checks(n)]


def only_checks(number: int) -> bool:
    """Whether a network only checks: every fifth of each family, since families take turns."""
    return number // len(GENERATORS) % CHECKING == CHECKING - 1


def disturbed(observation: Observation, config: PeepConfig, *labels: str | int) -> Observation:
    """With the simulated noise of the settings on every time."""
    if not config.noise:
        return observation

    def noisy(column: str) -> tuple[float, ...]:
        values = getattr(observation, column)
        rng = rng_for(config.seed, "noise", column, *labels)
        return tuple((np.array(values) * np.exp(config.noise * rng.standard_normal(len(values)))).tolist())

    return replace(observation, seconds=noisy("seconds"), latencies=noisy("latencies"))
