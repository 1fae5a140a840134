"""What decides on a recorded table cannot look at the truth: there is no way from the evidence, or the seal, to it."""

import gc
import inspect
import types
import typing
from collections.abc import Iterator

import numpy as np
import pytest

from archlock.recipes import METHODS
from archlock.recipes.evaluate.method import RecordedMethod
from archlock.recipes.evaluate.peeking import peeking_pick, random_feasible
from archlock.tables import Allowance, Judged, Pick, RecordedEvidence, SealedTruth, Spent, Table, open_pair
from made_up_tables import made_up_table

TABLE = made_up_table(codes=120, short=True, judge=True, noise=0.5)
HIDDEN = {
    column.name: TABLE.recorded(column) for column in TABLE.columns if column.task == "t1" or column.role == "judge"
}
"""Of an unknown target everything; of every task, known or not, what judges."""
JUDGES = {column.name for column in TABLE.columns if column.role == "judge"}


def reachable(root: object) -> Iterator[object]:
    """Everything that can be got at from an object: attributes (bound methods and their closures too), items, closures,
    defaults, bases of arrays.

    Modules and classes are the program, not what a run carries, and so are the global names of a function.
    """
    seen: set[int] = set()
    kept: list[object] = []  # so that no id is given away twice
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, types.ModuleType | type):
            continue
        seen.add(id(one))
        kept.append(one)
        yield one
        if isinstance(one, types.FunctionType):
            waiting += [cell.cell_contents for cell in one.__closure__ or ()]
            waiting += [*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values(), one.__dict__]
            continue
        waiting += gc.get_referents(one)
        if isinstance(one, np.ndarray) and one.base is not None:
            waiting.append(one.base)
        if isinstance(one, RecordedEvidence | SealedTruth):
            waiting += [getattr(one, name) for name in dir(one) if name != "__abstractmethods__"]


def columns_in(root: object) -> set[str]:
    """Names of the hidden columns whose values, or part of whose values in a larger array, are got at."""
    found = set()
    for one in reachable(root):
        if isinstance(one, np.ndarray) and one.dtype == float and one.ndim in (1, 2):
            rows = np.atleast_2d(one)
            found |= {
                name
                for name, values in HIDDEN.items()
                if rows.shape[1] == len(values) and any(np.array_equal(np.abs(row), np.abs(values)) for row in rows)
            }
    return found


def kinds_in(annotation: object) -> Iterator[object]:
    """An annotation and all it is made of."""
    yield annotation
    for part in typing.get_args(annotation):
        yield from kinds_in(part)


@pytest.mark.parametrize("scheme", ["s", "tk", "tu"])
def test_no_column_of_the_target_is_reached_from_the_evidence_or_the_seal(scheme: typing.Any) -> None:
    evidence, truth = open_pair(TABLE, "t0", "t1", scheme=scheme)
    evidence.training("t0", TABLE.architectures[:20])
    assert columns_in(evidence) == set()
    assert columns_in(truth) == set()
    truth.judge(Pick(TABLE.architectures[0], 0))
    assert columns_in(truth) == set()
    assert not [one for side in (evidence, truth) for one in reachable(side) if isinstance(one, Table)]


@pytest.mark.parametrize(
    "smuggle",
    [
        lambda table: {"deep": [table]},
        lambda table: lambda: table,
        lambda table: [table.scores(table.truth("t1"))],
        lambda table: table.values[0, :5],
        lambda table: (table.truth, -table.recorded(table.column("t1_12")).copy()),
    ],
    ids=["containers", "closure", "column", "base of a view", "short and negated"],
)
def test_the_walk_would_find_what_is_smuggled_in(smuggle: typing.Any) -> None:
    assert columns_in(smuggle(TABLE))


def test_what_lies_behind_evidence_of_an_unknown_target_has_no_value_of_it() -> None:
    from archlock.tables import vault

    evidence, _ = open_pair(TABLE, "t0", "t1", scheme="tu")
    closure = inspect.unwrap(vault.VAULT.look_up).__closure__ or ()
    stocks = next(cell.cell_contents for cell in closure if evidence in cell.cell_contents)
    assert columns_in(stocks[evidence]) == set()
    assert {task for task, _ in stocks[evidence].columns} == {"t0", "t2"}


def test_the_types_of_a_method_leave_no_place_for_a_table_or_the_truth() -> None:
    for entry in METHODS.values():
        hints = typing.get_type_hints(type(entry.method).__call__)
        assert hints == typing.get_type_hints(RecordedMethod.__call__)
        for annotation in hints.values():
            assert not {Table, SealedTruth, Judged, object, typing.Any} & set(kinds_in(annotation))


def test_no_door_of_the_evidence_gives_a_table_or_the_truth() -> None:
    for name, member in inspect.getmembers(RecordedEvidence):
        getter = member.fget if isinstance(member, property) else member
        if name.startswith("_") or not inspect.isfunction(getter):
            continue
        returned = typing.get_type_hints(getter)["return"]
        assert not {Table, SealedTruth, Judged, object, typing.Any} & set(kinds_in(returned)), name


def test_picking_by_the_answer_is_no_method() -> None:
    for function in (peeking_pick, random_feasible):
        hints = typing.get_type_hints(function)
        assert hints["table"] is Table
        assert RecordedEvidence not in hints.values()
    assert not any(inspect.isfunction(entry.method) for entry in METHODS.values())


@pytest.mark.parametrize("scheme", ["s", "tk", "tu"])
def test_what_judges_is_not_there_to_be_sold(scheme: typing.Any) -> None:
    """Not behind the evidence either, where the target is known: a pick is judged by what nobody could buy."""
    from archlock.tables import vault

    evidence, _ = open_pair(TABLE, "t0", "t1", scheme=scheme)
    closure = inspect.unwrap(vault.VAULT.look_up).__closure__ or ()
    stocks = next(cell.cell_contents for cell in closure if evidence in cell.cell_contents)
    assert columns_in(stocks[evidence]) & JUDGES == set()
    assert (columns_in(stocks[evidence]) != set()) is (scheme == "tk"), "the walk finds what is sold of the target"


@pytest.mark.parametrize("scheme", ["s", "tk", "tu"])
def test_no_method_of_the_catalog_is_sold_what_judges(scheme: typing.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number that any of them gets, from whatever door, and every number that judges: no two the same."""
    from archlock.tables import vault

    sell, got = vault._sell, list[float]()

    def spying(*asked: typing.Any) -> np.ndarray:
        values = sell(*asked)
        got.extend(values.tolist())
        return values

    monkeypatch.setattr(vault, "_sell", spying)
    table = made_up_table(codes=150, judge=True, noise=0.5)
    for name in ("lock", "passive", "random_finalists", "vote"):
        entry = METHODS[name]
        allowance = Allowance(0, 20) if entry.evidence == "zero_cost" else Allowance(30, 15)
        evidence, _ = open_pair(table, "t0", "t1", scheme=scheme, allowance=allowance)
        entry.method(evidence, floor=0.9, seed=0)
    judges = {value for column in table.columns if column.role == "judge" for value in table.recorded(column).tolist()}
    sold = {value for column in table.columns if column.role == "truth" for value in table.recorded(column).tolist()}
    assert set(got) & sold, "the spy sees what is sold"
    assert not set(got) & judges


@pytest.mark.parametrize("scheme", ["s", "tu"])
def test_no_method_of_the_catalog_looks_at_an_unknown_target(scheme: typing.Any) -> None:
    table = made_up_table(codes=150)
    for name in ("lock", "passive", "ridge", "random_finalists", "evolution", "params", "vote"):
        entry = METHODS[name]
        allowance = Allowance(0, 20) if entry.evidence == "zero_cost" else Allowance(30, 15)
        evidence, truth = open_pair(table, "t0", "t1", scheme=scheme, allowance=allowance)
        entry.method(evidence, floor=0.9, seed=0)
        assert isinstance(evidence.spent, Spent)
        assert evidence.spent.target_full == 0, name
        assert truth.opened_for is None, name
