"""What a reader must know before any number: models that learned nothing, and targets that are no targets.

A model is held against the best constant answer, which is the share of the largest class. That one is better is said
only as far as the images of the test split can tell. Not for dense tasks, whose R squared is 0 for the constant answer.
"""

import math
from typing import Final

import numpy as np

from archlock.reports.record import AttackRecord, LockRecord
from archlock.reports.record_parts import ModelRecord, TargetRecord, TaskRecord
from archlock.reports.wording import percent, plural, role_names, shorten
from archlock.tasks import FORM_WORDS, KINDS

_ONE_SIDED: Final = 1.645
"""Standard errors that a chance difference stays below, in 95 of 100 cases."""


def warnings_of(record: LockRecord | AttackRecord) -> tuple[str, ...]:
    """One sentence for each, the models first; nothing for an ordinary run."""
    return (*nothing_learned(record), *_doubles(record))


def nothing_learned(record: LockRecord | AttackRecord) -> tuple[str, ...]:
    """A sentence for every model that does no better on the source than the best constant answer."""
    source, names = record.source, role_names(record)
    if source is None or not KINDS[source.kind].has_classes:
        return ()
    return tuple(
        f"The {names[model.role]} model {words}" for model in record.models if (words := _at_chance(model, source))
    )


def is_constant(model: ModelRecord, source: TaskRecord) -> bool:
    """Whether a model answers one class for every image, or scores no better than that."""
    known = KINDS[source.kind].has_classes and bool(model.source_test)
    return bool(model.only_answer) or (known and float(np.mean(model.source_test)) <= source.constant)


def _at_chance(model: ModelRecord, source: TaskRecord) -> str:
    """What is to be said of the model; empty if it has learned something."""
    if not model.source_test:
        return ""
    words = FORM_WORDS[source.form]
    reached, constant = float(np.mean(model.source_test)), source.constant
    name = f" {shorten(source.largest, 40)!r}," if source.largest else ""
    always = f"always answering{name} the largest class ({percent(constant)})"
    if source.scoring:
        always = f"always answering one class ({percent(constant)} {source.scoring})"
    if model.only_answer:
        return (
            f"answers one class for every {words.one} ({shorten(model.only_answer, 40)!r}), so it has learned nothing: "
            f"its {percent(reached)} on the source are the share of that class. Chance is {percent(constant)}."
        )
    if reached <= constant:
        return f"is no better than {always}: it reaches {percent(reached)} on the source, so it has learned nothing."
    images = source.examples.get("test", 0)
    if (
        images
        and not source.scoring
        and reached < constant + _ONE_SIDED * math.sqrt(constant * (1 - constant) / images)
    ):
        return (
            f"is no better than {always}, as far as {plural(images, f'test {words.one}')} can tell: it reaches "
            f"{percent(reached)} on the source."
        )
    return ""


def _doubles(record: LockRecord | AttackRecord) -> tuple[str, ...]:
    return tuple(words for target in record.targets for words in (_same(target), _shared(target)) if words)


def _same(target: TargetRecord) -> str:
    name = shorten(target.name, 60)
    if target.same_as == "source":
        return (
            f"The target {name} is the same data as the source: what attackers reach there is the model's own task, "
            "and says nothing about others."
        )
    if target.same_as:
        return f"The target {name} is the same data as the target {shorten(target.same_as, 60)}, so it counts twice."
    return ""


def _shared(target: TargetRecord) -> str:
    if not target.of_source or target.same_as == "source":
        return ""
    words = FORM_WORDS[target.form]
    return (
        f"{target.of_source:,} of the {target.images or 0:,} {words} of {shorten(target.name, 60)} are {words} of the "
        f"source, too, {words.place} by {words.place}: on those attackers have a model that has seen them."
    )
