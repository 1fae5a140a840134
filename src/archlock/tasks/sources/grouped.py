"""Groups of an archive: which recording or patient an example is of. They have names or numbers of any kind."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.sources.split_names import Role
from archlock.tasks.task import Split, refuse_shared_groups


def groups_of(given: Mapping[Role, np.ndarray], path: Path) -> tuple[dict[Role, np.ndarray], tuple[str, ...]]:
    """Numbers of the groups of every split, and the names that these stand for."""
    for role, array in given.items():
        if array.ndim != 1 or array.dtype.kind not in "iuUS":
            raise TaskError(
                f"{path}: the groups of {role} are names or whole numbers, one for each example; got {array.dtype} "
                f"{array.shape}"
            )
    if not given:
        return {}, ()
    names, rows = np.unique(np.concatenate([array.astype(str) for array in given.values()]), return_inverse=True)
    ends = np.cumsum([len(array) for array in given.values()])[:-1]
    numbers = np.split(rows.astype(np.int64), ends)
    return dict(zip(given, numbers, strict=True)), tuple(names.tolist())


def with_groups(
    splits: Mapping[Role, Split], groups: Mapping[Role, np.ndarray], names: tuple[str, ...], where: str
) -> dict[Role, Split]:
    """The splits with their groups; TaskError for a group in two of them, and for another number than of examples."""
    for role, split in splits.items():
        if role in groups and len(groups[role]) != len(split):
            raise TaskError(
                f"{where}: {role} has {len(split)} examples but {len(groups[role])} groups; give one for each example"
            )
    made: dict[str, Split] = {role: replace(split, groups=groups.get(role)) for role, split in splits.items()}
    refuse_shared_groups(made, where, names)
    return {role: made[role] for role in splits}
