"""Which array of an archive is what, by the names that people give: ``x_train``, ``train_images``, ``X_val``.

A key that looks like images of a split and is not understood is a TaskError that names it; any other that has a row
for each image is told.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks.archives import ArrayHeader
from archlock.tasks.sources.class_names import shown
from archlock.tasks.sources.split_names import FILLERS, Role, roles_of, split_word

Part = Literal["images", "signals", "labels", "groups", "pack", "offsets"]

PARTS: Final[dict[Part, tuple[str, ...]]] = {
    "images": ("x", "images", "image", "imgs", "img", "pictures", "inputs", "data"),
    "signals": ("signal", "signals"),
    "labels": ("y", "labels", "label", "lbls", "targets", "target"),
    "groups": ("group", "groups"),
    "pack": ("jpeg",),
    "offsets": ("off",),
}
"""Words for what an array holds."""

CLASSES: Final = ("classes", "class_names", "label_names")
"""Keys of the names of the classes."""

LAYOUT: Final = "layout"
"""Key by which an archive says how the axes of its images are to be read."""

KIND: Final = "kind"
"""Key by which an archive says what its targets are, where they do not."""

BESIDE: Final = (
    *("mask", "masks", "box", "boxes", "bbox", "bboxes", "id", "ids", "index", "indices", "idx", "name", "names"),
    *("file", "files", "filename", "filenames", "path", "paths", "weight", "weights", "mean", "std", "meta"),
    *("features", "embeddings", "depth", "keypoints", "landmarks", "attributes", "logits", "predictions"),
)
"""Words for what may accompany images: such an array is not used, and that is told."""

VALUES: Final = "values"
"""Key by which an archive says that its images are measured values."""

EXPECTED: Final = (
    "expected x_train and y_train (of signals: signal_train and y_train), optionally x_test, y_test, x_validation, "
    "y_validation, classes"
)
EXAMPLES: Final[tuple[Part, ...]] = ("images", "signals", "pack")
"""Parts that hold examples; a split has one of them."""

_PART_OF: Final[dict[str, Part]] = {word: part for part, words in PARTS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of the arrays that are used, and those of others."""

    arrays: dict[tuple[Role, Part], str]
    classes: str | None
    unused: Mapping[str, str]
    """Others with a row for each image, and what they hold, by name."""

    @property
    def remark(self) -> str:
        """A sentence on what is not used; empty if there is nothing."""
        return f"these arrays of the archive are not used: {', '.join(self.unused.values())}" if self.unused else ""


@dataclass(frozen=True, slots=True)
class _Key:
    """What a name says: of which split, what, and what else."""

    name: str
    parts: frozenset[Part]
    splits: tuple[str, ...]
    others: tuple[str, ...]

    @classmethod
    def of(cls, name: str) -> "_Key":
        words = [word for run in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name) for word in _taken_apart(run.casefold())]
        splits = tuple(word for word in words if split_word(word) is not None)
        others = tuple(word for word in words if word not in (*splits, *_PART_OF, *FILLERS) and not word.isdigit())
        return cls(name, frozenset(_PART_OF[word] for word in words if word in _PART_OF), splits, others)

    def looks_like_data(self, header: ArrayHeader) -> bool:
        """Whether it has the shape of images, and a name of images or of a split."""
        named = bool(self.splits) or bool(self.parts & set(EXAMPLES))
        return named and len(header.shape) in (3, 4) and not set(self.others) & set(BESIDE)


def keys_of(headers: Mapping[str, ArrayHeader], where: str) -> Keys:
    """What the arrays of an archive are; TaskError for two of one meaning, and for data that are not understood.

    Images and labels without the name of a split are those to train on, where none of that name are there.
    """
    keys = [_Key.of(name) for name in headers if name not in (LAYOUT, KIND, VALUES, *CLASSES)]
    roles = roles_of(key.splits[0] for key in keys if len(key.splits) == 1)
    places: dict[tuple[Role, Part], str] = {}
    for key in keys:
        if len(key.parts) != 1 or len(key.splits) != 1 or key.others:
            continue
        place = roles[key.splits[0]], next(iter(key.parts))
        if place in places:
            raise TaskError(
                f"{where} has {shown(places[place])} and {shown(key.name)}, both {place[1]} of {place[0]}; keep one"
            )
        places[place] = key.name
    if all(role != "train" for role, _ in places):
        alone = {next(iter(key.parts)): key.name for key in keys if len(key.parts) == 1 and not key.splits + key.others}
        if "labels" in alone and set(EXAMPLES) & set(alone):
            places |= {("train", part): name for part, name in alone.items()}
    _check_train(headers, places, where)
    unused = [key for key in keys if key.name not in places.values()]
    for key in unused:
        if key.looks_like_data(headers[key.name]):
            raise TaskError(
                f"{where}, key {shown(key.name)!r} ({headers[key.name]}) looks like images of a split and is not "
                f"understood; {EXPECTED}: rename it, or leave it out"
            )
    rows = {headers[name].shape[:1] for (_, part), name in places.items() if part == "labels"}
    rowed = [key.name for key in unused if headers[key.name].shape[:1] in rows or len(headers[key.name].shape) > 2]
    listed = {name: f"{shown(name)} ({headers[name]})" for name in rowed}
    classes = next((name for name in CLASSES if name in headers), None)
    return Keys(places, classes, listed)


def with_chosen(keys: Keys, headers: Mapping[str, ArrayHeader], name: str, part: Part, where: str) -> Keys:
    """The keys with the arrays of that name (``NAME_train`` and the like) as a part; ConfigurationError for none.

    Labels that are chosen have names of classes under ``NAMEs``, if at all.
    """
    rest = {key: key.casefold().replace(name.casefold(), "", 1) for key in headers if name.casefold() in key.casefold()}
    roles = roles_of(word for word in rest.values() if split_word(word) is not None)
    found = {(roles[word], part): key for key, word in rest.items() if word in roles}
    if not found and name in headers:
        found = {("train", part): name}
    if not found:
        raise ConfigurationError(
            f"{where} has no arrays {shown(name)}_train and the like (its keys: {', '.join(map(shown, headers))}); "
            f"name those of the {part}"
        )
    arrays = {place: key for place, key in keys.arrays.items() if place[1] != part} | found
    plural = f"{name}s" if f"{name}s" in headers else None
    unused = {key: text for key, text in keys.unused.items() if key not in (*found.values(), plural)}
    return Keys(arrays, plural if part == "labels" else keys.classes, unused)


def with_examples(keys: Keys) -> list[Role]:
    """The splits that have examples, training first."""
    given = {role for role, part in keys.arrays if part in EXAMPLES}
    every: tuple[Role, ...] = ("train", "validation", "test")
    return [role for role in every if role in given]


def _check_train(headers: Mapping[str, ArrayHeader], places: Mapping[tuple[Role, Part], str], where: str) -> None:
    if ("train", "labels") in places and any(("train", part) in places for part in EXAMPLES):
        return
    every = ", ".join(f"{shown(name)} ({header})" for name, header in headers.items()) or "none"
    known = ", ".join(shown(name) for name in places.values()) or "none"
    raise TaskError(
        f"{where} has no images and labels to train on (its keys: {every}; of the known keys it has: {known}); "
        f"{EXPECTED}"
    )


def _taken_apart(word: str) -> tuple[str, ...]:
    """``xtrain`` and ``trainimages`` as two words, any other word as it is."""
    for place in range(1, len(word)):
        first, second = word[:place], word[place:]
        if (first in _PART_OF and split_word(second)) or (second in _PART_OF and split_word(first)):
            return first, second
    return (word,) if word else ()
