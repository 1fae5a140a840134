"""Write the pages of the schemas from the records: ``python docs/make_schema.py``. A test compares the two."""

import ast
import dataclasses
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import get_args

from archlock.reports import (
    before_after,
    candidates,
    compact,
    conceal,
    cost_parts,
    evaluation,
    evaluation_parts,
    hardening,
    leak_parts,
    nontransferable_parts,
    peep,
    record,
    record_parts,
    robustness,
)

DOCS = Path(__file__).parent


def _words(literal: object) -> str:
    return ", ".join(f"`{word}`" for word in get_args(literal))


HEAD = f"""# Schema of `result.json`

Schema {record.SCHEMA}. Written by `docs/make_schema.py` from `archlock/reports/record.py`,
`archlock/reports/record_parts.py`, `archlock/reports/cost_parts.py`, `archlock/reports/nontransferable_parts.py` and
`archlock/reports/leak_parts.py`; change it there.

A lock run writes a `LockRecord`, `archlock attack` an `AttackRecord`; `record` tells which. `record` and `schema`
are in every file; other fields with a default may be missing. Scores are fractions in [0, 1] (accuracy) or R squared
(dense tasks: at most 1, may be negative), higher is better. A number that does not exist is `null`; NaN never occurs.

`tuple[X, ...]` is a list of X. Words: `Scheme` is {_words(record_parts.Scheme)}; `Role` {_words(record_parts.Role)};
`Kind` {_words(record_parts.Kind)}; `Status` {_words(record_parts.Status)}; `LatencyKind`
{_words(cost_parts.LatencyKind)}; `LimitName` {_words(cost_parts.LimitName)}.

`archlock.reports.from_json(path)` reads a file and complains, by place, about whatever does not fit; a file of another
schema number is refused. Reports and model cards are made from this file alone (`archlock report`).
"""


EVALUATION_HEAD = f"""# Schema of `evaluation.json`

Schema {evaluation.EVALUATION_SCHEMA}. Written by `docs/make_schema.py` from `archlock/reports/evaluation.py` and
`archlock/reports/evaluation_parts.py`; change it there.

One `EvaluationRecord`. Percentiles are in [0, 100] over the whole table, ties averaged, 100 is the best; values are as
recorded, in the column's unit. A number that does not exist is `null`; NaN never occurs. `tuple[X, ...]` is a list of
X.

`archlock.reports.evaluation_from_json(path)` reads a file and complains, by place, about whatever does not fit; a file
of another schema number is refused. The page, `summary.json` and the tables of runs are made from this file alone.
"""


ROBUSTNESS_HEAD = f"""# Schema of `robustness.json`

Schema {robustness.ROBUSTNESS_SCHEMA}. Written by `docs/make_schema.py` from
`archlock/reports/robustness.py`; change it there. `TaskRecord` is in the
[schema of `result.json`](results-schema.md).

One `RobustnessRecord`. Shares are in [0, 1]; NaN never occurs. `tuple[X, ...]` is a list of X. Accuracies are not in
it: they are counted from `beaten`, so that two models can be compared image by image.

`archlock.reports.robustness_from_json(path)` reads a file and complains, by place, about whatever does not fit; a file
of another schema number is refused. The page is made from this file alone (`archlock report`).
"""


COMPACT_HEAD = f"""# Schema of `compact.json`

Schema {compact.COMPACT_SCHEMA}. Written by `docs/make_schema.py` from `archlock/reports/compact.py` and
`archlock/reports/before_after.py`; change it there. `TaskRecord`, `TargetRecord` and `OutcomeRecord` are in the
[schema of `result.json`](results-schema.md).

One `CompactRecord`. Scores and shares are in [0, 1]; NaN never occurs. `tuple[X, ...]` is a list of X.

`archlock.reports.compact_from_json(path)` reads a file and complains, by place, about whatever does not fit; a file of
another schema number is refused. Page and card are made from this file alone (`archlock report`).
"""


HARDENING_HEAD = f"""# Schema of `hardening.json`

Schema {hardening.HARDENING_SCHEMA}. Written by `docs/make_schema.py` from `archlock/reports/hardening.py` and
`archlock/reports/before_after.py`; change it there. `RobustnessRecord` is in the
[schema of `robustness.json`](robustness-schema.md), `TaskRecord`, `TargetRecord` and `OutcomeRecord` in the
[schema of `result.json`](results-schema.md).

One `HardeningRecord`. Shares are in [0, 1]; NaN never occurs; a number that does not exist is `null`. `tuple[X, ...]`
is a list of X.

`archlock.reports.hardening_from_json(path)` reads a file and complains, by place, about whatever does not fit; a file
of another schema number is refused. The page is made from this file alone (`archlock report`).
"""


PEEP_HEAD = f"""# Schema of `peep.json` and `candidates.json`

Schemas {peep.PEEP_SCHEMA} and {candidates.CANDIDATES_SCHEMA}. Written by `docs/make_schema.py` from
`archlock/reports/peep.py` and `archlock/reports/candidates.py`; change it there.

`archlock peep` writes one `PeepRecord`, with `--candidates` one `CandidatesRecord`. Shares are in [0, 1], errors are
edit distances over the length of the true sequence (0: all is read; may be above 1). NaN never occurs. `tuple[X, ...]`
is a list of X.

`archlock.reports.peep_from_json(path)` and `archlock.reports.candidates_from_json(path)` read a file and complain, by
place, about whatever does not fit. The pages are made from these files alone (`archlock report`).
"""


CONCEAL_HEAD = f"""# Schema of `conceal.json`

Schema {conceal.CONCEAL_SCHEMA}. Written by `docs/make_schema.py` from `archlock/reports/conceal.py`; change it there.

`archlock conceal` writes one `ConcealRecord`. Errors are edit distances over the length of the true sequence (0: all is
read; may be above 1), shares are in [0, 1]. NaN never occurs. `tuple[X, ...]` is a list of X. The plan is in
`edited.json`, too, as the edits by which the hidden model is built.

`archlock.reports.conceal_from_json(path)` reads a file and complains, by place, about whatever does not fit; a file of
another schema number is refused. Page and card are made from this file alone (`archlock report`).
"""


def schema_page() -> str:
    """The page of ``result.json``: one table for each record, in the order of the two files' own fields."""
    return _page([record, record_parts, cost_parts, nontransferable_parts, leak_parts], HEAD)


def evaluation_page() -> str:
    """The page of ``evaluation.json``."""
    return _page([evaluation, evaluation_parts], EVALUATION_HEAD, ["EvaluationRecord"])


def compact_page() -> str:
    """The page of ``compact.json``."""
    return _page([compact, before_after], COMPACT_HEAD, ["CompactRecord"], leave_out=("Change",))


def robustness_page() -> str:
    """The page of ``robustness.json``."""
    return _page([robustness], ROBUSTNESS_HEAD, ["RobustnessRecord"])


def peep_page() -> str:
    """The page of ``peep.json`` and ``candidates.json``."""
    return _page([peep, candidates], PEEP_HEAD, ["PeepRecord", "CandidatesRecord"])


def conceal_page() -> str:
    """The page of ``conceal.json``."""
    return _page([conceal], CONCEAL_HEAD, ["ConcealRecord"])


def hardening_page() -> str:
    """The page of ``hardening.json``."""
    return _page([hardening, before_after], HARDENING_HEAD, ["HardeningRecord"])


def _page(modules: list[ModuleType], head: str, first: Sequence[str] = (), *, leave_out: Sequence[str] = ()) -> str:
    """The classes of the modules in their order, but those that are to come first, and those that are in no file."""
    classes = {
        node.name: (module, node)
        for module in modules
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.ClassDef) and node.name not in leave_out
    }
    names = [*first, *(name for name in classes if name not in first)]
    return "\n".join([head, *(_section(*classes[name]) for name in names)])


def _section(module: ModuleType, node: ast.ClassDef) -> str:
    """Heading, what the record is, and a row for each field."""
    required = {
        field.name
        for field in dataclasses.fields(getattr(module, node.name))
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    rows = ["| field | type | has no default | means |", "|---|---|---|---|"]
    for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name, kind = statement.target.id, ast.unparse(statement.annotation).replace("|", "\\|")
            rows.append(f"| `{name}` | `{kind}` | {'yes' if name in required else 'no'} | {_text(following)} |")
    about = _plain(ast.get_docstring(node) or "")
    return f"## {node.name}\n\n{about}\n\n" + "\n".join(rows) + "\n"


def _text(node: ast.stmt | None) -> str:
    """The string that documents the field before it; empty if there is none."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return _plain(" ".join(node.value.value.split()))
    return ""


def _plain(text: str) -> str:
    return re.sub(r":\w+:`([^`]*)`", r"`\1`", text).replace("``", "`")


if __name__ == "__main__":
    (DOCS / "results-schema.md").write_text(schema_page(), encoding="utf-8")
    (DOCS / "evaluation-schema.md").write_text(evaluation_page(), encoding="utf-8")
    (DOCS / "compact-schema.md").write_text(compact_page(), encoding="utf-8")
    (DOCS / "robustness-schema.md").write_text(robustness_page(), encoding="utf-8")
    (DOCS / "hardening-schema.md").write_text(hardening_page(), encoding="utf-8")
    (DOCS / "peep-schema.md").write_text(peep_page(), encoding="utf-8")
    (DOCS / "conceal-schema.md").write_text(conceal_page(), encoding="utf-8")
