"""A reader for each observer, taught by random networks that were recorded, and what it makes of others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archlock.leaks import (
    OBSERVERS,
    READERS,
    Checked,
    FittedReader,
    Judged,
    Lesson,
    Operator,
    Recording,
    as_from_arena,
    check,
    judge,
)
from archlock.recipes.conceal.config import ConcealConfig
from archlock.recipes.peep.library import Recorded
from archlock.recipes.peep.observing import only_checks
from archlock.seeding import derive_seed


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """One reader of one observer."""

    observer: str
    reader: FittedReader
    checked: Checked
    """On networks that it was not taught by."""
    unseen: tuple[Lesson, ...]
    """These networks."""

    def judged(self, lessons: Sequence[Lesson]) -> list[Judged]:
        """How well each lesson of the same observer is read."""
        read = self.reader.read_all([one.observation for one in lessons])
        return [judge(reading, lesson) for reading, lesson in zip(read, lessons, strict=True)]


def lesson_of(name: str, recording: Recording, operators: tuple[Operator, ...]) -> Lesson:
    """What an observer sees of a recording, with the truth."""
    observer = OBSERVERS[name]
    return Lesson(observer.observe(recording), operators, observer.visible(recording.sizes))


def taught_by(networks: Sequence[Recorded], config: ConcealConfig, *, arena: bool, label: str) -> dict[str, Taught]:
    """A reader for each observer of the settings; every fifth network of a family only checks."""
    found = {}
    for name in config.watching:
        seed = derive_seed(config.seed, "conceal", label, name)
        lessons = [lesson_of(name, seen(one.recording, arena=arena), one.operators) for one in networks]
        known = [lesson for number, lesson in enumerate(lessons) if not only_checks(number)]
        unseen = tuple(lesson for number, lesson in enumerate(lessons) if only_checks(number))
        reader = READERS[config.reader].fit(known, seed=seed)
        found[name] = Taught(name, reader, check(reader, known, unseen, seed=seed), unseen)
    return found


def seen(recording: Recording, *, arena: bool) -> Recording:
    """The recording, or what would be seen of it with memory from one block."""
    return as_from_arena(recording) if arena else recording


def skeleton_errors(
    readers: Mapping[str, Taught], recording: Recording, operators: tuple[Operator, ...]
) -> tuple[float, ...]:
    """Of each reader in their order."""
    return tuple(
        one.judged([lesson_of(one.observer, recording, operators)])[0].skeleton_error for one in readers.values()
    )
