"""Which columns of a file to take and what they are, in one text each.

``TASK[@EPOCHS]=COLUMN[:ROLE][:lower][:KEY=VALUE ...]``, for example ``cifar10=test_200:unit=%``,
``cifar10@12=cifar10_valid_12:evidence:split=validation``, ``cifar10=*_cifar10:proxy``, ``=params:cost:lower:unit=M``.
"""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from archlock.errors import TableError
from archlock.tables.sheets import near
from archlock.tables.table import ROLES, RecordedColumn, Role

FORM = "TASK[@EPOCHS]=COLUMN[:ROLE][:lower][:KEY=VALUE ...]"
KEYS = ("unit", "metric", "split", "checkpoint", "runs", "name", "noise")
NOT_VALIDATION = "naslib_val_accuracy"


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One wanted column of a file, or with a ``*`` several, and what is recorded there."""

    source: str
    column: RecordedColumn


def parse_spec(text: str) -> ColumnSpec:
    """The wanted column that a text describes; a text of another form raises TableError that shows the form."""
    left, equals, right = text.partition("=")
    source, *rest = (part.strip() for part in right.split(":"))
    task, at, epochs = left.partition("@")
    if not equals or not source or (at and not (epochs.isdigit() and int(epochs) > 0)):
        raise _misfit(text, "it needs a task, '=' and the name of a column, and a whole number after '@'")
    role, better, given = "truth", True, dict[str, str]()
    for word in rest:
        key, is_pair, value = word.partition("=")
        if is_pair and key in KEYS and value:
            given[key] = value
        elif word in ROLES:
            role = word
        elif word == "lower":
            better = False
        else:
            raise _misfit(text, f"{word!r} is neither a role nor 'lower' nor KEY=VALUE")
    if role == "proxy" and not source.replace("*", ""):
        raise _misfit(text, "a bare '*' takes every column")
    if "*" in source and (role != "proxy" or source.count("*") > 1):
        raise _misfit(text, "only a proxy may have a '*', and only one")
    name = given.pop("name", "") or "_".join(source.split())
    column = RecordedColumn(
        name,
        task.strip(),
        cast(Role, role),
        epochs=int(epochs) if at else None,
        higher_is_better=better,
        noise=_noise(text, given.pop("noise", "0")),
        **given,
    )
    refuse_false_validation(source, column)
    return ColumnSpec(source, column)


def expand(spec: ColumnSpec, known: Sequence[str]) -> tuple[ColumnSpec, ...]:
    """The columns that a spec with ``*`` means: what stands for the ``*`` is the proxy's name."""
    if "*" not in spec.source:
        if spec.source not in known:
            raise TableError(f"there is no column {spec.source!r}; {near(spec.source, known)}")
        return (spec,)
    before, _, after = spec.source.partition("*")
    matches = [name for name in known if fnmatch.fnmatchcase(name, spec.source) and len(name) > len(before + after)]
    if not matches:
        raise TableError(f"no column matches {spec.source!r}; {near(before + after, known)}")
    return tuple(
        ColumnSpec(
            name,
            replace(
                spec.column,
                name="_".join(name.split()),
                metric=name.removeprefix(before).removesuffix(after).rstrip("_"),
            ),
        )
        for name in matches
    )


def refuse_false_validation(source: str, column: RecordedColumn) -> None:
    """NASLib's "val_accuracy" of NAS-Bench-201 is a test value, so as evidence it would leak truth: TableError."""
    if column.role == "evidence" and NOT_VALIDATION in source:
        raise TableError(
            f"column {source!r} cannot be evidence: what NASLib and NAS-Bench-Suite-Zero call 'val_accuracy' on "
            "NAS-Bench-201 is a test-set value of one seed, so a search would see the answer. Take a 12-epoch "
            "validation column instead, or import it as truth"
        )


def _noise(text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise _misfit(text, f"noise is a number, the standard deviation of one training; got {value!r}") from None


def _misfit(text: str, reason: str) -> TableError:
    return TableError(
        f"column {text!r} is not understood: {reason}; write {FORM}, roles {', '.join(ROLES)}, keys {', '.join(KEYS)}, "
        "for example cifar10@12=cifar10_valid_12:evidence"
    )
