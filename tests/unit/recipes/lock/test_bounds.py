"""Limits of a lock run: refused at once, or kept by everything that is trained at full size."""

from pathlib import Path
from typing import Any

import pytest

import archlock
from archlock.errors import ConfigurationError, RunError
from archlock.models import costs_of
from archlock.progress import Progress, Silent
from archlock.recipes import Budget, LockConfig
from archlock.recipes.limits import timing
from archlock.recipes.lock import bounds as bounding
from archlock.recipes.lock.allocation import keeping_limits, reachable_shapes
from archlock.recipes.lock.arms import train_arms
from archlock.recipes.lock.bounds import DEVICE, bounds_of, refuse_at_once
from archlock.recipes.lock.cost_recording import cost_record
from archlock.recipes.lock.decide import decide
from archlock.recipes.lock.release import release
from archlock.recipes.lock.run import Run, begin
from archlock.recipes.workspace import Workspace
from archlock.records import read_json, write_json
from archlock.reports import LimitsPriceRecord
from archlock.spaces import SPACES, Architecture
from tiny_runs import Noted, tiny_begin, tiny_config, tiny_source

SPACE = "transnas101_micro"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short blocks of timings."""
    monkeypatch.setattr(timing, "SECONDS_A_BLOCK", 0.001)
    monkeypatch.setattr(bounding, "TIMED", 10)


def config(**limits: Any) -> LockConfig:
    return tiny_config(space=SPACE, width=2, limits=archlock.Limits(**limits))


def trained(run: Run, architectures: set[Architecture]) -> None:
    """Everything with a full training keeps the limits of the run."""
    limits, plan = run.config.limits, run.allocation.final
    costs = costs_of(sorted(architectures), run.source.signature, width=plan.width, depth=plan.depth)
    assert limits.parameters is not None
    assert (costs.parameters <= limits.parameters).all()


def test_a_run_keeps_its_limits_to_the_unit_and_says_what_they_cost(tmp_path: Path) -> None:
    out, noted = tmp_path / "run", Noted()
    asked = config(parameters=2_000, macs=60e3)
    run = tiny_begin(out, tiny_config(space=SPACE, width=2, limits=asked.limits, arms=("random", "same_size")))
    assert run.bounds is not None
    assert 0 < len(run.bounds.candidates.architectures) < len(run.bounds.every.architectures)
    assert run.bounds.gate is None
    decision = decide(run)
    assert decision.candidates is run.bounds.candidates
    arms = train_arms(run, decision)
    everybody = {one.architecture for one in decision.finalists} | set(arms.tried)
    trained(run, everybody)
    every = {"locked": release(run, decision.locked), "source_only": release(run, decision.source_only)} | arms.released
    cost = cost_record(run, decision, every)  # type: ignore[arg-type]
    assert [model.role for model in cost.models] == list(every)
    for model, released in zip(cost.models, every.values(), strict=True):
        assert model.parameters == sum(p.numel() for p in released.models[0].parameters()) <= 2_000
        assert model.flops == 2 * model.macs <= 120e3
        assert model.latency_ms is None
    assert [(one.name, one.limit) for one in cost.limits] == [("parameters", 2_000), ("macs", 60_000)]
    assert all(one.slack == (one.limit - one.locked) / one.limit >= 0 for one in cost.limits)
    assert (cost.architectures, cost.within) == (
        len(run.bounds.every.architectures), len(run.bounds.candidates.architectures)
    )  # fmt: skip
    kept = {one.code for one in run.bounds.candidates.architectures}
    assert [one.what for one in cost.price] == ["source", "targets"]
    assert all(isinstance(one, LimitsPriceRecord) and one.within_code in kept for one in cost.price)
    assert cost.price[0].without >= cost.price[0].within
    assert noted.lines == []


def test_latency_is_measured_before_anything_is_trained_at_full_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = {"3"}  # architectures that end so are slow when they are measured

    def measured(self: object, one: Architecture) -> float:
        return 5.0 if one.code[-1] in slow else 1.0

    monkeypatch.setattr("archlock.recipes.limits.gate.Meter.__call__", measured)
    monkeypatch.setattr(bounding, "_affordable", lambda *_: 0)
    run = tiny_begin(tmp_path / "run", config(latency_ms=2.0, runtime="torch"))
    assert run.bounds is not None
    assert run.bounds.forecast is None
    assert any("the budget does not pay for a calibration" in note for note in run.bounds.notes)
    decision = decide(run)
    assert decision.finalists
    assert all(one.architecture.code[-1] not in slow for one in decision.finalists)
    every = {"locked": release(run, decision.locked), "source_only": release(run, decision.source_only)}
    cost = cost_record(run, decision, every)  # type: ignore[arg-type]
    assert cost.device.endswith("one thread")
    assert {(model.latency_ms, model.latency_kind) for model in cost.models} == {(1.0, "measured")}
    assert cost.limits[0].slack == 0.5


def test_the_calibration_of_a_run_is_made_once_and_not_taken_to_another_machine(tmp_path: Path) -> None:
    asked, noted = config(latency_ms=1e3, runtime="torch"), Noted()
    workspace = Workspace.open(tmp_path / "run", {})
    first = bounds_of(asked, tiny_source().signature, workspace, noted)
    assert first is not None
    assert "the limit of 1000 ms (--max-latency) restricts nothing: every architecture keeps it" in noted.lines
    written = (tmp_path / "run" / DEVICE).read_text()
    assert bounds_of(asked, tiny_source().signature, workspace, Silent()).forecast == first.forecast  # type: ignore[union-attr]
    assert (tmp_path / "run" / DEVICE).read_text() == written
    write_json(tmp_path / "run" / DEVICE, {**read_json(tmp_path / "run" / DEVICE), "machine": "0123"})
    with pytest.raises(
        RunError, match=r"the machine .* \(here another one\).*The run began on that machine: go on there"
    ):
        bounds_of(asked, tiny_source().signature, workspace, Silent())


def test_a_table_of_another_device_decides_by_what_it_has(tmp_path: Path) -> None:
    space, table = SPACES[SPACE], tmp_path / "pi5.csv"
    lines = [f"{one.code},{1 + row % 4}" for row, one in enumerate(space.enumerate()) if row % 5]
    table.write_text("\n".join(["code,ms", *lines]))
    noted = Noted()
    asked = config(latency_ms=2.0, device_table=str(table))
    found = bounds_of(asked, tiny_source().signature, Workspace.open(tmp_path / "run", {}), noted)
    assert found is not None
    assert found.gate is None
    assert found.forecast is not None
    kept = found.forecast.milliseconds(found.candidates.architectures)
    assert (kept <= 2.0).all()
    assert 0 < len(kept) < len(found.every.architectures)
    assert any("architectures have no latency on the device of pi5.csv and are left out" in one for one in noted.lines)
    assert any("nothing was measured there again" in one for one in noted.lines)
    with pytest.raises(ConfigurationError, match=r"limit of 0.5 ms \(--max-latency\): the smallest, .*, has 1 ms"):
        refuse_at_once(config(latency_ms=0.5, device_table=str(table)), tiny_source())


def test_what_none_can_keep_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    class Never(Progress):
        """Nothing is begun."""

        def begin(self, stage: str, total: int, done: int = 0) -> None:
            raise AssertionError(stage)

        def advance(self, steps: int = 1, note: str = "") -> None:
            raise AssertionError(note)

        def say(self, line: str) -> None:
            raise AssertionError(line)

    for limits, words in (
        (
            {"parameters": 10},
            "no architecture of transnas101_micro at width 2 .* the smallest, transnas101_micro:0001",
        ),
        ({"latency_ms": 1.0, "device_table": "nowhere.json"}, "no device table 'nowhere.json'"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            begin(
                tiny_source(), config(**limits), tmp_path / "run",
                known=(), sealed=1, store=None, workers=1, progress=Never(),
            )  # fmt: skip
        assert not (tmp_path / "run").exists()


def test_image_sizes_that_a_budget_may_come_to() -> None:
    minutes = tiny_config(budget=Budget(5, "minutes"), epochs=None)
    assert reachable_shapes(minutes, (3, 64, 64)) == ((3, 64, 64), (3, 32, 32), (3, 16, 16))
    assert reachable_shapes(tiny_config(), (3, 64, 64)) == ((3, 64, 64),)


def test_timings_for_the_plan_are_of_architectures_that_keep_the_limits() -> None:
    kept = keeping_limits(config(parameters=2_000), tiny_source())
    costs = costs_of(kept, tiny_source().signature, width=2, depth=1)
    assert 0 < costs.parameters.max() <= 2_000
    assert len(kept) < len(keeping_limits(config(), tiny_source()))
