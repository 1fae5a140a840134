"""What a lock search is taught by recorded trainings, and what it must not be taught: anything of its targets."""

from collections.abc import Sequence
from typing import Final

from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.preferences import (
    TRANSFERRED,
    SourceLesson,
    recorded_names,
    source_lesson,
    taught_by,
)
from archlock.recipes.engine.market import Candidates
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.run import Run
from archlock.records import fingerprint
from archlock.spaces import SPACES
from archlock.tasks import Task

LESSON: Final = "lesson.json"
"""Name in the run directory of what taught the search."""


def refuse_lessons(config: LockConfig, source: Task, targets: Sequence[str]) -> None:
    """ConfigurationError where a task is one by which the search is taught: a look at the answer.

    ``targets`` are names and paths, as far as they are known. UnsupportedError for lessons on another kind of source
    than the recorded ones.
    """
    if config.preference == TRANSFERRED and (taught := taught_by(config.space, [source.name, *targets])):
        raise ConfigurationError(
            f"the preference {TRANSFERRED!r} was taught by recorded results on {', '.join(taught)}; a lock that is "
            "judged there would have seen the answer. Take other tasks, or another --preference"
        )
    if not config.lessons:
        return
    if source.form != "image" or not source.traits.has_classes:
        raise UnsupportedError(
            f"recorded trainings are of image classifiers, and {source.name!r} is another kind of task; leave out "
            "--lessons"
        )
    refuse_recorded(config.space, targets)


def refuse_recorded(space: str, targets: Sequence[str]) -> None:
    """ConfigurationError where a target goes by the name of data whose recorded trainings teach the search."""
    if known := recorded_names(space, targets):
        raise ConfigurationError(
            f"the recorded trainings of --lessons are on data that {', '.join(map(repr, known))} seems to be, and "
            "nothing may be known of a target; leave out --lessons, or take other targets"
        )


def lesson_of(run: Run, candidates: Candidates) -> SourceLesson | None:
    """What recorded trainings say of the source of every candidate, and who says it; None where nobody asked.

    A run that is taken up learns what it learned before, else RunError.
    """
    if not run.config.lessons:
        return None
    space = run.config.space
    found = source_lesson(SPACES[space], candidates.architectures)
    record = {"tables": list(found.tables), "recorded": found.recorded, "scores": fingerprint(found.scores.tolist())}
    if run.workspace.once(LESSON, lambda: record) != record:
        raise RunError(
            f"the recorded trainings that taught {run.workspace.path} when it was begun are others than those of this "
            "version; go on with the version it was begun with, or start anew in another directory"
        )
    run.resources.progress.say(f"{lesson_in_words(run, found)} which architectures may train well")
    return found


def lesson_in_words(run: Run, lesson: SourceLesson) -> str:
    """Who teaches, as the beginning of a sentence; and whether it is the owner's own data, by their name."""
    own = recorded_names(run.config.space, [run.source.name])
    beside = ", among them, by their name, trainings on this very source," if own else ""
    return f"Recorded trainings of {lesson.recorded} architectures ({', '.join(lesson.tables)}){beside} said"
