"""Data of a lock that are named by texts, as on the command line: opened where they may be seen, sealed where not."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from archlock.errors import ConfigurationError
from archlock.tasks import Framing, SealedTask, Task, check_task, name_of, names_apart, open_task, seal


def data_named(
    source: Task | str | Path,
    known: Sequence[Task | str | Path],
    sealed: Sequence[SealedTask | str | Path],
    *,
    seed: int,
) -> tuple[Task, tuple[Task, ...], tuple[SealedTask, ...]]:
    """Tasks as they are, texts opened as :func:`~archlock.tasks.open_task` does, targets in the size of the source.

    Of a sealed text only that there is something is looked at; different data have different names. Raises what
    ``open_task`` raises.
    """
    task = source if isinstance(source, Task) else open_task(str(source), seed=seed)
    texts = [str(one) for one in (*known, *sealed) if isinstance(one, str | Path)]
    names = names_apart(texts, beside=[] if isinstance(source, Task) else [str(source)])
    signals = task.form == "signal"
    read = partial(open_task, image_size=None if signals else Framing(*task.shape[1:]), signals=signals, seed=seed)

    def hidden(given: object) -> SealedTask:
        if isinstance(given, SealedTask):
            return given
        if isinstance(given, Task):
            raise ConfigurationError(
                f"{given.name!r} is not sealed, so the search could look at it; give archlock.tasks.seal(task, "
                "name=...), or what names the data, which is opened when the lock is decided"
            )
        text = str(given)
        check_task(text, signals=signals)
        return seal(partial(read, text, name=names.get(text)), name=names.get(text, name_of(text)))

    seen = tuple(one if isinstance(one, Task) else read(str(one), name=names.get(str(one))) for one in known)
    return task, seen, tuple(map(hidden, sealed))
