"""Training as part of the lock, at the smallest size: what is released, what stands beside it, and what it saw."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

import archlock
from archlock.models import load_weights
from archlock.recipes import AttackConfig, LockResult
from archlock.recipes.export import build_blueprint, load_blueprint, weights_fingerprint
from archlock.recipes.pages import rebuild
from archlock.records import read_json
from archlock.reports import LockRecord, from_json, two_by_two_said
from archlock.tasks import Task, seal
from archlock.training import evaluate
from tiny_runs import tiny_begin, tiny_config, tiny_source, tiny_target

CONFIG = tiny_config(train="nontransferable:sophon", attackers=("from_scratch", "linear_probe"))
ATTACK = AttackConfig(attackers=("linear_probe",), fractions=(1.0,), seeds=1, epochs=1)
there: list[set[str]] = []
"""Trained networks at the moment at which the seal was opened."""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> LockResult:
    out = tmp_path_factory.mktemp("trained") / "run"
    tiny_begin(out, CONFIG)

    def load() -> Task:
        there.append({path.name for path in (out / "checkpoints").glob("*.sophon.safetensors")})
        return tiny_target()

    with pytest.MonkeyPatch.context() as without:
        without.setitem(sys.modules, "onnxscript", None)  # (its file takes seconds, and is not what this is about)
        return archlock.lock(tiny_source(), CONFIG, out=out, sealed=[seal(load, name="hidden")], workers=1)


def test_it_was_trained_while_the_seal_was_shut_against_what_the_search_saw(result: LockResult) -> None:
    block = result.record.nontransferable
    assert block is not None
    assert there[0] == {f"{model.code}-0.sophon.safetensors" for model in result.record.models}
    assert there[0] == {path.name for path in (result.path / "checkpoints").glob("*.sophon.safetensors")}
    assert block.targets == ("rotation",)
    assert not block.known
    assert [target.name for target in result.record.targets] == ["other digits"]


def test_what_is_released_is_trained_on_and_the_plain_one_lies_beside_it(result: LockResult) -> None:
    record, block = result.record, result.record.nontransferable
    assert block is not None
    assert from_json(result.path / "result.json") == record
    for model, before in zip(record.models, block.models, strict=True):
        assert model.role == before.role
        assert before.kept == (2,), "a floor of 60 points is always kept"
        for folder, scores in (("reference", model.source_test), ("reference/plain", before.source_test)):
            blueprint = load_blueprint(result.path / folder / f"{model.role}.json")
            for seed, score in enumerate(scores):
                weights = load_weights(
                    build_blueprint(blueprint), result.path / folder / f"{model.role}-{seed}.safetensors"
                )
                assert evaluate(weights, tiny_source().test) == score
    plain = load_weights(
        build_blueprint(load_blueprint(result.path / "architecture.json")),
        result.path / "reference" / "plain" / "locked-0.safetensors",
    )
    assert weights_fingerprint(archlock.load(result.path)) == weights_fingerprint(result.model)
    assert weights_fingerprint(result.model) != weights_fingerprint(plain)
    trained = result.path / "checkpoints" / f"{record.locked.code}-0.safetensors"
    assert trained.read_bytes() == (result.path / "reference" / "plain" / "locked-0.safetensors").read_bytes()


def test_the_same_attackers_met_both(result: LockResult) -> None:
    record, block = result.record, result.record.nontransferable
    assert block is not None
    assert {one.attacker for one in record.outcomes} == {"from_scratch", "linear_probe"}
    assert {one.attacker for one in block.outcomes} == {"linear_probe"}, "who uses no weights does the same on both"
    pairs = [
        {(one.defended, one.target, one.fraction, one.seed) for one in some if one.attacker == "linear_probe"}
        for some in (record.outcomes, block.outcomes)
    ]
    assert pairs[0] == pairs[1]
    assert len(pairs[0]) == 2
    assert record.budget.spent_seconds["attacks on the plainly trained"] > 0
    assert record.budget.trainings["of attackers"] == len(record.outcomes) + len(block.outcomes)


def test_page_and_card_set_architecture_and_training_against_each_other(result: LockResult) -> None:
    said = two_by_two_said(result.record)
    assert said.startswith("Training with sophon takes ")
    page = (result.path / "report.html").read_text()
    assert "What the training takes, and what the architecture" in page
    assert "Source-only minus locked" in page
    assert "Training with sophon takes" in (result.path / "README.md").read_text()
    rebuild(result.path)
    assert (result.path / "report.html").read_text() == page


def test_an_attack_opens_the_released_files_as_always(result: LockResult) -> None:
    found = archlock.attack(result.path, [tiny_target((8, 9))], ATTACK, workers=1)
    assert found.record.models == result.record.models
    assert all(one.status == "valid" for one in found.outcomes)
    assert len(found.outcomes) == 2


def test_plain_training_is_the_default_and_leaves_no_word_of_it(result: LockResult, tmp_path: Path) -> None:
    tiny_begin(tmp_path / "run", replace(CONFIG, train="plain"))
    assert "train" not in read_json(tmp_path / "run" / "run.json")["config"]
    assert read_json(result.path / "run.json")["config"]["train"] == "nontransferable:sophon"
    plain = replace(result.record, nontransferable=None)
    assert isinstance(plain, LockRecord)
    assert two_by_two_said(plain) == ""
