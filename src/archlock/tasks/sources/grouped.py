"""Groups of an archive: which recording or patient an example is of. They have names or numbers of any kind."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from archlock.errors import TaskError
from archlock.tasks.sources.split_names import Role
from archlock.tasks.task import refuse_shared_groups


def groups_of(
    given: Mapping[Role, np.ndarray], examples: Mapping[Role, int], path: Path
) -> dict[Role, Int64[np.ndarray, " examples"]]:
    """Numbers of the groups of every split, the same for the same name everywhere; of no groups none.

    TaskError: no names or whole numbers, another number than of examples, a split whose groups are not named, or a
    group in two splits.
    """
    for role, array in given.items():
        if array.ndim != 1 or array.dtype.kind not in "iuUS":
            raise TaskError(
                f"{path}: the groups of {role} are names or whole numbers, one for each example; got {array.dtype} "
                f"{array.shape}"
            )
        if role in examples and len(array) != examples[role]:
            raise TaskError(
                f"{path}: {role} has {examples[role]} examples but {len(array)} groups; give one for each example"
            )
    if not given:
        return {}
    names, rows = np.unique(np.concatenate([array.astype(str) for array in given.values()]), return_inverse=True)
    ends = np.cumsum([len(array) for array in given.values()])[:-1]
    numbers = dict(zip(given, np.split(rows.astype(np.int64), ends), strict=True))
    refuse_shared_groups({role: numbers.get(role) for role in examples}, str(path), names.tolist())
    return numbers
