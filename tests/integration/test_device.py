"""The device that is asked for is where everything computes, from planning to the last score."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import archlock
from archlock.adaptation import AdaptationSettings, measure_adaptation
from archlock.attacks import ATTACKS
from archlock.errors import ConfigurationError
from archlock.evidence import EvidenceStore
from archlock.execution import InProcess
from archlock.models import build
from archlock.progress import Silent
from archlock.recipes import (
    AttackConfig,
    Budget,
    LockConfig,
    MeasureConfig,
    ProxySettings,
    TrainingConfig,
    TransferConfig,
    measure,
    transfer,
)
from archlock.recipes.engine.market import candidates_of_space
from archlock.recipes.lock.gathering import EvidenceTasks, Resources, gather
from archlock.recipes.lock.run import begin
from archlock.recipes.lock.zero_cost import learn_by_proxies
from archlock.spaces import SPACES
from archlock.tasks import Task
from archlock.testing.small_tasks import small_negatives
from archlock.training import Plan, evaluate
from device_spy import DeviceSpy
from foreign_models import plain_network
from tiny_runs import TINY, tiny_begin, tiny_config, tiny_source, tiny_target

GPU = "cuda:1"


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> DeviceSpy:
    return DeviceSpy(monkeypatch)


def test_a_lock_computes_where_it_is_asked_to_in_one_process(spy: DeviceSpy, tmp_path: Path) -> None:
    """Without a number of workers: in other processes nothing would be seen, and nothing would find that device."""
    config = tiny_config(device=GPU, space="transnas101_micro")
    tiny_begin(tmp_path / "run", config)
    result = archlock.lock(tiny_source(), config, out=tmp_path / "run")
    assert spy.devices == {GPU}, spy.calls
    assert spy.functions >= {"fit", "linear_probe", "evaluate", "evaluate_copy"}
    assert all(parameter.device.type == "cpu" for parameter in result.model.parameters())
    fidelities = EvidenceStore(result.path / "evidence.sqlite").fidelities()
    assert all("-cuda-" in name for name in fidelities), fidelities
    plan = (result.path / "plan.json").read_text()
    assert "bfloat16" in plan
    assert "float32" not in plan


def test_zero_cost_evidence_is_computed_where_it_is_asked_for(spy: DeviceSpy, tmp_path: Path) -> None:
    resources = Resources(EvidenceStore(tmp_path / "store.sqlite"), Silent(), 1, 0)
    space = SPACES["transnas101_micro"]
    given = {
        "architectures": candidates_of_space(space, seed=0).architectures[-6:],
        "resources": resources,
        "device": GPU,
    }
    targets = {"other": tiny_target()}
    learn_by_proxies(space, tiny_source(), targets, "binary_ranker", **given)  # type: ignore[arg-type]
    assert spy.devices == {GPU}, spy.calls
    assert spy.functions == {"to", "task2vec"}


@pytest.mark.parametrize("evidence", ["adaptation", "rehearsal", "zero_cost"])
def test_minutes_are_timed_where_it_computes(spy: DeviceSpy, tmp_path: Path, evidence: str) -> None:
    config = tiny_config(budget=Budget(60, "minutes"), epochs=None, evidence=evidence, device=GPU)
    begin(tiny_source(), config, tmp_path / "run", known=(), sealed=1, store=None, workers=1, progress=Silent())
    assert spy.devices == {GPU}, spy.calls
    assert "fit" in spy.functions


def test_an_attack_computes_where_it_is_asked_to(spy: DeviceSpy, tmp_path: Path) -> None:
    config = AttackConfig(attackers=tuple(ATTACKS), fractions=(1.0,), seeds=1, epochs=1, device=GPU)
    given = {"source": tiny_source(), "more": tiny_source(1)}
    result = archlock.attack(plain_network(), [tiny_target()], config, out=tmp_path / "run", **given)  # type: ignore[arg-type]
    assert spy.devices == {GPU}, spy.calls
    assert spy.functions >= {"fit", "distil", "linear_probe", "evaluate", "evaluate_copy"}
    assert {outcome.status for outcome in result.outcomes} == {"valid"}
    assert len(result.record.further) == 1


def test_a_budget_of_an_attack_is_timed_where_it_computes(spy: DeviceSpy, tmp_path: Path) -> None:
    config = AttackConfig(attackers=("fine_tune",), fractions=(1.0,), seeds=1, budget=Budget.parse("6s"), device=GPU)
    archlock.attack(plain_network(), [tiny_target()], config, out=tmp_path / "run")
    assert spy.devices == {GPU}, spy.calls


def test_measuring_computes_where_it_is_asked_to(spy: DeviceSpy, tmp_path: Path) -> None:
    config = MeasureConfig(
        "transnas101_micro",
        proxies=ProxySettings(("snip", "synflow"), width=2, depth=1, batch=8, side=8),
        trainings=TrainingConfig(epochs=1, width=2, depth=1, side=8, examples=40, seeds=1),
        sample=3,
    )
    given = {"store": tmp_path / "store.sqlite", "executor": InProcess()}
    measure([tiny_source()], config, device=GPU, **given)  # type: ignore[arg-type]
    assert spy.devices == {GPU}, spy.calls
    assert spy.functions == {"fit_many", "to"}
    assert all("-cuda-" in name for name in EvidenceStore(tmp_path / "store.sqlite").fidelities())
    spy.calls.clear()
    measure([tiny_source()], replace(config, trainings=None), device="mps", **given)  # type: ignore[arg-type]
    assert spy.devices == set(), "proxies need double precision, which mps has not: they stay on the processor"


def test_recording_transfer_computes_where_it_is_asked_to(spy: DeviceSpy, tmp_path: Path) -> None:
    config = TransferConfig(
        architectures=1, width=4, side=8, source_examples=40, source_epochs=1, target_examples=30, target_epochs=1
    )
    transfer(
        [tiny_source()],
        [replace(tiny_target(), name="other")],
        config,
        store=tmp_path / "store.sqlite",
        out=tmp_path / "table.npz",
        weights=tmp_path / "weights",
        executor=InProcess(),
        device=GPU,
    )
    assert spy.devices == {GPU}, spy.calls
    assert spy.functions == {"fit", "linear_probe", "evaluate", "measure_estimates", "to"}


def test_a_place_that_forgets_the_device_is_found(
    spy: DeviceSpy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spy itself can fail: one that ignores what it is told is seen."""
    monkeypatch.setattr(sys.modules[gather.__module__], "measure_adaptation", _forgetful)
    plan = Plan(1, batch_size=16)
    subjects = EvidenceTasks(tiny_source(), {}, AdaptationSettings(4, 1, plan, plan), device=GPU)
    means = Resources(EvidenceStore(tmp_path / "store.sqlite"), Silent(), 1, 0)
    gather([(SPACES["nasbench201"].architecture("314321"), 0)], subjects, resources=means, stage="evidence")
    assert spy.devices == {"cpu"}


def _forgetful(*arguments, device, **kinds):  # type: ignore[no-untyped-def]
    found = measure_adaptation(*arguments, **kinds)
    return tuple(replace(one, key=replace(one.key, fidelity=one.key.fidelity.replace("cpu", "cuda"))) for one in found)


@pytest.mark.parametrize("verb", ["lock", "attack", "measure", "transfer"])
def test_an_absent_device_is_an_error_before_anything_is_written(verb: str, tmp_path: Path) -> None:
    out, place = tmp_path / "out", "cuda:99"
    with pytest.raises(ConfigurationError, match=r"device 'cuda:99' is not available here .*; available: auto, cpu"):
        _asked(verb, out, place)
    assert not list(tmp_path.iterdir())


def _asked(verb: str, out: Path, device: str) -> object:
    task = tiny_source()
    if verb == "lock":
        return archlock.lock(task, device=device, out=out)
    if verb == "attack":
        return archlock.attack(plain_network(), [tiny_target()], AttackConfig(device=device), out=out)
    if verb == "measure":
        return measure([task], MeasureConfig("nasbench201"), store=out, executor=InProcess(), device=device)
    config = TransferConfig(architectures=1)
    return transfer([task], [task], config, store=out, out=out, executor=InProcess(), device=device)


def test_auto_is_understood_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    config = AttackConfig(attackers=("linear_probe",), fractions=(1.0,), seeds=1, device="auto")
    archlock.attack(plain_network(), [tiny_target()], config, out=tmp_path / "run", workers=1)
    assert '"device": "cpu"' in (tmp_path / "run" / "run.json").read_text()
    assert LockConfig(device="auto").device == "auto"
    assert TINY.device == "cpu"


class Watch(torch.utils._python_dispatch.TorchDispatchMode):
    """Refuses double precision anywhere but on the processor."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        found = func(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, tuple | list) else (found,):
            if isinstance(tensor, torch.Tensor) and tensor.device.type != "cpu":
                assert tensor.dtype != torch.float64, f"{func} makes double precision on {tensor.device}"
        return found


@pytest.mark.parametrize("task", [tiny_source(), small_negatives()], ids=["classes", "dense"])
def test_scores_are_taken_without_double_precision_where_there_is_none(task: Task) -> None:
    """On ``meta``, where nothing has numbers: all is computed up to the point where they are read."""
    architecture = SPACES["nasbench201"].architecture("314321")
    model = build(architecture, task.signature, width=4, depth=1, seed=0).to("meta")
    with Watch(), pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        evaluate(model, task.validation, device="meta")
