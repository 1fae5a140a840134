import json
from dataclasses import dataclass, field
from typing import Literal

import pytest

from archlock.decoding import decode
from archlock.errors import RunError
from archlock.records import canonical_json


@dataclass(frozen=True)
class Item:
    value: float
    label: str = "none"


@dataclass(frozen=True)
class Record:
    kind: Literal["lock", "attack"]
    count: int
    done: bool
    items: tuple[Item, ...]
    span: tuple[int, float]
    by_name: dict[str, Item]
    best: Item | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)
    schema: Literal[1, 2] = 1


RECORD = Record("lock", 3, True, (Item(0.5), Item(1.0, "x")), (1, 2.5), {"a": Item(2.0)}, None, ("ü",))


def changed(**changes):
    return {**json.loads(canonical_json(RECORD)), **changes}


def test_what_is_written_is_read():
    for record in (RECORD, Record("attack", 0, False, (), (0, 0.0), {}, Item(1.0))):
        assert decode(Record, json.loads(canonical_json(record))) == record


def test_a_whole_number_is_a_number_and_defaults_may_be_missing():
    found = decode(Item, {"value": 2})
    assert found == Item(2.0)
    assert type(found.value) is float
    without = changed()
    del without["best"], without["notes"]
    assert decode(Record, without) == Record("lock", 3, True, RECORD.items, (1, 2.5), RECORD.by_name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "report"}, "kind: expected one of 'lock', 'attack', got 'report'"),
        ({"kind": ["lock"]}, r"kind: expected one of 'lock', 'attack', got \['lock'\]"),
        ({"schema": True}, "schema: expected one of 1, 2, got True"),
        ({"schema": 2.0}, "schema: expected one of 1, 2, got 2.0"),
        ({"count": 1.0}, "count: expected a whole number, got 1.0"),
        ({"count": True}, "count: expected a whole number, got True"),
        ({"done": 1}, "done: expected true or false, got 1"),
        ({"items": {}}, r"items: expected a list, got \{\}"),
        ({"items": [{"value": 1}, {"value": "x"}]}, r"items\[1\].value: expected a number, got 'x'"),
        ({"items": [{"value": True}]}, r"items\[0\].value: expected a number, got True"),
        ({"items": [{"value": float("nan")}]}, r"items\[0\].value: expected a finite number, got nan"),
        ({"items": [{"value": float("-inf")}]}, r"items\[0\].value: expected a finite number, got -inf"),
        ({"items": [{"value": 10**400}]}, r"items\[0\].value: expected a finite number, got 1000"),
        ({"items": [{"label": "x"}]}, r"items\[0\].value is missing; expected every field of a Item"),
        ({"items": [7]}, r"items\[0\]: expected an object with the fields of a Item, got 7"),
        ({"span": [1]}, r"span: expected a list of 2, got \[1\]"),
        ({"span": [1, "x"]}, r"span\[1\]: expected a number, got 'x'"),
        ({"by_name": []}, r"by_name: expected an object, got \[\]"),
        ({"by_name": {"b": {"value": None}}}, "by_name.b.value: expected a number, got None"),
        ({"best": {"value": 1, "colour": 2}}, "best has the unknown field 'colour'; known: value, label"),
        ({"notes": "ab"}, "notes: expected a list, got 'ab'"),
        ({"colour": 2}, "the record has the unknown field 'colour'; known: kind, count, done"),
        ({"notes": ["x" * 99, "y" * 99, 1]}, r"notes\[2\]: expected a text, got 1"),
        ({"best": "x" * 99}, r"best: .*, got 'x{56}\.\.\.$"),
    ],
)
def test_every_complaint_names_the_place(changes, words):
    with pytest.raises(RunError, match=f"^{words}"):
        decode(Record, changed(**changes))


def test_the_place_begins_where_told():
    with pytest.raises(RunError, match=r"^outcomes\[3\].value: expected a number, got 'x'"):
        decode(Item, {"value": "x"}, where="outcomes[3]")
    with pytest.raises(RunError, match=r"^the record: expected an object with the fields of a Item, got 3"):
        decode(Item, 3)
