import math

import pytest

from archlock.errors import ConfigurationError
from archlock.evidence import EvidenceStore
from archlock.models import build
from archlock.seeding import derive_seed
from archlock.short_training import (
    SHORT,
    ShortTrainingSettings,
    measure_short_trainings,
    short_training_key,
)
from archlock.spaces import Architecture
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import Plan, fit

TASK = small_digits(train=60, validation=40, test=5, labels=(0, 1, 2))
SETTINGS = ShortTrainingSettings(4, 1, Plan(2, batch_size=16, learning_rate=0.05))
PAIRS = [(Architecture("nasbench201", code), seed) for code, seed in (("314321", 0), ("000434", 0), ("314321", 1))]


def test_accuracy_and_learning_curve_of_every_pair():
    found = measure_short_trainings(PAIRS, TASK, SETTINGS)
    measures = [SHORT, "train_loss@1", "train_loss@2"]
    assert [measurement.key for measurement in found] == [
        short_training_key(architecture, TASK, measure, SETTINGS, seed=seed, device="cpu")
        for architecture, seed in PAIRS
        for measure in measures
    ]
    key = found[0].key
    assert (key.architecture, key.task, key.seed) == ("nasbench201:314321", TASK.fingerprint, 0)
    assert key.fidelity == SETTINGS.fidelity(device="cpu")
    assert SETTINGS.fidelity(device="cpu").startswith("short-")
    assert SETTINGS.fidelity(device="cpu") != ShortTrainingSettings(4, 2, SETTINGS.plan).fidelity(device="cpu")
    assert [measurement.key.split for measurement in found[:3]] == ["validation", "train", "train"]
    assert [measurement.unit for measurement in found[:3]] == ["accuracy", "nats", "nats"]
    assert {measurement.status for measurement in found} == {"valid"}
    assert [measurement.seconds > 0 for measurement in found[:3]] == [True, False, False], "paid for once"
    for row, (architecture, seed) in enumerate(PAIRS):
        own = derive_seed(seed, str(architecture), TASK.fingerprint)
        alone = fit(build(architecture, TASK.signature, width=4, depth=1, seed=own), TASK, SETTINGS.plan, seed=own)
        accuracy, *losses = (measurement.value for measurement in found[3 * row : 3 * row + 3])
        assert accuracy == pytest.approx(alone.validation, abs=0.05)
        assert losses == pytest.approx(alone.losses, rel=1e-2)


def test_recipe_torch_and_kind_of_device_make_other_evidence(monkeypatch):
    now = SETTINGS.fidelity(device="cpu")
    assert SETTINGS.fidelity(device="cuda") not in (now, SETTINGS.fidelity(device="mps"))
    assert SETTINGS.fidelity(device="cuda") == SETTINGS.fidelity(device="cuda:1")
    monkeypatch.setattr("torch.__version__", "1.0.0")
    assert SETTINGS.fidelity(device="cpu") != now
    monkeypatch.undo()
    monkeypatch.setattr("archlock.evidence.RECIPE_VERSIONS", {"short": 99})
    assert SETTINGS.fidelity(device="cpu") != now


def test_a_diverged_training_is_a_failed_measurement(tmp_path):
    settings = ShortTrainingSettings(4, 1, Plan(2, batch_size=16, learning_rate=1e30))
    found = measure_short_trainings(PAIRS[:1], TASK, settings)
    assert [measurement.status for measurement in found] == ["failed"] * 3
    assert all(math.isnan(measurement.value) for measurement in found)
    assert "diverged in epoch 1 at learning rate 1e+30; try a smaller one" in found[0].note
    store = EvidenceStore(tmp_path / "store.sqlite")
    store.write(found)
    assert store.read(fidelity=settings.fidelity(device="cpu"), measure=SHORT).keys() == {found[0].key}


def test_a_dense_task_and_a_checkpoint(tmp_path):
    task = small_negatives(train=40, validation=10, test=5)
    first = measure_short_trainings(PAIRS, task, SETTINGS, checkpoint=tmp_path / "state")
    assert [measurement.unit for measurement in first[:2]] == ["R2", "squared error"]
    again = measure_short_trainings(PAIRS, task, SETTINGS, checkpoint=tmp_path / "state")
    assert [(m.key, m.value) for m in first] == [(m.key, m.value) for m in again]


def test_a_plan_with_patience_is_no_short_training():
    settings = ShortTrainingSettings(4, 1, Plan(2, patience=1))
    with pytest.raises(ConfigurationError, match="a plan with patience 1"):
        measure_short_trainings(PAIRS, TASK, settings)
