"""Where the classes of an image folder lie: right in it, or in a folder for each split.

A layout that looks like splits and is not understood is a TaskError that names the folders, never a guess.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from archlock.errors import TaskError
from archlock.tasks.sources.class_names import shown
from archlock.tasks.sources.split_names import Role, alike_but_for_the_split, roles_of

SYSTEM: Final = frozenset(
    {
        *("__MACOSX", "__pycache__", "@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "System Volume Information"),
        *("lost+found", "Thumbs.db"),
    }
)
"""Folders and files of operating systems and storage; hidden ones begin with a dot."""

UNUSED: Final = "__"
"""Names that begin so are not used."""

AS_CLASSES: Final = "if each of them is a class, say so with splits=False (PATH?splits=none)"


def is_visible(path: Path) -> bool:
    """Whether a file or folder is the owner's: neither hidden nor of an operating system."""
    return not path.name.startswith((".", UNUSED)) and path.name not in SYSTEM


def set_aside(path: Path) -> list[Path]:
    """Folders in a folder that are not used because of their names, though no system made them."""
    return sorted(
        folder
        for folder in path.iterdir()
        if folder.name.startswith(UNUSED) and folder.name not in SYSTEM and folder.is_dir()
    )


def subfolders(path: Path) -> list[Path]:
    """The visible folders in a folder, by name."""
    return sorted(folder for folder in path.iterdir() if is_visible(folder) and folder.is_dir())


def places_of(path: Path, *, splits: bool = True) -> dict[Role, Path]:
    """The folders that hold class folders: one for each split that is given, or the folder itself as ``train``.

    Splits are the subfolders whose names say so (see :mod:`archlock.tasks.sources.split_names`), if the one for
    training holds folders itself. Without ``splits`` every subfolder is a class.
    """
    inside = {folder.name: folder for folder in subfolders(path)}
    if not splits:
        return {"train": path}
    holding = {name: {one.name for one in subfolders(folder)} for name, folder in inside.items()}
    roles = roles_of(inside)
    by_role: dict[Role, list[str]] = {}
    for name in sorted(roles, reverse=True):
        if holding[name] or roles[name] != "train":
            by_role.setdefault(roles[name], []).append(name)
    if "train" not in by_role:
        _refuse_unclear(path, holding, roles)
        return {"train": path}
    for role, names in by_role.items():
        if len(names) > 1:
            purpose = {"train": "training", "validation": "validation", "test": "testing"}[role]
            raise TaskError(f"{_said(path)} has {_listed(names)}; keep one folder for {purpose}")
    places: dict[Role, Path] = {
        role: inside[by_role[role][0]] for role in ("train", "validation", "test") if role in by_role
    }
    others = sorted(set(inside) - {place.name for place in places.values()})
    if others:
        raise TaskError(
            f"{_said(path / others[0])} lies beside {_said(places['train'].name)}/ and is not a split; expected only "
            "train, test and validation there: move it away, or give a subfolder for each class without "
            f"{_said(places['train'].name)}/; {AS_CLASSES}"
        )
    for role, place in places.items():
        if not holding[place.name] and any(place.iterdir()):
            raise TaskError(
                f"{_said(place)} lacks {', '.join(sorted(map(shown, holding[places['train'].name])))}, compared with "
                f"the classes of {_said(places['train'])}: it is a split ({role}) without class folders; put the "
                "images of each class into a subfolder, or move it away if its images have no classes"
            )
    return places


def _refuse_unclear(path: Path, holding: Mapping[str, set[str]], roles: Mapping[str, Role]) -> None:
    """TaskError for folders that cannot all be classes: splits without training, or of unknown names."""
    kinds = {roles[name] for name in roles}
    flat = sorted(roles) if "train" in kinds and len(kinds) > 1 else alike_but_for_the_split(holding)
    if flat:
        hint = " and hold no class folders" if not any(holding[name] for name in flat) else ""
        raise TaskError(
            f"{_said(path)}: {_listed(flat)} look like splits{hint}; expected train, test and validation with a "
            f"subfolder for each class in them: move the images into such folders; {AS_CLASSES}"
        )
    for name, inner in sorted(holding.items()):
        mixed = sorted((inner & set(holding)) - {name})
        if mixed and (name in roles or len(mixed) > 1):
            raise TaskError(
                f"{_said(path / name)} holds {_listed(mixed)}, and so does {_said(path)}: a split beside class "
                f"folders; move the other class folders into {_said(path)}/train, or take {name!r} away; {AS_CLASSES}"
            )
    if len(holding) == 1 and len(next(iter(holding.values()))) > 1:
        only = next(iter(holding))
        raise TaskError(
            f"{_said(path)} holds one folder only, {shown(only)!r}, with {_listed(sorted(holding[only]))} in it: one "
            f"class only, unless those are the classes or splits; then give {_said(path / only)}"
        )
    deep = {name: inner for name, inner in holding.items() if len(inner) > 1}
    common, every = set.intersection(*deep.values()) if deep else set(), set().union(*deep.values())
    if len(deep) > 1 and len(common) > 1 and 2 * len(deep) >= len(holding) and 2 * len(common) >= len(every):
        inner_roles = set(roles_of(common).values())
        turned = " (splits inside of classes: turn them around, as in train/CLASS)" if "train" in inner_roles else ""
        raise TaskError(
            f"{_said(path)}: {_listed(sorted(deep))} all hold the folders {_listed(sorted(common))}, so they look like "
            f"splits and not like classes{turned}; name splits train, test and validation; {AS_CLASSES}"
        )


def _said(path: Path | str) -> str:
    return shown(str(path))


def _listed(names: list[str]) -> str:
    few = [shown(name) for name in names[:5]]
    if len(names) > 5:
        return f"{', '.join(few)} and {len(names) - 5} more"
    return " and ".join((", ".join(few[:-1]), few[-1])) if len(few) > 1 else few[0]
