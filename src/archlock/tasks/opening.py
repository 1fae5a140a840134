"""What the command line takes for a task, one text for every source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks.conform import conform
from archlock.tasks.framing import Framing
from archlock.tasks.generated import RECIPES
from archlock.tasks.saving import is_saved_task, load_task
from archlock.tasks.sources.class_names import shown
from archlock.tasks.sources.digits import digits
from archlock.tasks.sources.hugging_face import hugging_face
from archlock.tasks.sources.image_folder import check_image_folder, holds_images, image_folder
from archlock.tasks.sources.npz import check_npz, npz
from archlock.tasks.sources.source_texts import DIGITS, SURELY_DIGITS, SourceText, names_apart
from archlock.tasks.stored.cache import Cache
from archlock.tasks.task import Task

FORMS = (
    "digits | a folder of images | a .npz file | hf:name or hf:path (a Hugging Face data set) | "
    f"{' | '.join(f'{name}:{recipe.argument}' for name, recipe in RECIPES.items())}, with options as in "
    "'hf:name?label=fine_label&test=validation'"
)
"""The texts that :func:`open_task` understands, in words."""

SAVED_BY_HUGGING_FACE = ("dataset_dict.json", "state.json", "dataset_info.json")
"""Files by which a folder is known that ``save_to_disk`` of the datasets library wrote."""


def open_task(
    text: str,
    *,
    image_size: int | Framing | None = None,
    skip_bad: bool = False,
    signals: bool = False,
    name: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cache: Cache | Path | str | None = None,
) -> Task:
    """The task named by a text (see FORMS); a file of :func:`save_task` is a ``.npz`` file too.

    ``image_size`` is the side of the square images wanted, or the framing that a model wants (``OpenedModel.reading``);
    without it every source has its own default. ``skip_bad`` leaves out images of a folder that cannot be read.
    ``signals``: arrays of an archive are signals, N x C x L; these have no image size. ``cache`` is the folder for
    decoded images of folders and data sets that are too large for memory; ``progress`` is told how many are read, of
    how many. ``name`` is that of the task,
    instead of the one of the data. Raises ConfigurationError for a text that names nothing, or two things, and
    TaskError for data that cannot become a task.
    """
    framing, given = Framing.of(image_size), SourceText.parsed(text)
    task = _opened(given, image_size, skip_bad, seed, progress, Cache.at(cache), signals=signals)
    name = given.options.get("name", name)
    if name is not None and name != task.name:
        task = replace(task, name=name)
    if framing is None or given.source in ("folder", "hugging_face"):
        return task
    if task.form == "signal":
        return _of_length(task, image_size)
    way = framing if isinstance(image_size, Framing) else None
    return conform(task, (task.shape[0], *framing.size), framing=way)


def _of_length(task: Task, size: int | Framing | None) -> Task:
    """Signals for a model of signals (whose framing has one row) as they are: what else they need depends on it."""
    if isinstance(size, Framing):
        return task
    raise ConfigurationError(
        f"{task.name!r} holds signals, which have a length and no image size; leave out --image-size {size}"
    )


def check_task(text: str, *, signals: bool = False) -> None:
    """What is wrong with the data that a text names, as far as names, shapes and places say it; nothing is read.

    For data that are not to be opened yet. Raises as :func:`open_task`.
    """
    given = SourceText.parsed(text)
    if given.source == "digits":
        _refuse_two_meanings(given)
    elif given.source == "folder":
        _refuse_other_folders(given.path)
        check_image_folder(given.path, splits="splits" not in given.options)
    elif given.source == "archive":
        if not is_saved_task(given.path):
            check_npz(given.path, layout=given.options.get("layout"), signals=signals)
    elif given.base is not None:
        base = given.base
        check_task(base.text)
    elif given.source == "unknown":
        _refuse_unknown(given)


def open_tasks(
    texts: Sequence[str],
    *,
    image_size: int | Framing | None = None,
    skip_bad: bool = False,
    signals: bool = False,
    cache: Cache | Path | str | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> list[Task]:
    """The tasks that several texts name, as :func:`open_task`; different data have different names."""
    names = names_apart(texts)
    return [
        open_task(
            text,
            image_size=image_size,
            skip_bad=skip_bad,
            signals=signals,
            name=names.get(text),
            cache=cache,
            progress=progress,
            seed=seed,
        )
        for text in texts
    ]


def name_of(text: str) -> str:
    """The name that the task of a text gets, as far as the text says it; nothing is opened."""
    return SourceText.parsed(text).name


def _opened(
    given: SourceText,
    image_size: int | Framing | None,
    skip_bad: bool,
    seed: int,
    progress: Callable[[int, int], None] | None,
    cache: Cache,
    *,
    signals: bool,
) -> Task:
    path, options = given.path, given.options
    if given.source == "unknown":
        _refuse_unknown(given)
    if given.source == "digits":
        _refuse_two_meanings(given)
        return digits(seed=seed)
    if given.recipe is not None:
        return _made(given, skip_bad, seed, progress)
    if given.source == "hugging_face":
        return hugging_face(
            given.place,
            config=options.get("config"),
            image_column=options.get("image"),
            label_column=options.get("label"),
            train_split=options.get("train"),
            validation_split=options.get("validation"),
            test_split=options.get("test"),
            image_size=image_size,
            progress=progress,
            cache=cache,
            seed=seed,
        )
    if given.source == "folder":
        _refuse_other_folders(path)
        splits = "splits" not in options
        return image_folder(
            path, image_size=image_size, skip_bad=skip_bad, splits=splits, progress=progress, cache=cache, seed=seed
        )
    if is_saved_task(path):
        return load_task(path)
    return npz(
        path,
        layout=options.get("layout"),
        signals=signals,
        values=options.get("values"),
        label=options.get("label"),
        group=options.get("group"),
        seed=seed,
    )


def _made(given: SourceText, skip_bad: bool, seed: int, progress: Callable[[int, int], None] | None) -> Task:
    """The task of a recipe, from the data it is based on at their own size."""
    recipe, base = given.recipe, given.base
    assert recipe is not None

    def opened(further: Mapping[str, str]) -> Task:
        assert base is not None
        text = SourceText(base.place, {**base.options, **further})
        return open_task(text.text, skip_bad=skip_bad, seed=seed)

    return recipe.make(given.argument, given.options, opened=opened, seed=seed, progress=progress)


def _refuse_two_meanings(given: SourceText) -> None:
    if given.place == DIGITS and given.path.is_dir() and holds_images(given.path):
        raise ConfigurationError(
            f"{DIGITS!r} names scikit-learn's handwritten digits, and there is a folder of that name here which holds "
            f"images; write ./{DIGITS} for the folder, or {SURELY_DIGITS} for the handwritten ones"
        )


def _refuse_unknown(given: SourceText) -> NoReturn:
    if given.place and given.path.exists():
        raise TaskError(f"{shown(str(given.path))} is neither a folder nor a .npz file; expected {FORMS}")
    near = get_close_matches(given.place.partition(":")[0].casefold(), (DIGITS, *RECIPES), n=1)
    meant = f" (did you mean {RECIPES[near[0]].example if near[0] in RECIPES else near[0]!r}?)" if near else ""
    raise ConfigurationError(
        f"no task {shown(given.place)!r}: no such file, and no name that is known{meant}; expected {FORMS}"
    )


def _refuse_other_folders(path: Path) -> None:
    if any((path / name).exists() for name in SAVED_BY_HUGGING_FACE):
        raise TaskError(f"{shown(str(path))} is a Hugging Face data set on disk; write hf:{shown(str(path))}")
