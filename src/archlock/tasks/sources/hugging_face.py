"""A task from a Hugging Face data set: a folder on disk, or a name on the hub (needs the extra ``huggingface``).

A folder is either what ``save_to_disk`` wrote or files that ``load_dataset`` understands (parquet, for example). Only a
name that is written with the prefix ``hf:`` is ever looked up on the hub, and downloaded if it is not cached.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks.framing import Framing
from archlock.tasks.rows import taken
from archlock.tasks.sources.class_names import shown, shown_names
from archlock.tasks.sources.hf_columns import class_names, image_column_of, label_column_of, labels_of
from archlock.tasks.sources.hf_images import files_of
from archlock.tasks.sources.reading import read_images
from archlock.tasks.sources.split_names import Role, roles_of
from archlock.tasks.splitting import classification_task
from archlock.tasks.stored.cache import Cache
from archlock.tasks.task import Split, Task

PREFIX = "hf:"

NO_SPLIT: Final = "none"
"""Instead of the name of a split: there is none, so one is made of train."""


def hugging_face(
    name_or_path: str | Path,
    *,
    config: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    train_split: str | None = None,
    validation_split: str | None = None,
    test_split: str | None = None,
    image_size: int | Framing | None = None,
    progress: Callable[[int, int], None] | None = None,
    cache: Cache | Path | str | None = None,
    seed: int = 0,
) -> Task:
    """The task in a data set (one of its configurations); anything wrong with it raises TaskError.

    Without names the columns are the only one of images and the only one of class labels, or of texts or whole numbers
    that is called as labels are. Splits are found by their usual names; "none" means that one is to be made of train,
    as are those that are not there. No split has two purposes, and one without any label is left out, if it was not
    named. Images are treated as those of an image folder, with ``progress`` and ``cache``.

    Raises ConfigurationError without the ``datasets`` library, for a text that is neither a folder nor starts with
    ``hf:``, and for a column or split that is not there.
    """
    Framing.of(image_size)  # one that makes no sense is refused before anything is read
    text = str(name_or_path).removeprefix(PREFIX)
    data = _load(text, config, hub=str(name_or_path).startswith(PREFIX))
    asked: dict[Role, str | None] = {"train": train_split, "validation": validation_split, "test": test_split}
    names = _splits_of(data, asked, text)
    train = _named(data, names["train"], text)
    image_column, label_column = image_column_of(train, image_column, text), label_column_of(train, label_column, text)
    declared = class_names(train, label_column, text)
    given, labels, remarks = {}, {}, []
    for role, name in names.items():
        rows, where = _named(data, name, text), f"{text}, split {name!r}"
        if asked[role] is None and role != "train" and _has_no_labels(rows, label_column):
            remarks.append(
                f"the split {name!r} has no labels (or only -1) and is left out; a {role} split is made of train"
            )
            continue
        given[role], labels[role] = rows, labels_of(rows, label_column, train, declared, where)
    files = {role: files_of(rows, image_column, f"{text}, split {names[role]!r}") for role, rows in given.items()}
    every = [file for some in files.values() for file in some]
    read = read_images(every, image_size=image_size, where=text, progress=progress, cache=Cache.at(cache))
    ends = np.cumsum([0, *(len(some) for some in files.values())]).tolist()
    images = {role: taken(read.images, np.arange(a, b)) for role, a, b in zip(files, ends[:-1], ends[1:], strict=True)}
    splits = {role: Split(images[role], labels[role]) for role in given}
    count = sum(len(split) for split in splits.values())
    unused = sorted(set(data) - set(names.values()))
    if unused:
        listed = ", ".join(f"{shown(name)} ({len(data[name]):,} rows)" for name in unused)
        remarks.append(f"these splits are not used: {listed}")
    title = shown(Path(text).name)
    return classification_task(
        title,
        shown_names(declared, text),
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        where=shown(text),
        origin=f"Hugging Face data set {title} ({count:,} images in {len(declared)} classes)",
        stored_side=read.stored_side,
        remarks=(*remarks, *read.remarks),
        seed=seed,
    )


def _splits_of(data: Mapping[str, Any], asked: Mapping[Role, str | None], text: str) -> dict[Role, str]:
    """The name of the split for each purpose that there is one for, training first."""
    found: dict[Role, str] = {}
    for role, name in asked.items():
        if name is not None and (name != NO_SPLIT or role == "train"):
            _named(data, name, text)
            found[role] = name
    if len(set(found.values())) < len(found):
        raise ConfigurationError(f"{text}: a split may have one purpose only; got {', '.join(found.values())}")
    free = roles_of(name for name in data if name not in found.values())
    for role in asked:
        fitting = [name for name, purpose in free.items() if purpose == role]
        if asked[role] is not None or not fitting:
            continue
        if len(fitting) > 1 and role not in fitting:
            raise ConfigurationError(
                f"{text} has several splits for {role}: {', '.join(sorted(fitting))}; name one with {role}_split "
                f"({PREFIX}{text}?{role}={fitting[0]})"
            )
        found[role] = role if role in fitting else fitting[0]
    if "train" not in found:
        raise ConfigurationError(
            f"{text} has no split to train on; it has {', '.join(sorted(data))}: name one with train_split "
            f"({PREFIX}{text}?train=NAME)"
        )
    return {role: found[role] for role in asked if role in found}


def _has_no_labels(rows: Any, column: str) -> bool:
    """Whether a split lacks the column, or all of its labels are missing or -1."""
    if column not in rows.features:
        return True
    return set(rows.with_format(None).unique(column)) <= {None, -1}


def _load(text: str, config: str | None, *, hub: bool) -> Mapping[str, Any]:
    """Splits by name."""
    try:
        import datasets
    except ImportError:
        raise ConfigurationError(
            "reading Hugging Face data sets needs the datasets library; install it with "
            'pip install "archlock[huggingface]"'
        ) from None
    path = Path(text).expanduser()
    if not path.is_dir() and not hub:
        raise ConfigurationError(
            f"{text!r} is not a folder; give the folder of a data set, or {PREFIX}{text} to look on the hub (which "
            "downloads the data set if it is not cached)"
        )
    try:
        if (path / "dataset_dict.json").exists() or (path / "state.json").exists():
            loaded = datasets.load_from_disk(str(path))
        else:
            loaded = datasets.load_dataset(str(path) if path.is_dir() else text, config)
    except Exception as error:  # the library raises a dozen types, and those of its network stack
        raise TaskError(
            f"the Hugging Face data set {text!r} cannot be loaded ({type(error).__name__}: {error}); check the name, "
            f"the network, name the configuration ({PREFIX}{text}?config=NAME) if it has several, or give a folder "
            "made by save_to_disk"
        ) from error
    return {"train": loaded} if isinstance(loaded, datasets.Dataset) else dict(loaded)


def _named(data: Mapping[str, Any], name: str, text: str) -> Any:
    if name not in data:
        raise ConfigurationError(f"{text} has no split {name!r}; it has {', '.join(sorted(data))}")
    if len(data[name]) == 0:
        raise TaskError(f"{text}, split {name!r} is empty; give a split with images")
    return data[name]
