import math

import pytest
import torch

from archlock.adaptation import (
    FINE_TUNE,
    PROBE,
    SCRATCH,
    SOURCE,
    AdaptationSettings,
    adaptation_key,
    measure_adaptation,
    measure_from_scratch,
    weights_file,
)
from archlock.errors import UnsupportedError
from archlock.evidence import EvidenceStore
from archlock.models import build, load_weights
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Split, Task
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import Plan, evaluate, fit

SETTINGS = AdaptationSettings(4, 1, Plan(3, batch_size=16), Plan(2, batch_size=16, learning_rate=0.05))
ARCHITECTURE = Architecture("nasbench201", "314321")
SOURCE_TASK = small_digits(train=60, validation=40, test=5, labels=(0, 1, 2))
TARGETS = {
    "others": small_digits(train=60, validation=40, test=5, labels=(3, 4, 5, 6)),
    "negatives": small_negatives(train=40, validation=10, test=5),
}


class Closed:
    """A test split that nobody may look into."""

    def __getattribute__(self, name):
        pytest.fail(f"the test split was asked for its {name}")


def closed(task):
    """The task with its test split closed."""
    copy = Task(task.name, task.kind, task.classes, task.train, task.validation, task.test, task.origin)
    object.__setattr__(copy, "test", Closed())
    return copy


def values(found):
    return [(measurement.key, measurement.value, measurement.unit, measurement.status) for measurement in found]


def test_keys_and_measures_are_complete_and_no_test_split_is_read():
    source, targets = closed(SOURCE_TASK), {name: closed(task) for name, task in TARGETS.items()}
    found = measure_adaptation(ARCHITECTURE, source, targets, SETTINGS, seed=5)
    wanted = [(source, SOURCE), *((task, measure) for task in targets.values() for measure in (PROBE, FINE_TUNE))]
    assert [measurement.key for measurement in found] == [
        adaptation_key(ARCHITECTURE, task, measure, SETTINGS, source=source, seed=5, device="cpu")
        for task, measure in wanted
    ]
    assert len({measurement.key for measurement in found}) == 5
    key = found[1].key
    assert (key.architecture, key.task, key.measure) == ("nasbench201:314321", TARGETS["others"].fingerprint, PROBE)
    assert (key.split, key.fidelity, key.seed) == ("validation", SETTINGS.fidelity(source, device="cpu"), 5)
    assert [measurement.unit for measurement in found] == ["accuracy"] * 3 + ["R2"] * 2
    assert {measurement.status for measurement in found} == {"valid"}
    assert all(measurement.value <= 1 and measurement.seconds > 0 for measurement in found)
    assert found[0].value > 0.5, "better than chance on the source"
    assert values(measure_adaptation(ARCHITECTURE, SOURCE_TASK, TARGETS, SETTINGS, seed=5)) == values(found)
    alone = measure_adaptation(ARCHITECTURE, SOURCE_TASK, {"x": TARGETS["others"]}, SETTINGS, seed=5)
    assert values(alone) == values(found[:3]), "a target's evidence depends on the other targets"


def test_seed_settings_and_architecture_make_other_evidence():
    targets = {"others": TARGETS["others"]}
    found = measure_adaptation(ARCHITECTURE, SOURCE_TASK, targets, SETTINGS, seed=0)
    slower = AdaptationSettings(4, 1, SETTINGS.source_plan, Plan(2, batch_size=16, learning_rate=0.04))
    for architecture, settings, seed in [
        (ARCHITECTURE, SETTINGS, 1),
        (ARCHITECTURE, slower, 0),
        (Architecture("nasbench201", "333333"), SETTINGS, 0),
    ]:
        other = measure_adaptation(architecture, SOURCE_TASK, targets, settings, seed=seed)
        assert not {m.key for m in found} & {m.key for m in other}
    names = [
        settings.fidelity(source, device="cpu") for settings in (SETTINGS, slower) for source in (SOURCE_TASK, None)
    ]
    assert all(name.startswith("adaptation-") for name in names)
    assert len(set(names)) == 4


def test_recipe_torch_and_kind_of_device_make_other_evidence(monkeypatch):
    def name(device="cpu"):
        return SETTINGS.fidelity(SOURCE_TASK, device=device)

    now = name()
    assert len({now, name("cuda"), name("mps")}) == 3
    assert name("cuda") == name("cuda:1"), "the number of a device does not matter"
    monkeypatch.setattr(torch, "__version__", "1.0.0")
    assert name() != now
    monkeypatch.undo()
    assert name() == now
    monkeypatch.setattr("archlock.evidence.RECIPE_VERSIONS", {"adaptation": 99})
    assert name() != now


def test_another_source_makes_other_evidence_on_the_same_target():
    other = small_digits(train=60, validation=40, test=5, labels=(7, 8, 9))
    targets = {"others": TARGETS["others"]}
    found, different = (measure_adaptation(ARCHITECTURE, s, targets, SETTINGS, seed=0) for s in (SOURCE_TASK, other))
    assert not {m.key for m in found} & {m.key for m in different}
    assert [m.value for m in found] != [m.value for m in different]


def test_both_splits_are_scored_where_both_are_asked_for():
    targets = {"others": TARGETS["others"]}
    found = measure_adaptation(ARCHITECTURE, SOURCE_TASK, targets, SETTINGS, splits=("validation", "test"), seed=5)
    assert [m.key.split for m in found] == ["validation", "test"] * 3
    assert values(found[::2]) == values(measure_adaptation(ARCHITECTURE, SOURCE_TASK, targets, SETTINGS, seed=5))
    assert {m.value * 5 for m in found[1::2]} <= {0, 1, 2, 3, 4, 5}, "a share of the five test examples"
    assert [m.seconds > 0 for m in found] == [True, False] * 3, "a training is paid for once"


def test_from_scratch_is_the_plan_of_the_targets_from_new_weights():
    task = TARGETS["others"]
    (found,) = measure_from_scratch(ARCHITECTURE, closed(task), SETTINGS, seed=5)
    seed = derive_seed(5, str(ARCHITECTURE), task.fingerprint)
    trained = fit(
        build(ARCHITECTURE, task.signature, width=4, depth=1, seed=seed), task, SETTINGS.target_plan, seed=seed
    )
    assert found.value == trained.validation
    assert found.key == adaptation_key(ARCHITECTURE, task, SCRATCH, SETTINGS, source=None, seed=5, device="cpu")
    hopeless = AdaptationSettings(4, 1, SETTINGS.source_plan, Plan(1, batch_size=16, learning_rate=1e30))
    failed = measure_from_scratch(ARCHITECTURE, task, hopeless, splits=("validation", "test"), seed=5)
    assert [m.status for m in failed] == ["failed"] * 2
    assert "diverged" in failed[1].note


def test_a_source_training_that_fails_fails_everything(tmp_path):
    settings = AdaptationSettings(4, 1, Plan(1, batch_size=16, learning_rate=1e30), SETTINGS.target_plan)
    found = measure_adaptation(ARCHITECTURE, SOURCE_TASK, TARGETS, settings, folder=tmp_path, seed=0)
    assert [measurement.status for measurement in found] == ["failed"] * 5
    assert all(math.isnan(measurement.value) for measurement in found)
    assert "diverged in epoch 1 at learning rate 1e+30; try a smaller one" in found[0].note
    assert {measurement.note for measurement in found[1:]} == {"the training on the source had failed"}
    assert not weights_file(tmp_path, ARCHITECTURE, 0).exists()
    store = EvidenceStore(tmp_path / "store.sqlite")
    store.write(found)
    assert {m.status for m in store.read(fidelity=settings.fidelity(SOURCE_TASK, device="cpu")).values()} == {"failed"}


def test_a_fine_tuning_that_fails_fails_alone():
    settings = AdaptationSettings(4, 1, SETTINGS.source_plan, Plan(1, batch_size=16, learning_rate=1e30))
    found = measure_adaptation(ARCHITECTURE, SOURCE_TASK, {"others": TARGETS["others"]}, settings, seed=0)
    assert [measurement.status for measurement in found] == ["valid", "valid", "failed"]


def test_the_weights_that_are_kept_have_the_score_that_was_measured(tmp_path):
    folder = tmp_path / "weights"
    found = measure_adaptation(ARCHITECTURE, SOURCE_TASK, {}, SETTINGS, folder=folder, seed=0)
    model = build(ARCHITECTURE, SOURCE_TASK.signature, width=4, depth=1, seed=99)
    load_weights(model, weights_file(folder, ARCHITECTURE, 0))
    assert [measurement.value for measurement in found] == [evaluate(model, SOURCE_TASK.validation)]
    again = measure_adaptation(ARCHITECTURE, SOURCE_TASK, TARGETS, SETTINGS, folder=folder, seed=0)
    fresh = measure_adaptation(ARCHITECTURE, SOURCE_TASK, TARGETS, SETTINGS, seed=0)
    assert values(again) == values(fresh), "a training taken up from its checkpoint is another one"
    assert again[0].seconds > 0


def test_no_footprints_in_the_global_generators():
    generator = torch.random.get_rng_state()
    measure_adaptation(ARCHITECTURE, SOURCE_TASK, {"others": TARGETS["others"]}, SETTINGS, seed=0)
    assert torch.equal(generator, torch.random.get_rng_state())


def test_a_target_of_another_shape_is_no_failure_but_a_mistake():
    task = TARGETS["others"]

    def coloured(split):
        return Split(split.images.repeat(3, axis=3), split.targets)

    splits = (coloured(split) for split in (task.train, task.validation, task.test))
    target = Task("coloured", "classification", task.classes, *splits, "")
    with pytest.raises(UnsupportedError, match="takes images of 1 channels, the task has 3; conform the task first"):
        measure_adaptation(ARCHITECTURE, SOURCE_TASK, {"coloured": target}, SETTINGS, seed=0)
