"""Targets of an archive that are not one class for every image: several labels, numbers, fields.

A matrix of 0 and 1 is several labels, unless every row has exactly one 1, which is one class written another way. What
is to be learned of numbers cannot be seen by looking at them, so the archive says it: ``kind="regression"`` (N, or
N x D) or ``kind="field"`` (N x H x W, or N x H x W x D).
"""

from collections.abc import Mapping

import numpy as np

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks.forms import FORM_WORDS, Form
from archlock.tasks.kinds import KINDS, Kind
from archlock.tasks.sources.split_names import Role
from archlock.tasks.task import Split, Task
from archlock.tasks.unclassed import unclassed_task


def kind_of(said: np.ndarray | None, targets: np.ndarray, where: str) -> Kind:
    """The kind that the archive says, or that the targets of the training split show.

    ConfigurationError for a name that is not known.
    """
    if said is None:
        return "labels" if _several_labels(targets) else "classification"
    name = said.ravel()[0]
    for kind in KINDS.values():
        if str(name) == kind.name:
            return kind.name
    raise ConfigurationError(f"{where}: kind {str(name)!r} is not known; expected {', '.join(KINDS)}")


def _several_labels(targets: np.ndarray) -> bool:
    """Whether it is N x K of 0 and 1, K at least 2, and not one 1 in every row."""
    if targets.ndim != 2 or targets.shape[1] < 2 or targets.dtype.kind not in "buif":
        return False
    return bool(np.isin(targets, (0, 1)).all()) and not bool((targets.sum(axis=1) == 1).all())


def _along(given: np.ndarray) -> np.ndarray:
    """Numbers at every step of a signal, N x L or N x D x L, as those of images of one row."""
    if given.ndim == 2:
        return given[:, None]
    return given.swapaxes(1, 2)[:, None] if given.ndim == 3 else given


def other_task(
    kind: Kind,
    splits: Mapping[Role, tuple[np.ndarray, np.ndarray, np.ndarray | None]],
    names: tuple[str, ...] | None,
    *,
    name: str,
    where: str,
    origin: str,
    remarks: tuple[str, ...],
    form: Form,
    seed: int,
) -> Task:
    """The task of such a kind of images and targets as they were read; ``names`` are of labels, where they were given.

    TaskError for what :func:`~archlock.tasks.unclassed.unclassed_task` refuses.
    """
    traits, made, words = KINDS[kind], dict[Role, Split](), FORM_WORDS[form]
    for role, (images, given, groups) in splits.items():
        targets = traits.taken(_along(given) if form == "signal" and traits.dense else given, f"{where}, y_{role}")
        if len(images) != len(targets):
            raise TaskError(
                f"{where}: {role} has {len(images)} {words} but {len(targets)} targets; give one for each {words.one}, "
                "in one order"
            )
        made[role] = Split(images, targets, groups)
    count = made["train"].targets.shape[1] if traits.words.counted else 0
    labels = tuple(map(str, range(count))) if names is None else names
    return unclassed_task(
        name,
        kind,
        labels if count else (),
        made["train"],
        made.get("validation"),
        made.get("test"),
        where=where,
        origin=origin,
        remarks=remarks,
        form=form,
        seed=seed,
    )
