"""The whole job on signals: a lock that knows no target, an attack with other sensors, and what users read of both."""

import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import archlock
from archlock.attacks import ATTACKS
from archlock.cli import main
from archlock.embeddings import task2vec
from archlock.errors import ConfigurationError, UnsupportedError
from archlock.models import build, open_probe
from archlock.progress import Silent
from archlock.proxies import PROXIES, measure_all
from archlock.recipes import LockConfig, load
from archlock.recipes.lock.config import STAND_INS
from archlock.recipes.lock.run import begin, known_targets
from archlock.reports import AttackRecord, LockRecord, from_json
from archlock.spaces import SPACES
from archlock.tasks import SIMULATORS, Scoring, Task, conform_to, seal, subsample
from archlock.testing.small_tasks import small_signals
from archlock.training import Plan, batches
from archlock.transferability import ESTIMATES, measure_estimates
from tiny_runs import shorten, tiny_config

SOURCE = small_signals(train=48, validation=24, test=24, labels=(0, 1, 2, 3))
SENSORS = replace(small_signals(channels=8, train=24, validation=18, test=18, labels=(5, 6, 7)), name="sensors")
CONFIG = tiny_config(simulated=("segments",), attackers=("linear_probe",))
OF_IMAGES = re.compile(r"\b(image|pixel)", re.IGNORECASE)


def written(task: Task, path: Path, key: str) -> Path:
    """As an archive, N x C x L."""
    arrays = {}
    for role in ("train", "validation", "test"):
        split = getattr(task, role)
        values = split.images[:, 0].swapaxes(1, 2).astype(np.float32)
        arrays |= {f"{key}_{role}": values, f"y_{role}": split.targets}
    np.savez(path, classes=np.array(task.classes), **arrays)
    return path


def command(*words: object) -> int:
    """The exit code of a command line, run in this process."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("signals") / "run"
    for _ in range(2):  # the second takes up the shortened plan
        begin(SOURCE, CONFIG, out, known=[], sealed=1, store=None, workers=1, progress=Silent())
        shorten(out)
    archlock.lock(SOURCE, CONFIG, sealed=[seal(lambda: SENSORS, name="sensors")], out=out, workers=1)
    return out


def test_a_lock_of_signals_speaks_of_signals(run: Path) -> None:
    record = from_json(run / "result.json")
    assert isinstance(record, LockRecord)
    assert (record.source.form, record.source.shape, record.source.mean) == ("signal", (1, 1, 64), SOURCE.mean)
    assert [(target.name, target.form, target.seen_by_search) for target in record.targets] == [
        ("sensors", "signal", False)
    ]
    assert "segments" in {one.task for one in record.evidence}
    page = re.sub(r"<style>.*?</style>", "", (run / "report.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    said = re.sub(r"<[^>]*>", " ", page)
    card = (run / "README.md").read_text(encoding="utf-8")
    assert not OF_IMAGES.findall(said)
    assert not OF_IMAGES.findall(card)
    assert re.search(r"Signals\s+64 steps, 1\schannel", said)
    assert re.search(r"4\sclasses · 1\schannel of 64 steps", said)
    assert "Multiply-adds per signal" in said
    assert "`float32` signals in the units of the training data, N x 1 x 64 (mean ± deviation of each" in card
    assert "Sorting signals into 4 classes" in card


def test_the_released_model_is_loaded_back_and_takes_signals(run: Path) -> None:
    model, record = load(run), from_json(run / "result.json")
    assert isinstance(record, LockRecord)
    signals = next(iter(batches(SOURCE.test, 24)))
    with torch.no_grad():
        logits = model(signals.images[:, :, 0])
        assert torch.equal(logits, model(signals.images))
    right = float((logits.argmax(1) == signals.targets).float().mean())
    assert right == pytest.approx(record.locked.source_test[0])
    described = json.loads((run / "architecture.json").read_text())["signature"]
    assert (described["form"], described["measured"], described["mean"]) == ("signal", True, list(SOURCE.mean))


def test_the_onnx_file_says_the_same_and_its_input_is_called_signals(run: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(run / "locked.onnx"))
    assert [(one.name, one.shape[1:]) for one in session.get_inputs()] == [("signals", [1, 1, 64])]
    images = next(iter(batches(SOURCE.test, 5))).images
    with torch.no_grad():
        assert session.run(None, {"signals": images.numpy()})[0] == pytest.approx(load(run)(images).numpy(), abs=1e-4)


def test_the_model_is_attacked_with_other_sensors_and_refuses_images(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = written(SENSORS, run.parent / "elsewhere.npz", "x")  # (its model takes signals, so nobody has to say it)
    quick = ("--attacker", "ridge", "--attack-seeds", "1", "--fractions", "100", "--workers", "1", "--device", "cpu")
    out = run.parent / "attack"
    assert command("attack", run, "--target", other, "--out", out, *quick, "--quiet") == 0
    record = from_json(out / "result.json")
    assert isinstance(record, AttackRecord)
    assert record.outcomes[0].status == "valid"
    assert record.targets[0].form == "signal"
    assert command("attack", run, "--target", "digits", "--out", run.parent / "no", *quick, "--quiet") != 0
    assert "the model takes signals, and 'digits' holds images of levels" in capfd.readouterr().err


def test_costs_of_a_released_model_of_signals_are_said(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert command("cost", run, "--runtime", "torch", "--json") == 0
    found, record = json.loads(capfd.readouterr().out), from_json(run / "result.json")
    assert isinstance(record, LockRecord)
    assert found["shape"] == [1, 1, 64]
    assert (found["parameters"], found["macs"]) == (record.locked.parameters, record.locked.multiply_adds)


def test_a_known_target_gets_the_shape_and_the_units_of_the_source(tmp_path: Path) -> None:
    config = tiny_config(scheme="tk")
    made = begin(SOURCE, config, tmp_path, known=[SENSORS], sealed=0, store=None, workers=1, progress=Silent())
    assert made.targets["sensors"].fingerprint == conform_to(SENSORS, SOURCE.signature).fingerprint
    with pytest.raises(UnsupportedError, match="the model takes signals, and 'digits' holds images"):
        known_targets(SOURCE, config, [archlock.tasks.digits()])


def test_the_command_line_reads_signals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def noted(source: Task, config: LockConfig, **given: Any) -> None:
        asked.update(given, source=source, config=config)
        raise ConfigurationError("seen enough")

    monkeypatch.setattr("archlock.recipes.lock", noted)
    source = written(SOURCE, tmp_path / "beats.npz", "x")
    target, audit = (written(SENSORS, tmp_path / f"{name}.npz", "x") for name in ("known", "unknown"))
    words = ("lock", "--source", source, "--signals", "--target", target, "--audit", audit, "--score", "macro_f1")
    assert command(*words, "--out", tmp_path / "run", "--quiet") != 0
    assert asked["source"].scoring == Scoring("macro_f1")
    assert [(task.name, task.form, task.shape) for task in asked["known"]] == [("known", "signal", (8, 1, 8))]
    assert [target.name for target in asked["sealed"]] == ["unknown"]
    assert (asked["source"].form, asked["config"].scheme) == ("signal", "tk")


def test_signals_have_stand_ins_of_their_own() -> None:
    usual = LockConfig()
    assert usual.stand_ins_for("image") == (usual.simulated, usual.held_out) == STAND_INS["image"]
    assert usual.stand_ins_for("signal") == STAND_INS["signal"]
    asked = LockConfig(simulated=("band",))
    assert asked.stand_ins_for("signal") == (("band",), STAND_INS["signal"][1])
    assert set(known_targets(SOURCE, usual, [])) == set(STAND_INS["signal"][0])
    with pytest.raises(UnsupportedError, match="shapes: it holds signals, not images"):
        known_targets(SOURCE, LockConfig(simulated=("shapes",)), [])


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return build(SPACES["nasbench201"].architecture("331143"), SOURCE.signature, width=4, depth=1, seed=0).eval()


def test_every_proxy_has_a_value_for_signals(model: torch.nn.Module) -> None:
    given = [replace(batch, images=batch.images.double()) for batch in batches(SOURCE.train, 16)]
    found = measure_all(model.double(), given, tuple(PROXIES), seed=0)
    model.float()
    assert {name: value.note for name, value in found.items() if value.status != "valid"} == {}


def test_every_estimate_has_a_value_and_task2vec_says_why_it_has_none(model: torch.nn.Module) -> None:
    target = conform_to(SENSORS, SOURCE.signature)
    found = measure_estimates(model, target, tuple(ESTIMATES), examples=None, seed=0, device="cpu")
    assert {one.name: one.note for one in found if one.status != "valid"} == {}
    with pytest.raises(UnsupportedError, match="probe networks of task2vec were trained on pictures"):
        task2vec(target, open_probe("embedded"), examples=8, layers="last", seed=0)


@pytest.mark.parametrize("simulated", ["", "masked", "next_window"])
def test_every_attacker_takes_signals_or_says_why_not(model: torch.nn.Module, simulated: str) -> None:
    target = SIMULATORS[simulated].simulate(SOURCE, seed=0) if simulated else conform_to(SENSORS, SOURCE.signature)
    target, able = subsample(target, 16, seed=0), set()
    tried = ("fine_tune", "linear_probe", "distilled", "direct", "cut_at") if simulated else tuple(ATTACKS)
    for name in tried:
        attack = ATTACKS[name]
        with suppress(UnsupportedError):
            plan, settings = Plan(1, batch_size=16), attack.settings[:1]
            found = attack.run(model, target, plan=plan, settings=settings, seed=0, device="cpu")
            assert np.isfinite(found.test)
            able.add(name)
    assert able == set(ATTACKS) if not simulated else {"fine_tune", "linear_probe"} <= able < set(tried)
