import copy
import json
import pickle

import pytest

from archlock.errors import SealedError
from archlock.records import plain
from archlock.tasks import Choice, SealedTask, seal
from archlock.tasks.sealed import _put
from archlock.testing.tasks import example_source

CHOICE = Choice("nasbench201:421211", "0123456789abcdef", 0, "2025-01-31T12:00:00+00:00")


@pytest.fixture
def task():
    return example_source((1, 8, 8))


def test_a_choice_opens_it_and_is_written_down(task):
    sealed = seal(task, name="target 1")
    assert sealed.opened_by == ()
    assert sealed.open(CHOICE) is task
    other = Choice.now("nasbench201:000000", task, seed=3)
    assert sealed.open(other).fingerprint == task.fingerprint
    assert sealed.opened_by == (CHOICE, other)
    assert other.source == task.fingerprint


def test_a_loader_runs_only_when_it_is_opened(task):
    runs = []

    def load():
        runs.append(1)
        return task

    sealed = seal(load, name="late")
    assert runs == []
    assert sealed.open(CHOICE) is task
    assert runs == [1]


@pytest.mark.parametrize("key", [None, "nasbench201:421211", True, ("nasbench201:421211", "0123456789abcdef", 0, "x")])
def test_nothing_else_opens_it(task, key):
    sealed = seal(task, name="t")
    with pytest.raises(SealedError, match=f"'t' is sealed until .* opens for a Choice, not for a {type(key).__name__}"):
        sealed.open(key)
    assert sealed.opened_by == ()


def test_a_lookalike_of_a_choice_does_not_open_it(task):
    class Forged(Choice):
        def __post_init__(self):
            pass

    with pytest.raises(SealedError, match="not for a Forged"):
        seal(task, name="t").open(Forged("", "", 0, ""))


@pytest.mark.parametrize(
    "attribute", ["train", "test", "validation", "fingerprint", "classes", "shape", "_task", "__dict__"]
)
def test_it_shows_nothing_but_its_name(task, attribute):
    sealed = seal(task, name="secret")
    with pytest.raises(SealedError, match=f"sealed until the lock is decided; '{attribute}' cannot be seen"):
        getattr(sealed, attribute)
    assert repr(sealed) == "SealedTask('secret')"
    assert {name for name in dir(sealed) if not name.startswith("__")} == {"_name", "name", "open", "opened_by"}


def test_it_cannot_be_walked_measured_or_converted(task):
    sealed = seal(task, name="t")
    for look in (
        iter,
        len,
        list,
        dict,
        json.dumps,
        plain,
        vars,
        lambda s: s[0],
        lambda s: s.__getstate__()["_name"][9],
    ):
        with pytest.raises((TypeError, SealedError, IndexError)):
            look(sealed)


@pytest.mark.parametrize("copier", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_cannot_be_copied_or_sent_away(task, copier):
    with pytest.raises(SealedError, match="'t' is sealed; it can be neither copied nor sent to another process"):
        copier(seal(task, name="t"))


def test_its_record_cannot_be_wiped(task):
    sealed = seal(task, name="t")
    sealed.open(CHOICE)
    for attribute in ("opened_by", "_name", "anything"):
        with pytest.raises(SealedError, match=f"'{attribute}' cannot be changed"):
            setattr(sealed, attribute, ())
    with pytest.raises(SealedError, match="'t' is sealed already"):
        _put(sealed, lambda: task)
    assert sealed.opened_by == (CHOICE,)


def test_no_slot_and_no_variable_of_the_module_leads_to_the_task(task):
    import archlock.tasks.sealed as module

    sealed = seal(task, name="t")
    reachable = [getattr(sealed, slot) for slot in SealedTask.__slots__ if slot != "__weakref__"]
    reachable += [value for value in vars(module).values() if not callable(value)]
    assert all(value is not task for value in reachable)
    assert "t" in reachable


def test_only_seal_makes_one():
    with pytest.raises(SealedError, match=r"made by archlock\.tasks\.seal"):
        SealedTask()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": ""}, "as space:code; got ''"),
        ({"architecture": "anything"}, "as space:code; got 'anything'"),
        ({"source": "digits"}, "16 hex digits.; got 'digits'"),
        ({"decided_at": "now"}, "ISO 8601 with a time zone.; got 'now'"),
        ({"decided_at": "2025-01-31T12:00:00"}, "time zone.; got '2025-01-31T12:00:00'"),
    ],
)
def test_a_choice_is_born_valid(change, words):
    with pytest.raises(SealedError, match=words):
        Choice(**{**plain(CHOICE), **change})
