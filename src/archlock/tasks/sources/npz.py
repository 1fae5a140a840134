"""A task from one NumPy archive (``.npz``), in either of two layouts.

* Arrays: ``x_train``, ``y_train``, and optionally ``x_validation``, ``y_validation``, ``x_test``, ``y_test``. Images
  are N x H x W (grey) or N x H x W x C; ``uint8``, or floats in [0, 1].
* JPEG pack: ``jpeg_train`` (``uint8``, all files end to end) and ``off_train`` (N + 1 offsets: file i is
  ``jpeg_train[off_train[i]:off_train[i + 1]]``) stand in for ``x_train``, and likewise for the other splits. All images
  of a pack have one size. PNG, WebP and the other formats of an image folder are accepted too.

Labels are whole numbers from 0; ``classes`` optionally names them (index = label). Targets that are
not one class for every image: :mod:`archlock.tasks.sources.npz_targets`. Other usual names of the arrays are understood
(:mod:`archlock.tasks.sources.npz_keys`), and so is ``layout`` (:mod:`archlock.tasks.sources.axes`).
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks.archives import headers_of, read_npz
from archlock.tasks.kinds import KINDS, Kind
from archlock.tasks.sources.axes import LAYOUTS, layout_of
from archlock.tasks.sources.class_names import shown, shown_names
from archlock.tasks.sources.decoding import UnreadableError, decode, header_of, stacked
from archlock.tasks.sources.depth import Scale, scale_of
from archlock.tasks.sources.npz_keys import KIND, LAYOUT, Keys, keys_of
from archlock.tasks.sources.npz_targets import kind_of, other_task
from archlock.tasks.sources.split_names import Role
from archlock.tasks.splitting import classification_task
from archlock.tasks.task import Split, Task


def npz(path: str | Path, *, layout: str | None = None, seed: int = 0) -> Task:
    """The task in an archive; splits that are missing are taken out of train. Anything wrong raises TaskError.

    ``layout`` says how the axes of images are to be read (NHWC, NCHW or NHW; else ConfigurationError) where their shape
    does not; an array ``layout`` of the archive says it, too.
    """
    path = Path(path)
    keys = keys_of(headers_of(path), shown(str(path)))
    arrays = read_npz(path, [*keys.arrays.values(), *([keys.classes] if keys.classes else []), LAYOUT, KIND])
    layout = _layout(layout, arrays.get(LAYOUT), path)
    given = {role: (key, arrays[key]) for (role, part), key in keys.arrays.items() if part == "labels"}
    kind = kind_of(arrays.get(KIND), given["train"][1], shown(str(path))) if "train" in given else "classification"
    plain = KINDS[kind].has_classes
    labels = {role: _labels(array, path, key) if plain else array for role, (key, array) in given.items()}
    scale, remark = _scale_of_packs(keys, arrays, path)
    images = {role: _images(keys, arrays, role, layout, scale, path) for role in _with_images(keys)}
    for role in sorted(set(labels) ^ set(images)):
        there = next(key for (of, _), key in keys.arrays.items() if of == role)
        missing = f"x_{role}" if role in labels else f"y_{role}"
        raise TaskError(f"{path} has {there} but no {missing}; give both, or neither")
    remarks = tuple(filter(None, (keys.remark, remark)))
    images = dict(zip(images, _alike(images, path), strict=True))
    if not plain:
        return _other(kind, images, labels, None if keys.classes is None else arrays[keys.classes], path, remarks, seed)
    splits = {name: _split(images[name], labels[name], path, name) for name in images}
    if len(splits["train"]) == 0:
        raise TaskError(
            f"{path}: train holds no images; put the training images into x_train and their labels into y_train"
        )
    classes = _classes(None if keys.classes is None else arrays[keys.classes], splits, path)
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in splits.items())
    origin = f"NumPy archive {shown(path.name)} ({sizes} images, {len(classes)} classes)"
    return classification_task(
        shown(path.stem),
        classes,
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        where=shown(str(path)),
        origin=origin,
        remarks=remarks,
        seed=seed,
    )


def _other(
    kind: Kind,
    images: Mapping[Role, np.ndarray],
    targets: Mapping[Role, np.ndarray],
    names: np.ndarray | None,
    path: Path,
    remarks: tuple[str, ...],
    seed: int,
) -> Task:
    """A task whose examples are of no class."""
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in images.items())
    return other_task(
        kind,
        {role: (images[role], targets[role]) for role in images},
        None if names is None else _names(names, path),
        name=shown(path.stem),
        where=shown(str(path)),
        origin=f"NumPy archive {shown(path.name)} ({sizes} images, {KINDS[kind].words.short})",
        remarks=remarks,
        seed=seed,
    )


def check_npz(path: Path, *, layout: str | None = None) -> None:
    """What :func:`npz` says of the names and shapes of the arrays alone: none is read. Errors as there."""
    headers = headers_of(path)
    for (_, part), key in keys_of(headers, shown(str(path))).arrays.items():
        if part == "images" and LAYOUT not in headers:
            _layout_of(headers[key].shape, path, key, _layout(layout, None, path))


def _layout(asked: str | None, stored: np.ndarray | None, path: Path) -> str | None:
    said = asked if asked is not None or stored is None else str(stored)
    if said is None or said in LAYOUTS:
        return said
    raise ConfigurationError(f"{path}: layout {said!r} is not known; expected {', '.join(LAYOUTS)}")


def _with_images(keys: Keys) -> list[Role]:
    """The splits that have images, training first."""
    given = {role for role, part in keys.arrays if part in ("images", "pack")}
    every: tuple[Role, ...] = ("train", "validation", "test")
    return [role for role in every if role in given]


def _scale_of_packs(keys: Keys, arrays: dict[str, np.ndarray], path: Path) -> tuple[Scale, str]:
    """The scale of all files of more than 8 bits, and a remark on it; what cannot be read is for the decoder to say."""
    depths = []
    for (role, part), key in keys.arrays.items():
        ends = keys.arrays.get((role, "offsets"))
        if part != "pack" or ends is None or arrays[ends].ndim != 1 or arrays[ends].dtype.kind not in "iu":
            continue
        for begin, end in pairwise(arrays[ends].tolist()):
            try:
                depths.append(header_of(arrays[key][begin:end].tobytes()).depth)
            except UnreadableError:
                continue
    return scale_of((depth for depth in depths if depth is not None), shown(str(path)))


def _images(
    keys: Keys, arrays: dict[str, np.ndarray], role: Role, layout: str | None, scale: Scale, path: Path
) -> UInt8[np.ndarray, "examples height width channels"]:
    key = keys.arrays.get((role, "images"))
    if key is not None:
        return _pixels(arrays[key], path, key, layout)
    pack, ends = keys.arrays[role, "pack"], keys.arrays.get((role, "offsets"))
    if ends is None:
        raise TaskError(f"{path} has {pack} but no off_{role}; a JPEG pack needs the N + 1 offsets of its files")
    return _unpacked(arrays[pack], arrays[ends], path, role, scale)


def _pixels(
    array: np.ndarray, path: Path, key: str, layout: str | None
) -> UInt8[np.ndarray, "examples height width channels"]:
    layout = _layout_of(array.shape, path, key, layout)
    if array.dtype != np.uint8:
        array = _from_floats(array, f"{shown(str(path))}, key {shown(key)!r}", key)
    if layout == "NCHW":
        array = array.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(array if array.ndim == 4 else array[..., None])


def _layout_of(shape: tuple[int, ...], path: Path, key: str, layout: str | None) -> str:
    """The layout that is said, if it fits the shape, or else the one that the shape says."""
    if layout is not None and len(shape) == len(layout) and 0 not in shape[1:]:
        return layout
    return layout_of(shape, f"{shown(str(path))}, key {shown(key)!r}", shown(key))


def _from_floats(array: np.ndarray, where: str, key: str) -> UInt8[np.ndarray, "..."]:
    if array.dtype.kind != "f":
        raise TaskError(
            f"{where}: expected uint8, or floats in [0, 1], got {array.dtype}; for values 0 to 255 use "
            f"{key}.astype(numpy.uint8), for others divide all splits by the same number (4095 for levels of 12 bits)"
        )
    flat = array.reshape(len(array), -1)
    for wrong, words in (
        (~np.isfinite(flat), "NaN or an infinity"),
        ((flat < 0) | (flat > 1), "a value outside [0, 1]"),
    ):
        rows = np.flatnonzero(wrong.any(axis=1))
        if len(rows):
            raise TaskError(
                f"{where}: {len(rows)} of {len(array)} images hold {words}, the first is row {rows[0]}; clean the "
                "data, or scale it to uint8 values 0 to 255"
            )
    return np.rint(array * 255.0).astype(np.uint8)


def _unpacked(
    files: np.ndarray, offsets: np.ndarray, path: Path, split: str, scale: Scale
) -> UInt8[np.ndarray, "examples height width channels"]:
    where = f"{path}, key 'off_{split}'"
    if files.dtype != np.uint8 or files.ndim != 1:
        raise TaskError(
            f"{path}, key 'jpeg_{split}': expected bytes (uint8, one axis), got {files.dtype} {files.shape}"
        )
    if offsets.dtype.kind not in "iu" or offsets.ndim != 1 or len(offsets) < 2:
        raise TaskError(f"{where}: expected N + 1 whole numbers, got {offsets.dtype} {offsets.shape}")
    places = offsets.astype(object)  # exact for any integer type
    if places[0] < 0 or places[-1] > len(files) or any(a >= b for a, b in pairwise(places)):
        raise TaskError(
            f"{where}: offsets must ascend from 0 to at most {len(files)}, the length of jpeg_{split}; write "
            "the pack again"
        )
    decoded = []
    for row, (begin, end) in enumerate(pairwise(places)):
        try:
            decoded.append(decode(files[begin:end].tobytes(), scale=scale))
        except UnreadableError as error:
            raise TaskError(
                f"{path}, key 'jpeg_{split}', image {row}: {error}; write the pack again without it"
            ) from error
        if decoded[row].shape[:2] != decoded[0].shape[:2]:
            raise TaskError(
                f"{path}, key 'jpeg_{split}', image {row}: is {decoded[row].shape[:2]}, but image 0 is "
                f"{decoded[0].shape[:2]}; a pack holds images of one size (put files of many sizes in an image folder)"
            )
    return stacked(decoded)


def _labels(array: np.ndarray, path: Path, key: str) -> Int64[np.ndarray, " examples"]:
    where = f"{path}, key {key!r}"
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise TaskError(
            f"{where}: expected one label per image (one axis), got shape {array.shape}; for one-hot labels use "
            f"{key}.argmax(axis=1)"
        )
    if array.dtype.kind not in "iu":
        raise TaskError(
            f"{where}: expected whole numbers from 0, got {array.dtype}; number the classes from 0, as with "
            f"numpy.unique({key}, return_inverse=True)[1]"
        )
    if len(array) and (array.min() < 0 or array.max() >= 2**31):
        raise TaskError(
            f"{where}: labels run from {array.min()} to {array.max()}; expected 0 to the number of classes - 1 "
            "(-1 often marks images without a label: leave them out)"
        )
    return array.astype(np.int64)


def _alike(images: Mapping[Role, np.ndarray], path: Path) -> list[np.ndarray]:
    """All splits with one image size and channel count; grey ones become colour where another split is colour."""
    sizes = {name: array.shape[1:3] for name, array in images.items()}
    channels = max(array.shape[3] for array in images.values())
    for name, array in images.items():
        if sizes[name] != sizes["train"] or array.shape[3] not in (1, channels):
            raise TaskError(
                f"{path}: images of {name} are {array.shape[1:]}, those of train {images['train'].shape[1:]}; all "
                "splits need one image size and number of channels"
            )
    return [np.repeat(a, channels, axis=3) if a.shape[3] < channels else a for a in images.values()]


def _split(images: np.ndarray, labels: np.ndarray, path: Path, name: str) -> Split:
    if len(images) != len(labels):
        raise TaskError(
            f"{path}: {name} has {len(images)} images but {len(labels)} labels; give one label per image, in one order"
        )
    return Split(images, labels)


def _classes(names: np.ndarray | None, splits: Mapping[Role, Split], path: Path) -> tuple[str, ...]:
    highest = max((int(split.targets.max()) for split in splits.values() if len(split)), default=-1)
    if names is None:
        if highest >= len(splits["train"]):  # also keeps a stray label of two billion from becoming as many names
            raise TaskError(
                f"{path}: labels go up to {highest}, but there are only {len(splits['train'])} training images; number "
                "the classes from 0 without gaps"
            )
        return tuple(str(label) for label in range(highest + 1))
    classes = _names(names, path)
    for name, split in splits.items():
        if len(split) and split.targets.max() >= len(classes):
            raise TaskError(
                f"{path}: y_{name} has the label {split.targets.max()}, but classes names only {len(classes)} (labels "
                f"0 to {len(classes) - 1}); name all the classes or fix the labels"
            )
    return classes


def _names(names: np.ndarray, path: Path) -> tuple[str, ...]:
    """Of classes or labels."""
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise TaskError(f"{path}, key 'classes': expected a list of names, got {names.dtype} {names.shape}")
    classes = tuple(
        name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name) for name in names.tolist()
    )
    if len(set(classes)) < len(classes):
        raise TaskError(f"{path}, key 'classes': a name occurs twice in {list(classes)}; give each class its own name")
    return shown_names(classes, f"{shown(str(path))}, key 'classes'")
