import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.evidence import EvidenceStore, Key, Measurement
from archlock.progress import Silent
from archlock.recipes import Budget
from archlock.recipes.lock.gathering import EvidenceTasks
from archlock.recipes.lock.procedure import open_targets
from archlock.recipes.lock.run import Run, begin, evidence_tasks, known_fingerprints, known_targets
from archlock.recipes.naming import named
from archlock.recipes.task_records import target_record
from archlock.recipes.workspace import PLAN
from archlock.spaces import Architecture
from archlock.tasks import Choice, Split, Task, seal
from archlock.testing.small_tasks import small_negatives
from tiny_runs import TINY, Noted, repeated, tiny_begin, tiny_config, tiny_source, tiny_target


def test_scheme_tk_needs_a_target() -> None:
    with pytest.raises(ConfigurationError, match="scheme tk needs the targets it is to lock against; name one with"):
        known_targets(tiny_source(), tiny_config(scheme="tk"), ())


@pytest.mark.parametrize("scheme", ["tu", "s"])
def test_other_schemes_must_not_see_one(scheme: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"scheme {scheme} must not see targets; use --scheme tk .* or --audit"
    ):
        known_targets(tiny_source(), tiny_config(scheme=scheme), [tiny_target()])


def test_every_scheme_has_its_targets() -> None:
    source, target = tiny_source(), tiny_target()
    assert known_targets(source, tiny_config(scheme="s"), ()) == {}
    assert known_targets(source, tiny_config(scheme="tk"), [target]) == {target.name: target}
    assert set(known_targets(source, tiny_config(simulated=("rotation", "shapes")), ())) == {"rotation", "shapes"}


def test_a_known_target_is_brought_to_the_size_of_the_source() -> None:
    target = tiny_target()
    large = [
        Split(s.images.repeat(2, 1).repeat(2, 2), s.targets) for s in (target.train, target.validation, target.test)
    ]
    (found,) = known_targets(
        tiny_source(), tiny_config(scheme="tk"), [Task("large", "classification", target.classes, *large, origin="")]
    ).values()
    assert found.shape == tiny_source().shape


def plain_source() -> Task:
    """Two kinds of grey: nothing can be turned around or taken apart."""
    images = np.array([[[[0]]], [[[255]]]] * 6, dtype=np.uint8)
    split = Split(images, np.array([0, 1] * 6))
    return Task("grey", "classification", ("dark", "light"), split, split, split, origin="made up")


def test_simulated_targets_that_the_source_does_not_allow_are_explained() -> None:
    with pytest.raises(UnsupportedError) as caught:
        known_targets(plain_source(), tiny_config(simulated=("jigsaw",)), ())
    assert "no target can be simulated from 'grey' (jigsaw: " in str(caught.value)
    assert "name others with --simulate" in str(caught.value)


def test_a_dense_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedError, match="the source 'negatives' is a dense task; a lock needs classes or labels to keep apart"
    ):
        begin(small_negatives(), TINY, tmp_path / "run", known=(), sealed=1, store=None, workers=1, progress=Silent())
    assert not (tmp_path / "run").exists()


def test_names_that_are_taken_get_a_number() -> None:
    one, two, three = (tiny_target(seed=seed) for seed in range(3))
    assert named([one, two, three]) == {
        "other digits": one,
        "other digits (2)": two,
        "other digits (3)": three,
    }
    assert set(named([one, replace(two, name="other digits (2)"), three])) == {
        "other digits",
        "other digits (2)",
        "other digits (3)",
    }


def test_a_run_is_planned_once(tmp_path: Path) -> None:
    run = tiny_begin(tmp_path / "run")
    written = (tmp_path / "run" / PLAN).read_bytes()
    again = tiny_begin(tmp_path / "run")
    assert again.allocation == run.allocation
    assert again.allocation.attack_plan.epochs == 1  # what is written is what is followed
    assert (tmp_path / "run" / PLAN).read_bytes() == written


def test_other_data_or_settings_do_not_take_a_run_up(tmp_path: Path) -> None:
    tiny_begin(tmp_path / "run")
    with pytest.raises(RunError, match=r"holds a run with other settings \(config.width: 4 -> 5\)"):
        tiny_begin(tmp_path / "run", tiny_config(width=5))
    with pytest.raises(RunError, match=r"holds a run with other settings \(tasks.source: "):
        begin(tiny_source(1), TINY, tmp_path / "run", known=(), sealed=1, store=None, workers=1, progress=Silent())


def test_a_damaged_plan_is_named(tmp_path: Path) -> None:
    tiny_begin(tmp_path / "run")
    (tmp_path / "run" / PLAN).write_text('{"candidates": "many"}')
    with pytest.raises(RunError, match="candidates"):
        begin(tiny_source(), TINY, tmp_path / "run", known=(), sealed=1, store=None, workers=1, progress=Silent())


@pytest.mark.parametrize("evidence", ["adaptation", "zero_cost"])
def test_minutes_are_timed_here_and_too_few_are_an_error_with_a_hint(tmp_path: Path, evidence: str) -> None:
    config = tiny_config(budget=Budget(0.001, "minutes"), epochs=None, evidence=evidence, space="transnas101_micro")
    noted = Noted()
    with pytest.raises(ConfigurationError, match=r"is too small for this data on 1 workers.* give about \d+ minutes"):
        begin(tiny_source(), config, tmp_path / "run", known=(), sealed=1, store=None, workers=1, progress=noted)
    assert noted.lines == ["planning for a budget of 0.001 minutes"]
    assert not (tmp_path / "run" / PLAN).exists()


def test_minutes_that_suffice_make_a_plan_where_fewer_were_refused(tmp_path: Path) -> None:
    def planned(minutes: float) -> Run:
        config = tiny_config(budget=Budget(minutes, "minutes"), epochs=None)
        place = tmp_path / "run"
        return begin(tiny_source(), config, place, known=(), sealed=1, store=None, workers=1, progress=Silent())

    with pytest.raises(ConfigurationError, match="is too small for this data"):
        planned(0.001)
    run = planned(60)
    with pytest.raises(RunError, match=r"other settings \(config.budget.amount: 60 -> 61\)"):
        planned(61)
    assert 8 <= run.allocation.candidates <= 600
    assert run.allocation.final.source_plan.epochs >= 2


def test_targets_are_made_once_for_each_size_that_a_plan_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, ...]] = []

    def counted(source: Task, *asked: Any) -> dict[str, Task]:
        made.append(source.shape)
        return known_targets(source, *asked)

    monkeypatch.setattr(sys.modules["archlock.recipes.lock.run"], "known_targets", counted)
    config = tiny_config(budget=Budget(60, "minutes"), epochs=None)
    begin(tiny_source(), config, tmp_path / "run", known=(), sealed=1, store=None, workers=1, progress=Silent())
    assert len(made) == len(set(made))


def test_a_plan_times_a_short_training_on_few_images_of_a_large_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    measure = EvidenceTasks.measure

    def slow(tasks: EvidenceTasks, architecture: Architecture, seed: int) -> tuple[Measurement, ...]:
        seen.append((len(tasks.source.train), len(tasks.source.validation)))
        training, *others = measure(tasks, architecture, seed)
        return (replace(training, seconds=5.0), *others)

    monkeypatch.setattr(EvidenceTasks, "measure", slow)
    source = repeated(tiny_source(), 18_000)
    config = tiny_config(budget=Budget(200, "minutes"), epochs=2, space="transnas101_micro")
    run = begin(source, config, tmp_path / "run", known=(), sealed=1, store=None, workers=1, progress=Silent())
    assert set(seen) == {(3000, 12)}, "a few of each class to judge by"
    assert run.allocation.candidates <= 0.25 * 200 * 60 / 30, "a training of all takes six times as long"
    assert run.allocation.source_examples == 18_000


def test_evidence_tasks_are_named_like_their_originals(tmp_path: Path) -> None:
    run = tiny_begin(tmp_path / "run")
    small = evidence_tasks(run.source, run.targets, run.allocation, run.config)
    names = known_fingerprints(run)
    assert names[small.source.fingerprint] == names[run.source.fingerprint] == "source"
    assert {names[task.fingerprint] for task in small.targets.values()} == {"rotation"}


def test_a_store_of_an_earlier_recipe_opens_and_is_told_of_once(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "old.sqlite")
    old = [Key("a", "t", "m", fidelity=name) for name in ("adaptation-0123456789abcdef", "attack-0123456789abcdef")]
    store.write(Measurement(key, 0.5, "accuracy", 1.0) for key in old)
    noted = Noted()
    begin(tiny_source(), TINY, tmp_path / "r", known=(), sealed=1, store=store.path, workers=1, progress=noted)
    told = [line for line in noted.lines if "earlier recipe" in line]
    assert told == [
        f"{store.path} holds 2 measurements of an earlier recipe or another version of torch; they are kept and not "
        "used"
    ]


def test_a_known_target_that_is_the_source_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source, config = tiny_source(), tiny_config(scheme="tk")
    copy, other = replace(source, name="copy"), tiny_target()

    def begun(*known: Task) -> None:
        begin(source, config, tmp_path / "run", known=known, sealed=0, store=None, workers=1, progress=Silent())

    with pytest.raises(ConfigurationError, match="the target 'copy' is the same data as the source"):
        begun(other, copy)
    with pytest.raises(ConfigurationError, match=r"the targets 'other digits' and 'again' are the same data"):
        begun(other, replace(other, name="again"))
    assert not (tmp_path / "run").exists()


def test_single_images_of_the_source_in_a_known_target_are_said(tmp_path: Path) -> None:
    source, target, noted = tiny_source(), tiny_target(), Noted()
    mixed = Split(
        np.concatenate([target.train.images, source.train.images[:5]]),
        np.concatenate([target.train.targets, np.zeros(5, dtype=np.int64)]),
    )
    begin(
        source,
        tiny_config(scheme="tk"),
        tmp_path / "run",
        known=[replace(target, train=mixed)],
        sealed=0,
        store=None,
        workers=1,
        progress=noted,
    )
    assert "5 of the 83 images of other digits are images of the source, too" in noted.lines


def test_a_sealed_target_that_is_the_source_is_told_when_it_opens(tmp_path: Path) -> None:
    run = tiny_begin(tmp_path)
    hidden = [
        seal(replace(tiny_source(), name="copy"), name="copy"),
        seal(tiny_target(), name="theirs"),
        seal(replace(tiny_target(), name="again"), name="again"),
    ]
    choice = Choice.now("nasbench201:112341", run.source, seed=0)
    found = open_targets(run, hidden, choice)
    assert {name: one.same_as for name, one in found.items()} == {
        "copy": "source",
        "other digits": "",
        "again": "other digits",
    }
    record = target_record("copy", found["copy"])
    assert (record.same_as, record.of_source, record.images) == ("source", 88, 88)
    assert target_record("other digits", found["other digits"]).of_source is None


def test_room_for_the_trainings_is_looked_at_before_they_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("archlock.recipes.workspace.shutil.disk_usage", lambda _: usage)
    with pytest.raises(RunError, match=r"its disk has 0 MiB left; make room .* Or give another --out"):
        tiny_begin(tmp_path / "run")
    assert not (tmp_path / "run" / PLAN).exists()
    monkeypatch.undo()
    tiny_begin(tmp_path / "run")
