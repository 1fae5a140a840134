"""What decides about a lock cannot look at a target that is sealed: there is no way from here to there."""

import copy
import gc
import inspect
import pickle
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import SealedError
from archlock.recipes import lock
from archlock.recipes.lock.allocation import allocate
from archlock.recipes.lock.arms import ordinary_arms, train_arms
from archlock.recipes.lock.decide import Decision, decide
from archlock.recipes.lock.nontransferable import retrain
from archlock.recipes.lock.plan import Workload
from archlock.recipes.lock.release import Released
from archlock.recipes.lock.run import Run, begin
from archlock.recipes.workspace import CHOICE
from archlock.records import read_json
from archlock.reports import Role
from archlock.tasks import Choice, SealedTask, Task, seal
from archlock.training import check_restricted, train_nontransferable
from tiny_runs import tiny_begin, tiny_config, tiny_source, tiny_target


def reachable(root: object) -> Iterator[object]:
    """Everything that can be got at from an object: attributes, items, closures, defaults and bound objects.

    Modules and classes are the program, not what a run carries, and so are the global names of a function.
    """
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, types.ModuleType | type):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, types.FunctionType):
            waiting += [cell.cell_contents for cell in one.__closure__ or ()]
            waiting += [*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values(), one.__dict__]
        else:
            waiting += gc.get_referents(one)


def peeks(root: object, hidden: Task) -> list[object]:
    """What can be got at of a sealed target: a seal, the task, its arrays, or arrays with the same content."""
    arrays = [a for split in (hidden.train, hidden.validation, hidden.test) for a in (split.images, split.targets)]
    return [
        one
        for one in reachable(root)
        if isinstance(one, SealedTask)
        or one is hidden
        or (isinstance(one, np.ndarray) and any(one.shape == a.shape and np.array_equal(one, a) for a in arrays))
        or (isinstance(one, str) and hidden.fingerprint in one)
    ]


def kinds_in(annotation: object) -> Iterator[object]:
    """An annotation and all it is made of."""
    yield annotation
    for part in typing.get_args(annotation):
        yield from kinds_in(part)


@pytest.fixture
def hidden() -> Task:
    return tiny_target()


def test_the_record_of_a_run_has_no_place_for_a_seal() -> None:
    for kind in (Run, Decision):
        for annotation in typing.get_type_hints(kind).values():
            assert SealedTask not in list(kinds_in(annotation))
            assert object not in list(kinds_in(annotation))
            assert typing.Any not in list(kinds_in(annotation))


def test_what_decides_is_given_a_run_and_nothing_else() -> None:
    assert list(inspect.signature(decide).parameters) == ["run"]
    assert typing.get_type_hints(decide)["run"] is Run
    for step in (begin, allocate):
        hints = typing.get_type_hints(step)
        assert not [name for name, hint in hints.items() if SealedTask in list(kinds_in(hint))]
    assert typing.get_type_hints(begin)["sealed"] is int
    assert set(typing.get_type_hints(Workload).values()) == {int}


def test_nothing_of_a_sealed_target_can_be_reached_from_a_run(tmp_path: Path, hidden: Task) -> None:
    sealed = seal(hidden, name="hidden")
    run = tiny_begin(tmp_path / "run", sealed=1)
    assert peeks(run, hidden) == []
    assert sealed.opened_by == ()
    assert hidden.fingerprint not in (tmp_path / "run" / "run.json").read_text()
    everything = list(reachable(run))
    assert any(one is run.source.train.images for one in everything)  # the walk does get at arrays
    assert any(one is task for task in run.targets.values() for one in everything)


@pytest.mark.parametrize(
    "smuggle",
    [
        lambda hidden: [{"deep": (hidden,)}],
        lambda hidden: lambda: hidden,
        lambda hidden: seal(hidden, name="hidden"),
        lambda hidden: hidden.test.images.copy(),
        lambda hidden: {"known": [hidden.fingerprint]},
    ],
    ids=["containers", "closure", "seal", "copied array", "fingerprint"],
)
def test_the_walk_would_find_what_is_smuggled_in(hidden: Task, smuggle: typing.Any) -> None:
    assert peeks({"run": smuggle(hidden)}, hidden)


def test_a_lock_opens_its_seals_when_the_choice_is_written_down_and_not_before(tmp_path: Path, hidden: Task) -> None:
    out = tmp_path / "run"
    there: list[bool] = []

    def load() -> Task:
        there.append((out / CHOICE).exists())
        return hidden

    sealed = seal(load, name="hidden")
    tiny_begin(out)
    assert there == []
    result = lock(tiny_source(), tiny_config(), out=out, sealed=[sealed], workers=1)
    assert there == [True]
    assert sealed.opened_by == (Choice(**read_json(out / CHOICE)),)
    assert sealed.opened_by[0].architecture == str(result.architecture)
    assert [target.name for target in result.record.targets] == [hidden.name]
    assert not result.record.targets[0].seen_by_search


def test_random_architectures_are_drawn_and_trained_while_the_seals_are_shut(tmp_path: Path, hidden: Task) -> None:
    assert list(inspect.signature(train_arms).parameters) == ["run", "decision"]
    assert typing.get_type_hints(train_arms)["run"] is Run
    assert typing.get_type_hints(train_arms)["decision"] is Decision
    given = [kind for hint in typing.get_type_hints(ordinary_arms).values() for kind in kinds_in(hint)]
    assert not {SealedTask, Task, Run, typing.Any, object} & set(filter(lambda kind: isinstance(kind, type), given))
    out = tmp_path / "run"
    trained: list[set[str]] = []

    def load() -> Task:
        trained.append({path.name for path in (out / "checkpoints").glob("*.safetensors")})
        return hidden

    sealed = seal(load, name="hidden")
    config = tiny_config(arms=("random", "same_size"), space="transnas101_micro", attackers=("linear_probe",))
    tiny_begin(out, config)
    record = lock(tiny_source(), config, out=out, sealed=[sealed], workers=1).record
    (there,) = trained
    assert [model.role for model in record.models] == ["locked", "source_only", "random", "same_size"]
    assert {f"{model.code}-{record.seed}.safetensors" for model in record.models} <= there
    assert there == {path.name for path in (out / "checkpoints").glob("*.safetensors")}, "nothing is trained after"


def test_training_as_part_of_the_lock_sees_what_the_search_may_see() -> None:
    """(That it is done while the seals are shut, a whole run shows: see the integration tests.)"""
    assert list(inspect.signature(retrain).parameters) == ["run", "decision", "plain"]
    hints = typing.get_type_hints(retrain)
    assert (hints["run"], hints["decision"], hints["plain"]) == (Run, Decision, Mapping[Role, Released])
    given = [kind for hint in typing.get_type_hints(Released).values() for kind in kinds_in(hint)]
    assert not {SealedTask, Task, typing.Any, object} & set(filter(lambda kind: isinstance(kind, type), given))
    for function in (train_nontransferable, check_restricted):
        hints = typing.get_type_hints(function)
        assert not [name for name, hint in hints.items() if SealedTask in list(kinds_in(hint))]


@pytest.mark.parametrize("attribute", ["train", "_task", "task", "load", "_content", "__dict__", "__closure__"])
def test_a_seal_has_nothing_to_see(hidden: Task, attribute: str) -> None:
    with pytest.raises(SealedError, match="sealed until the lock is decided"):
        getattr(seal(hidden, name="hidden"), attribute)


def test_a_seal_does_not_open_for_what_looks_like_a_choice(hidden: Task) -> None:
    class Cheat(Choice):
        """A choice by name."""

    sealed = seal(hidden, name="hidden")
    genuine = Choice.now("nasbench201:000000", hidden, seed=0)
    forged = Cheat(genuine.architecture, genuine.source, 0, genuine.decided_at)
    for key in (forged, None, "nasbench201:000000", genuine.architecture, object()):
        with pytest.raises(SealedError, match=f"opens for a Choice, not for a {type(key).__name__}"):
            sealed.open(key)  # type: ignore[arg-type]
    assert sealed.opened_by == ()


def test_a_seal_is_neither_copied_nor_sent_away_nor_printed(hidden: Task) -> None:
    sealed = seal(hidden, name="hidden")
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(SealedError, match=r"can be neither copied nor sent|__deepcopy__' cannot be seen"):
            attempt(sealed)
    with pytest.raises(SealedError, match="cannot be changed"):
        sealed.name = "other"  # type: ignore[misc]
    assert repr(sealed) == str(sealed) == "SealedTask('hidden')"
    assert peeks(sealed, hidden) == [sealed]  # the seal itself, and nothing through it
