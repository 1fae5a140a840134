"""A task from a Hugging Face data set: a folder on disk, or a name on the hub (needs the extra ``huggingface``).

A folder is either what ``save_to_disk`` wrote or files that ``load_dataset`` understands (parquet, for example). Only a
name that is written with the prefix ``hf:`` is ever looked up on the hub, and downloaded if it is not cached.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks.framing import Framing
from archlock.tasks.sources.image_folder import VALIDATION_NAMES
from archlock.tasks.sources.reading import ImageFile, read_images
from archlock.tasks.splitting import classification_task
from archlock.tasks.task import Split, Task

PREFIX = "hf:"


def hugging_face(
    name_or_path: str | Path,
    *,
    image_column: str | None = None,
    label_column: str | None = None,
    train_split: str = "train",
    test_split: str | None = None,
    image_size: int | Framing | None = None,
    seed: int = 0,
) -> Task:
    """The task in a data set; anything wrong with it raises TaskError.

    Without names the columns are the only one of images and the only one of class labels. Without ``test_split`` the
    split ``test`` is taken if there is one, and taken out of train otherwise; ``validation`` (or ``valid``, ``val``)
    likewise. Images are treated as those of an image folder. Raises ConfigurationError without the ``datasets``
    library, for a text that is neither a folder nor starts with ``hf:``, and for a column or split that is not there.
    """
    Framing.of(image_size)  # one that makes no sense is refused before anything is read
    text = str(name_or_path).removeprefix(PREFIX)
    data = _load(text, hub=str(name_or_path).startswith(PREFIX))
    names = {"train": train_split, "validation": next((n for n in VALIDATION_NAMES if n in data), None)}
    names["test"] = test_split if test_split is not None else ("test" if "test" in data else None)
    chosen = {
        role: _named(data, name, text) for role, name in names.items() if name is not None and name != train_split
    }
    chosen = {"train": _named(data, train_split, text), **chosen}
    image_column = _column(chosen["train"], image_column, ("Image",), "image_column", text)
    label_column = _column(chosen["train"], label_column, ("ClassLabel",), "label_column", text)
    classes = _classes(chosen["train"], label_column, text)
    labels = {
        role: _labels(rows, label_column, classes, f"{text}, split {names[role]!r}") for role, rows in chosen.items()
    }
    images, stored_side = _images(chosen, image_column, image_size, names, text)
    splits = {role: Split(images[role], labels[role]) for role in chosen}
    count = sum(len(split) for split in splits.values())
    return classification_task(
        Path(text).name,
        classes,
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        where=text,
        origin=f"Hugging Face data set {Path(text).name} ({count:,} images in {len(classes)} classes)",
        stored_side=stored_side,
        seed=seed,
    )


def _load(text: str, *, hub: bool) -> Mapping[str, Any]:
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
            loaded = datasets.load_dataset(str(path) if path.is_dir() else text)
    except Exception as error:  # the library raises a dozen types, and those of its network stack
        raise TaskError(
            f"the Hugging Face data set {text!r} cannot be loaded ({type(error).__name__}: {error}); check the name, "
            "the network, or give a folder made by save_to_disk"
        ) from error
    return {"train": loaded} if isinstance(loaded, datasets.Dataset) else dict(loaded)


def _named(data: Mapping[str, Any], name: str, text: str) -> Any:
    if name not in data:
        raise ConfigurationError(f"{text} has no split {name!r}; it has {', '.join(sorted(data))}")
    if len(data[name]) == 0:
        raise TaskError(f"{text}, split {name!r} is empty; give a split with images")
    return data[name]


def _column(rows: Any, name: str | None, kinds: tuple[str, ...], argument: str, text: str) -> str:
    columns = {column: type(feature).__name__ for column, feature in rows.features.items()}
    listed = ", ".join(f"{column} ({kind})" for column, kind in columns.items())
    if name is not None:
        if name not in columns:
            raise ConfigurationError(f"{text} has no column {name!r}; it has {listed}")
        return name
    fitting = [column for column, kind in columns.items() if kind in kinds]
    if len(fitting) != 1:
        found = "no column" if not fitting else f"{len(fitting)} columns"
        raise ConfigurationError(
            f"{text} has {found} of type {kinds[0]}, so it is not clear which to use; its columns are {listed}: name "
            f"one with {argument}"
        )
    return str(fitting[0])


def _classes(rows: Any, column: str, text: str) -> tuple[str, ...]:
    """Names of the classes: those the data set declares, or the sorted values of a plain column."""
    feature = rows.features[column]
    if type(feature).__name__ == "ClassLabel":
        return tuple(feature.names)
    values = rows.unique(column)
    if not all(isinstance(value, str | int) for value in values):
        raise TaskError(
            f"{text}, column {column!r}: expected class labels (texts or whole numbers), got for example "
            f"{next(v for v in values if not isinstance(v, str | int))!r}; name another label column"
        )
    return tuple(map(str, sorted(values)))


def _labels(rows: Any, column: str, classes: Sequence[str], where: str) -> Int64[np.ndarray, " examples"]:
    values = rows.with_format(None)[column][:]
    index: dict[Any, int] = {name: label for label, name in enumerate(classes)}
    if type(rows.features[column]).__name__ == "ClassLabel":
        index = {label: label for label in range(len(classes))}
    else:
        values = [str(value) for value in values]
    unknown = [(row, value) for row, value in enumerate(values) if value not in index]
    if unknown:
        row, value = unknown[0]
        raise TaskError(
            f"{where}, column {column!r}: row {row} has the label {value!r}, which is none of the {len(classes)} "
            "classes (-1 often marks images without a label); choose a split that is labelled"
        )
    return np.array([index[value] for value in values], dtype=np.int64)


def _images(
    chosen: Mapping[str, Any], column: str, image_size: int | Framing | None, names: Mapping[str, str | None], text: str
) -> tuple[dict[str, np.ndarray], int]:
    """Pixels of all splits, of one size and number of channels; and the median of the smaller sides as stored."""
    files = {role: _files(rows, column, f"{text}, split {names[role]!r}") for role, rows in chosen.items()}
    read = read_images([file for some in files.values() for file in some], image_size=image_size)
    ends = np.cumsum([len(some) for some in files.values()])[:-1]
    return dict(zip(files, np.split(read.images, ends), strict=True)), read.stored_side


def _files(rows: Any, column: str, where: str) -> list[ImageFile]:
    """The image files of a column as they are stored: the library decodes nothing."""
    import datasets

    if type(rows.features[column]).__name__ != "Image":
        raise TaskError(
            f"{where}, column {column!r}: expected images, got {rows.features[column]}; name another image column, or "
            "cast it with cast_column(column, datasets.Image())"
        )
    stored = rows.with_format(None).cast_column(column, datasets.Image(decode=False))[column]
    files = []
    for row, item in enumerate(stored):
        name = f"{where}, row {row}"
        if not item or (item.get("bytes") is None and not item.get("path")):
            raise TaskError(f"{name}: has no image; leave the row out")
        files.append(ImageFile(item["bytes"] if item.get("bytes") is not None else Path(item["path"]), name))
    return files
