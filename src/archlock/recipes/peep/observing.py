"""What becomes of each observer: readers are taught, checked, and read the recordings of the model."""

from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np

from archlock.execution import executor_for
from archlock.leaks import (
    CONVOLUTIONS,
    GENERATORS,
    OBSERVERS,
    READERS,
    FamilyReader,
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
    progress.begin("observers", len(chosen))
    found = {}
    for place, one in executor_for(workers).run(_observed, shared, chosen):
        found[chosen[place]] = one
        progress.advance(1, chosen[place])
    return {name: found[name] for name in chosen}


def _observed(shared: Recordings, name: str) -> Observed:
    """Teach and check the readers of one observer, and have the recordings of the model read; in a worker."""
    config, networks, observer = shared.config, shared.networks, OBSERVERS[name]
    seed = derive_seed(config.seed, "reader", name)
    seen = [disturbed(observer.observe(one), config, name, number) for number, one in enumerate(shared.recordings)]
    every = [
        disturbed(observer.observe(one.recording), config, name, "random", number)
        for number, one in enumerate(networks)
    ]
    numbers = range(len(networks))
    taught, unseen = [n for n in numbers if not only_checks(n)], [n for n in numbers if only_checks(n)]
    families = FamilyReader([every[n] for n in taught], [networks[n].family for n in taught], seed=seed)
    (ranked,) = families.rank(seen[:1])
    top = check_families(families, [every[n] for n in unseen], [networks[n].family for n in unseen])
    found = ObserverRecord(
        name=name,
        who=observer.who,
        summary=observer.summary,
        timed=observer.timed,
        repeatability=repeatability(seen) if observer.timed else 1.0,
        family=FamilyRecord(
            names=tuple(one.family for one in ranked),
            probabilities=tuple(one.probability for one in ranked),
            top1=top[0],
            top3=top[1],
        ),
        check=None,
    )
    if not observer.sees_operators:
        return Observed(found, seen[0], None)
    lessons = [Lesson(every[n], networks[n].operators, observer.visible(networks[n].recording.sizes)) for n in numbers]
    reader = READERS[config.reader].fit([lessons[n] for n in taught], seed=seed)
    checked = check(reader, [lessons[n] for n in taught], [lessons[n] for n in unseen], seed=seed)
    rows = observer.visible(shared.sizes)
    readings = reader.read_all(seen)
    judged = [judge(reading, Lesson(one, shared.operators, rows)) for reading, one in zip(readings, seen, strict=True)]
    widths = {one.channels for n in taught for one in networks[n].operators if one.kind in CONVOLUTIONS}
    motif = motif_of(readings[0].kinds)
    found = replace(
        found,
        check=CheckRecord(**asdict(checked), training_accuracy=reader.training_accuracy),
        seen=tuple(
            SeenRecord(
                kinds=reading.kinds,
                **asdict(one),
                log_candidates=log_candidates(reading, widths, sees_sizes=observer.memory),
            )
            for reading, one in zip(readings, judged, strict=True)
        ),
        motif=motif.kinds,
        motif_times=motif.times,
        motif_is_true=motif.kinds == motif_of(tuple(one.kind for one in shared.operators)).kinds,
        log_all=log_all(sum(one.kind in CONVOLUTIONS for one in shared.operators), widths),
    )
    return Observed(found, seen[0], readings[0])


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
