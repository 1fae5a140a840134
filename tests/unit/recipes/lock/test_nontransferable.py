from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlock.errors import ConfigurationError, MeasurementError, UnknownNameError, UnsupportedError
from archlock.models import build
from archlock.recipes.export import Blueprint, weights_fingerprint
from archlock.recipes.lock import nontransferable
from archlock.recipes.lock.allocation import _full_trainings
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.finalists import Finalist
from archlock.recipes.lock.nontransferable import recorded, retrain
from archlock.recipes.lock.release import Released
from archlock.recipes.lock.run import Run
from archlock.recipes.lock.texts import training_named
from archlock.spaces import Architecture
from archlock.testing.small_tasks import small_negatives
from archlock.training import NONTRANSFERABLE, Nontransferable
from tiny_runs import Noted, tiny_begin, tiny_config

CELL = Architecture("nasbench201", "314231")
BEFORE = (0.6, 0.5)


def released(run: Run) -> Released:
    """Two untrained networks, whose trainings are said to have had these scores."""
    plan = run.allocation.final
    blueprint = Blueprint(CELL, run.source.signature, run.source.classes, plan.width, plan.depth)
    models = tuple(
        build(CELL, run.source.signature, width=plan.width, depth=plan.depth, seed=seed).eval() for seed in (0, 1)
    )
    return Released(Finalist(CELL, BEFORE, {}), blueprint, models, BEFORE, (0.4, 0.3), 2.0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    begun = tiny_begin(tmp_path / "run", tiny_config(train="nontransferable", attack_seeds=2))
    return replace(begun, resources=replace(begun.resources, progress=Noted()))


def scripted(monkeypatch: pytest.MonkeyPatch, kept: int, *, error: str = "") -> list[dict[str, Any]]:
    """In place of the training: every network comes back as it is, of that round; or the training diverges."""
    calls = []

    def train(model, source, targets, training, plan, **more):
        calls.append({**more, "targets": targets, "training": training, "plan": plan})
        if error:
            raise MeasurementError(error)
        return Nontransferable(model, 0.6, 0.55 if kept else 0.6, kept, (0.4, 0.55), (0.1, 0.1), 64, 1.5)

    monkeypatch.setattr(nontransferable, "train_nontransferable", train)
    return calls


def decided(threshold: float) -> Any:
    return SimpleNamespace(threshold=threshold)


def test_floor_is_the_decisions_or_what_a_network_had(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = scripted(monkeypatch, kept=2)
    plain = released(run)
    found = retrain(run, decided(0.55), {"locked": plain, "source_only": plain})
    assert found is not None
    assert [call["floor"] for call in calls] == [0.55, 0.5], "one network in two roles is trained once"
    assert [call["targets"] for call in calls] == [tuple(run.targets.values())] * 2
    assert {call["training"] for call in calls} == {NONTRANSFERABLE["ntl"]}
    assert {call["plan"] for call in calls} == {run.allocation.final.source_plan}
    assert found.released["locked"].validation == found.released["source_only"].validation == (0.55, 0.55)
    assert found.released["locked"].seconds == plain.seconds + 3
    again = retrain(run, decided(0.55), {"locked": plain, "source_only": plain})
    assert len(calls) == 2, "what is in the store is not done again"
    assert again is not None
    assert again.found == found.found
    block = recorded(run, {"locked": plain, "source_only": plain}, found, ())
    assert (block.training, block.rounds, block.images) == ("ntl", 2, 64)
    assert [(one.role, one.kept, one.source_validation) for one in block.models] == [
        ("locked", (2, 2), BEFORE),
        ("source_only", (2, 2), BEFORE),
    ]


@pytest.mark.parametrize("error", ["", "its loss is no finite number"])
def test_given_up_a_network_stays_as_it_was_and_that_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    scripted(monkeypatch, kept=0, error=error)
    plain = released(run)
    found = retrain(run, decided(0.9), {"locked": plain})
    assert found is not None
    after = found.released["locked"]
    assert [weights_fingerprint(one) for one in after.models] == [weights_fingerprint(one) for one in plain.models]
    assert after.validation == BEFORE
    block = recorded(run, {"locked": plain}, found, ())
    assert (block.models[0].given_up, block.models[0].failed) == (2, (error, error))
    (line,) = [line for line in run.resources.progress.lines if "given up" in line]  # type: ignore[attr-defined]
    assert line == "locked: ntl was given up for 2 of 2 networks, which stay as they were trained plainly"


def test_plain_training_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = scripted(monkeypatch, kept=1)
    run = tiny_begin(tmp_path / "run")
    assert retrain(run, decided(0.5), {"locked": released(run)}) is None
    assert not calls


def test_trainings_by_name() -> None:
    assert training_named("plain") is None
    assert training_named("nontransferable") is training_named("nontransferable:ntl") is NONTRANSFERABLE["ntl"]
    assert training_named("nontransferable:sophon") is NONTRANSFERABLE["sophon"]
    for wrong in ("ntl", "nontransferable:", "plain:ntl", ""):
        with pytest.raises(ConfigurationError, match=rf"train is plain or nontransferable, .*ways: ntl.*got '{wrong}'"):
            LockConfig(train=wrong)
    with pytest.raises(UnknownNameError, match=r"unknown nontransferable training 'ntll'; .*ntl"):
        LockConfig.of(train="nontransferable:ntll")
    with pytest.raises(ConfigurationError, match="'nontransferable' needs targets to be hard for, and scheme s knows"):
        LockConfig(scheme="s", train="nontransferable")


def test_targets_of_another_kind_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    config = tiny_config(train="nontransferable", simulated=("rotation", "autoencoding"))
    with pytest.raises(UnsupportedError, match=r"'autoencoding\(digits\)' is a dense task; a nontransferable training"):
        tiny_begin(tmp_path / "run", config)
    known = [small_negatives(train=8, validation=4, test=2)]
    with pytest.raises(UnsupportedError, match="'negatives' is a dense task; a nontransferable training takes targets"):
        tiny_begin(tmp_path / "run", tiny_config(train="nontransferable", scheme="tk"), known=known)
    assert not (tmp_path / "run").exists()


def test_a_budget_of_minutes_pays_for_every_released_network_once_more() -> None:
    plain, again = (
        tiny_config(train=train, arms=("random",), attack_seeds=3) for train in ("plain", "nontransferable")
    )
    assert _full_trainings(again, 4) == _full_trainings(plain, 4) + 3 * 3
