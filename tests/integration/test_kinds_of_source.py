"""The whole job on a source with several labels: what its pages, its progress and its model say; fields begin it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import archlock
from archlock.recipes import load
from archlock.recipes.lock.run import begin
from archlock.recipes.task_records import task_record
from archlock.reports import LockRecord, ModelRecord, from_json
from archlock.reports.warnings import is_constant
from archlock.tasks import KINDS, Task
from archlock.testing.small_tasks import small_field, small_labels
from archlock.training import batches
from tiny_runs import Noted, shorten, tiny_config, tiny_target

CONFIG = tiny_config(scheme="tk", attackers=("linear_probe",))
FEW = {"train": 40, "validation": 24, "test": 24}
SOURCE = small_labels(**FEW)


def words_of(page: str) -> str:
    """The text of a page."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Noted]:
    out, noted = tmp_path_factory.mktemp("kinds") / "labels", Noted()
    begin(SOURCE, CONFIG, out, known=[tiny_target()], sealed=1, store=None, workers=1, progress=noted)
    shorten(out)  # (the lock takes the plan up)
    archlock.lock(SOURCE, CONFIG, known=[tiny_target()], out=out, workers=1, progress=noted)
    return out, noted


def test_pages_and_progress_speak_of_the_score_of_the_kind(run: tuple[Path, Noted]) -> None:
    source, (out, noted) = SOURCE, run
    record = from_json(out / "result.json")
    assert isinstance(record, LockRecord)
    assert (record.source.kind, record.source.classes) == (source.kind, source.classes)
    said = words_of((out / "report.html").read_text(encoding="utf-8"))
    card = (out / "README.md").read_text(encoding="utf-8")
    words = KINDS[source.kind].words
    decided = next(line for line in noted.lines if line.startswith("decided: "))
    assert re.search(rf"decided: \S+, {re.escape(words.symbol)}\s\S*\d on the source's validation split", decided)
    assert re.search(rf"{re.escape(words.symbol)}\s\S?\d\.\d\d\d", said)
    assert f"type: {words.metric}" in card
    for name in source.classes:
        assert name in card
    assert not re.search(r"\baccuracy\b", said, re.IGNORECASE)
    assert "always the largest class" not in said


def test_the_model_comes_back_and_answers_as_the_card_says(run: tuple[Path, Noted]) -> None:
    out, _ = run
    model, images = load(out), next(iter(batches(SOURCE.test, 24))).images
    with torch.no_grad():
        answers = model(images)
    assert answers.shape == (24, 3)


@pytest.mark.parametrize("source", [SOURCE, small_field(**FEW)], ids=lambda source: source.kind)
def test_chance_is_what_a_constant_answer_scores(source: Task) -> None:
    record = task_record(source)
    assert record.chance == record.constant == source.traits.chance(source.test.targets, source.classes)
    model = ModelRecord(
        role="locked",
        space="nasbench201",
        code="333333",
        official_string="",
        parameters=1,
        multiply_adds=1,
        width=4,
        depth=1,
        source_validation=(0.5,),
        source_test=(record.constant - 0.01,),
    )
    assert is_constant(model, record)
    better = replace(model, source_test=(record.constant + 0.01,))
    assert not is_constant(better, record)


def test_a_field_begins_a_lock(tmp_path: Path) -> None:
    source = small_field(**FEW)
    made = begin(source, CONFIG, tmp_path, known=[tiny_target()], sealed=1, store=None, workers=1, progress=Noted())
    assert made.source.fingerprint == source.fingerprint
