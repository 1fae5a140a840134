"""A task from one NumPy archive (``.npz``), in one of three layouts.

* Arrays: ``x_train``, ``y_train``, and optionally ``x_validation``, ``y_validation``, ``x_test``, ``y_test``. Images
  are N x H x W (grey) or N x H x W x C; ``uint8``, or floats in [0, 1].
* JPEG pack: ``jpeg_train`` (``uint8``, all files end to end) and ``off_train`` (N + 1 offsets: file i is
  ``jpeg_train[off_train[i]:off_train[i + 1]]``) stand in for ``x_train``, and likewise for the other splits. All images
  of a pack have one size. PNG, WebP and the other formats of an image folder are accepted too.
* Signals: ``signal_train`` and its like, N x C x L or N x L numbers, stand in for ``x_train``; arrays of these axes
  under the usual names are signals where that is said (:mod:`archlock.tasks.sources.measured`).

Labels are whole numbers from 0; ``classes`` optionally names them (index = label). Targets that are
not one class for every image: :mod:`archlock.tasks.sources.npz_targets`. Other usual names of the arrays are understood
(:mod:`archlock.tasks.sources.npz_keys`), and so is ``layout`` (:mod:`archlock.tasks.sources.axes`).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks.archives import headers_of, read_npz
from archlock.tasks.forms import FORM_WORDS, Form
from archlock.tasks.kinds import KINDS, Kind
from archlock.tasks.sources.axes import LAYOUTS, layout_of
from archlock.tasks.sources.class_names import shown, shown_names
from archlock.tasks.sources.depth import Scale
from archlock.tasks.sources.grouped import groups_of
from archlock.tasks.sources.measured import MEASURED, SIGNAL_LAYOUTS, alike, held, signals_of
from archlock.tasks.sources.npz_keys import (
    EXAMPLES,
    KIND,
    LAYOUT,
    VALUES,
    Keys,
    Part,
    keys_of,
    with_chosen,
    with_examples,
)
from archlock.tasks.sources.npz_targets import kind_of, other_task
from archlock.tasks.sources.packs import scale_of_packs, unpacked
from archlock.tasks.sources.split_names import Role
from archlock.tasks.splitting import classification_task
from archlock.tasks.task import Split, Task


def npz(
    path: str | Path,
    *,
    layout: str | None = None,
    signals: bool = False,
    values: str | None = None,
    label: str | None = None,
    group: str | None = None,
    seed: int = 0,
) -> Task:
    """The task in an archive; splits that are missing are taken out of train. Anything wrong raises TaskError.

    ``layout`` says how the axes of images are to be read (NHWC, NCHW or NHW; else ConfigurationError) where their shape
    does not; an array ``layout`` of the archive says it, too. With ``signals``, or the layout NCL or NLC, arrays are
    signals whatever they are called. ``values="measured"`` says that images are no levels, and are kept as they are.
    ``label`` and ``group`` name other arrays of labels, and those of groups that no split may cut (``group_train`` and
    the like are such without being named).
    """
    path = Path(path)
    headers = headers_of(path)
    keys = keys_of(headers, shown(str(path)))
    chosen: tuple[tuple[str | None, Part], ...] = ((label, "labels"), (group, "groups"))
    for name, part in chosen:
        keys = keys if name is None else with_chosen(keys, headers, name, part, shown(str(path)))
    arrays = read_npz(path, [*keys.arrays.values(), *([keys.classes] if keys.classes else []), LAYOUT, KIND, VALUES])
    layout = _layout(layout, arrays.get(LAYOUT), path)
    form: Form = "signal" if signals or _are_signals(keys, layout) else "image"
    measured = _measured(values, arrays.get(VALUES), path)
    given = {role: (key, arrays[key]) for (role, part), key in keys.arrays.items() if part == "labels"}
    kind = kind_of(arrays.get(KIND), given["train"][1], shown(str(path))) if "train" in given else "classification"
    plain = KINDS[kind].has_classes
    labels = {role: _labels(array, path, key) if plain else array for role, (key, array) in given.items()}
    scale, remark = scale_of_packs(keys, arrays, path)
    images = (
        _signals(keys, arrays, layout, path)
        if form == "signal"
        else {role: _images(keys, arrays, role, layout, scale, path, measured=measured) for role in with_examples(keys)}
    )
    for role in sorted(set(labels) ^ set(images)):
        there = next(key for (of, _), key in keys.arrays.items() if of == role)
        missing = f"x_{role}" if role in labels else f"y_{role}"
        raise TaskError(f"{path} has {there} but no {missing}; give both, or neither")
    remarks = tuple(filter(None, (keys.remark, remark)))
    named = {role: arrays[key] for (role, of), key in keys.arrays.items() if of == "groups"}
    groups = groups_of(named, {role: len(array) for role, array in images.items()}, path)
    images = alike(images, str(path)) if form == "signal" else dict(zip(images, _alike(images, path), strict=True))
    if not plain:
        names = None if keys.classes is None else arrays[keys.classes]
        return _other(kind, images, labels, groups, names, path, remarks, form, seed)
    examples = FORM_WORDS[form].many
    splits = {name: _split(images[name], labels[name], groups.get(name), path, name, examples) for name in images}
    if len(splits["train"]) == 0:
        raise TaskError(
            f"{path}: train holds no {examples}; put the training {examples} into x_train and their labels into y_train"
        )
    classes = _classes(None if keys.classes is None else arrays[keys.classes], splits, path)
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in splits.items())
    origin = f"NumPy archive {shown(path.name)} ({sizes} {examples}, {len(classes)} classes)"
    return classification_task(
        shown(path.stem),
        classes,
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        where=shown(str(path)),
        origin=origin,
        remarks=remarks,
        form=form,
        seed=seed,
    )


def _other(
    kind: Kind,
    images: Mapping[Role, np.ndarray],
    targets: Mapping[Role, np.ndarray],
    groups: Mapping[Role, np.ndarray],
    names: np.ndarray | None,
    path: Path,
    remarks: tuple[str, ...],
    form: Form,
    seed: int,
) -> Task:
    """A task whose examples are of no class."""
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in images.items())
    return other_task(
        kind,
        {role: (images[role], targets[role], groups.get(role)) for role in images},
        None if names is None else _names(names, path),
        name=shown(path.stem),
        where=shown(str(path)),
        origin=f"NumPy archive {shown(path.name)} ({sizes} {FORM_WORDS[form]}, {KINDS[kind].words.short})",
        remarks=remarks,
        form=form,
        seed=seed,
    )


def check_npz(path: Path, *, layout: str | None = None, signals: bool = False) -> None:
    """What :func:`npz` says of the names and shapes of the arrays alone: none is read. Errors as there."""
    headers = headers_of(path)
    keys, said = keys_of(headers, shown(str(path))), _layout(layout, None, path)
    if signals or _are_signals(keys, said):
        return
    for (_, part), key in keys.arrays.items():
        if part == "images" and LAYOUT not in headers:
            _layout_of(headers[key].shape, path, key, said)


def _are_signals(keys: Keys, layout: str | None) -> bool:
    return layout in SIGNAL_LAYOUTS or any(part == "signals" for _, part in keys.arrays)


def _signals(keys: Keys, arrays: dict[str, np.ndarray], layout: str | None, path: Path) -> dict[Role, np.ndarray]:
    if layout is not None and layout not in SIGNAL_LAYOUTS:
        raise ConfigurationError(
            f"{path}: layout {layout!r} is one of images; signals have {' or '.join(SIGNAL_LAYOUTS)}"
        )
    found = {}
    for role in with_examples(keys):
        parts = [part for part in EXAMPLES if (role, part) in keys.arrays]
        key = keys.arrays[role, parts[0]]
        if len(parts) > 1 or parts[0] == "pack":
            listed = " and ".join(shown(keys.arrays[role, part]) for part in parts)
            raise TaskError(f"{path}: {listed} of {role} are not signals alone; keep one array of signals")
        found[role] = signals_of(arrays[key], f"{shown(str(path))}, key {shown(key)!r}", layout)
    return found


def _layout(asked: str | None, stored: np.ndarray | None, path: Path) -> str | None:
    said = asked if asked is not None or stored is None else str(stored)
    known = (*LAYOUTS, *SIGNAL_LAYOUTS)
    if said is None or said in known:
        return said
    raise ConfigurationError(f"{path}: layout {said!r} is not known; expected {', '.join(known)}")


def _measured(asked: str | None, stored: np.ndarray | None, path: Path) -> bool:
    is_text = stored is not None and stored.dtype.kind in "US"  # (anything else of that name is none of ours)
    said = asked if asked is not None or not is_text else str(stored)
    if said in (None, MEASURED, "levels"):
        return said == MEASURED
    raise ConfigurationError(f"{path}: values {said!r} are not known; expected {MEASURED} or levels")


def _images(
    keys: Keys,
    arrays: dict[str, np.ndarray],
    role: Role,
    layout: str | None,
    scale: Scale,
    path: Path,
    *,
    measured: bool,
) -> np.ndarray:
    key = keys.arrays.get((role, "images"))
    if key is not None:
        return _pixels(arrays[key], path, key, layout, measured=measured)
    pack, ends = keys.arrays[role, "pack"], keys.arrays.get((role, "offsets"))
    if ends is None:
        raise TaskError(f"{path} has {pack} but no off_{role}; a JPEG pack needs the N + 1 offsets of its files")
    return unpacked(arrays[pack], arrays[ends], path, role, scale)


def _pixels(array: np.ndarray, path: Path, key: str, layout: str | None, *, measured: bool) -> np.ndarray:
    """Of images N x H x W x C, levels unless they are measured values."""
    layout, where = _layout_of(array.shape, path, key, layout), f"{shown(str(path))}, key {shown(key)!r}"
    if measured:
        array = held(array, where)
    elif array.dtype != np.uint8:
        array = _from_floats(array, where, key)
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
            f"{key}.astype(numpy.uint8), for others divide all splits by the same number (4095 for levels of 12 bits); "
            "measured values are kept as they are with ?values=measured"
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
                "data, or scale it to uint8 values 0 to 255 (measured values: ?values=measured; signals: --signals)"
            )
    return np.rint(array * 255.0).astype(np.uint8)


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


def _split(
    images: np.ndarray, labels: np.ndarray, groups: np.ndarray | None, path: Path, name: str, examples: str
) -> Split:
    if len(images) != len(labels):
        raise TaskError(
            f"{path}: {name} has {len(images)} {examples} but {len(labels)} labels; give one label per "
            f"{examples.removesuffix('s')}, in one order"
        )
    return Split(images, labels, groups)


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
    return shown_names(classes, f"{shown(str(path))}, key 'classes'")
