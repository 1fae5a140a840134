"""Which columns of a Hugging Face data set are the images and the labels, and what the labels mean."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Int64

from archlock.errors import ConfigurationError, TaskError

LABEL_NAMES: Final = (
    *("label", "labels", "fine_label", "fine_labels", "class", "class_label", "class_id", "class_idx", "category"),
    *("target", "targets", "y", "label_id", "label_idx"),
)
"""Names by which a column of texts or whole numbers is taken for the labels where none is declared to be."""


def image_column_of(rows: Any, name: str | None, text: str) -> str:
    """The column of images: the one that is named, or the only one; else ConfigurationError."""
    if name is not None:
        return _existing(rows, name, text)
    return _only(_of_kind(rows, "Image"), "of type Image", "image", rows, text)


def label_column_of(rows: Any, name: str | None, text: str) -> str:
    """The column of labels: the one that is named, or the only one, as :func:`archlock.tasks.hugging_face` says."""
    if name is not None:
        return _existing(rows, name, text)
    declared = _of_kind(rows, "ClassLabel")
    plain = [
        column
        for column, feature in rows.features.items()
        if column.lower() in LABEL_NAMES and str(getattr(feature, "dtype", "")).startswith(("int", "uint", "string"))
    ]
    kind = "of type ClassLabel" if declared or not plain else "that may be labels"
    return _only(declared or plain, kind, "label", rows, text)


def class_names(rows: Any, column: str, text: str) -> tuple[str, ...]:
    """Names of the classes: those the data set declares, or the sorted values of a plain column (but for no label)."""
    feature = rows.features[column]
    if type(feature).__name__ == "ClassLabel":
        return tuple(feature.names)
    values = rows.with_format(None).unique(column)
    if not all(isinstance(value, str | int) for value in values):
        raise TaskError(
            f"{text}, column {column!r}: expected class labels (texts or whole numbers), got for example "
            f"{next(v for v in values if not isinstance(v, str | int))!r}; name another label column"
        )
    return tuple(map(str, sorted(value for value in values if value != -1)))


def labels_of(rows: Any, column: str, train: Any, classes: Sequence[str], where: str) -> Int64[np.ndarray, " examples"]:
    """Labels of a split, as places among the classes of ``train``; TaskError for one that is no class."""
    feature = rows.features.get(column)
    if feature is None:
        raise TaskError(f"{where} has no column {column!r}, so no labels; choose a split that is labelled")
    values: list[Any] = rows.with_format(None)[column][:]
    declared = type(train.features[column]).__name__ == "ClassLabel"
    if declared and list(getattr(feature, "names", classes)) != list(classes):
        raise TaskError(
            f"{where}, column {column!r}: its classes are {_few(feature.names)}, those of train {_few(classes)}; every "
            "split needs the same classes in the same order"
        )
    index: dict[Any, int] = {name: label for label, name in enumerate(classes)}
    if declared:
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


def _of_kind(rows: Any, kind: str) -> list[str]:
    return [column for column, feature in rows.features.items() if type(feature).__name__ == kind]


def _existing(rows: Any, name: str, text: str) -> str:
    if name not in rows.features:
        raise ConfigurationError(f"{text} has no column {name!r}; it has {_listed(rows)}")
    return name


def _only(fitting: Sequence[str], kind: str, option: str, rows: Any, text: str) -> str:
    if len(fitting) == 1:
        return fitting[0]
    found = f"{len(fitting)} columns" if fitting else "no column"
    example = fitting[0] if fitting else "NAME"
    raise ConfigurationError(
        f"{text} has {found} {kind}, so it is not clear which to use; its columns are {_listed(rows)}: name one with "
        f"{option}_column, on the command line as in 'hf:{text}?{option}={example}'"
    )


def _listed(rows: Any) -> str:
    return ", ".join(f"{column} ({_kind(feature)})" for column, feature in rows.features.items())


def _kind(feature: Any) -> str:
    name = type(feature).__name__
    return f"{name} {feature.dtype}" if name == "Value" else name


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
