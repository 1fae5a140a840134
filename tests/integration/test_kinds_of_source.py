"""The whole job on sources whose examples are of no class: what its pages, its progress and its model say."""

import re
from pathlib import Path

import pytest
import torch

import archlock
from archlock.recipes import load
from archlock.recipes.lock.run import begin
from archlock.reports import LockRecord, from_json
from archlock.tasks import KINDS, Task
from archlock.testing.small_tasks import small_field, small_labels
from archlock.training import batches
from tiny_runs import Noted, shorten, tiny_config, tiny_target

CONFIG = tiny_config(scheme="tk", attackers=("linear_probe",))
FEW = {"train": 40, "validation": 24, "test": 24}
SOURCES = {"labels": small_labels(**FEW), "field": small_field(**FEW)}


def words_of(page: str) -> str:
    """The text of a page."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))


@pytest.fixture(scope="module", params=SOURCES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, Path, Noted]:
    source, out, noted = SOURCES[request.param], tmp_path_factory.mktemp("kinds") / request.param, Noted()
    begin(source, CONFIG, out, known=[tiny_target()], sealed=1, store=None, workers=1, progress=noted)
    shorten(out)  # (the lock takes the plan up)
    archlock.lock(source, CONFIG, known=[tiny_target()], out=out, workers=1, progress=noted)
    return source, out, noted


def test_pages_and_progress_speak_of_the_score_of_the_kind(run: tuple[Task, Path, Noted]) -> None:
    source, out, noted = run
    record = from_json(out / "result.json")
    assert isinstance(record, LockRecord)
    assert (record.source.kind, record.source.classes) == (source.kind, source.classes)
    said = words_of((out / "report.html").read_text(encoding="utf-8"))
    card = (out / "README.md").read_text(encoding="utf-8")
    words = KINDS[source.kind].words
    decided = next(line for line in noted.lines if line.startswith("decided: "))
    assert re.search(rf"decided: \w+, {re.escape(words.symbol)}\s\S*\d on the source's validation split", decided)
    assert re.search(rf"{re.escape(words.symbol)}\s\S?\d\.\d\d\d", said)
    assert f"type: {words.metric}" in card
    for name in source.classes:
        assert name in card
    assert not re.search(r"\baccuracy\b", said, re.IGNORECASE)
    assert "always the largest class" not in said


def test_the_model_comes_back_and_answers_as_the_card_says(run: tuple[Task, Path, Noted]) -> None:
    source, out, _ = run
    model, images = load(out), next(iter(batches(source.test, 24))).images
    with torch.no_grad():
        answers = model(images)
    shape = (24, source.outputs, *(source.shape[1:] if source.traits.dense else ()))
    assert answers.shape == shape
