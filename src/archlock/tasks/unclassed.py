"""Three fixed splits of data whose examples are of no class: several labels, numbers, fields.

As :mod:`~archlock.tasks.splitting`, by content and by the same shares, but drawn from all examples alike.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.forms import FORM_WORDS, Form
from archlock.tasks.inspection import inspected
from archlock.tasks.kinds import KINDS, Kind
from archlock.tasks.splitting import LOG, drawn_splits, refuse_few_groups
from archlock.tasks.task import Split, Task


def unclassed_task(
    name: str,
    kind: Kind,
    classes: tuple[str, ...],
    train: Split,
    validation: Split | None,
    test: Split | None,
    *,
    where: str,
    origin: str,
    remarks: Sequence[str] = (),
    form: Form = "image",
    seed: int,
) -> Task:
    """A task with the splits that are given kept as they are, and those that are missing taken out of ``train``.

    ``classes`` are names of labels, where the kind has some. What the kind makes of targets before they are learned
    (scales, what cannot be learned or scored) is done and said in the remarks. TaskError: too few examples, what the
    inspection refuses, or targets that this kind cannot have.
    """
    examples = FORM_WORDS[form].many
    traits, brought = KINDS[kind], {"train": train, "validation": validation, "test": test}
    parts = 1 + (validation is None) + (test is None)
    if len(train) < parts:
        raise TaskError(f"{where}: {len(train)} training {examples}; at least {parts} are needed, one for each split")
    for split_name, split in brought.items():
        if split is not None:
            if len(split) == 0:
                raise TaskError(f"{where}: the {split_name} split is empty; add {examples} to it, or leave it out")
            traits.check(split.targets, split.images, classes, f"{where}, {split_name}")
    refuse_few_groups(where, train, classes, parts, form, of_one=True)
    found = inspected(where, {split: given for split, given in brought.items() if given is not None}, (), form)
    everyone = np.zeros(len(train), dtype=np.int64)
    splits = drawn_splits(train, validation, test, everyone, seed=seed)
    prepared, said = traits.prepared({split: given.targets for split, given in splits.items()}, classes, where)
    remarks = (*remarks, *found, *said)
    for remark in remarks:
        LOG.warning("%s: %s", where, remark)
    made = {split: replace(given, targets=prepared[split]) for split, given in splits.items()}
    return Task(
        name,
        kind,
        classes,
        made["train"],
        made["validation"],
        made["test"],
        "; ".join((origin, *remarks)),
        remarks=tuple(remarks),
        form=form,
    )
