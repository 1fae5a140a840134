"""The whole job at the smallest size: what a run leaves behind, and every way of asking for one."""

import re
import shutil
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import archlock
from archlock.errors import ConfigurationError, RunError
from archlock.evidence import EvidenceStore
from archlock.recipes import AttackConfig, LockResult
from archlock.recipes.attack.attacked import released_models
from archlock.recipes.export import load_blueprint
from archlock.recipes.lock.decide import Decision, decide
from archlock.recipes.lock.procedure import open_targets
from archlock.recipes.lock.recording import _limits
from archlock.recipes.lock.run import begin
from archlock.recipes.pages import rebuild
from archlock.records import read_json, write_json
from archlock.reports import AttackRecord, LockRecord, from_json, verdict_of
from archlock.spaces import SPACES
from archlock.tasks import SIMULATORS, Choice, conform, seal
from archlock.training import evaluate
from tiny_runs import TINY, Noted, tiny_begin, tiny_config, tiny_source, tiny_target

CONFIG = replace(TINY, attack_seeds=2)
ATTACK = AttackConfig(attackers=("linear_probe",), fractions=(1.0,), seeds=2, epochs=1)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> LockResult:
    out = tmp_path_factory.mktemp("lock") / "run"
    tiny_begin(out, CONFIG)
    return archlock.lock(tiny_source(), CONFIG, out=out, workers=1)


def test_everything_that_the_report_names_is_there(result: LockResult) -> None:
    record = from_json(result.path / "result.json")
    assert isinstance(record, LockRecord)
    assert record == result.record
    for file in record.files:
        assert (result.path / file.path).exists(), file.path
    names = {path.name for path in result.path.iterdir()}
    assert {"run.json", "plan.json", "choice.json", "report.html", "README.md", "evidence.sqlite"} <= names
    assert not [name for name in names if name.startswith(".")]  # no half-written file is left


def test_the_loaded_model_is_the_locked_one(result: LockResult) -> None:
    model = archlock.load(result.path)
    images = torch.rand(5, *tiny_source().shape)
    with torch.no_grad():
        assert torch.equal(model(images), result.model(images))
    assert load_blueprint(result.path / "architecture.json").architecture == result.architecture
    assert evaluate(model, tiny_source().test) == result.record.locked.source_test[0]


def test_the_record_says_what_was_done(result: LockResult) -> None:
    record, locked = result.record, result.record.locked
    assert f"{locked.space}:{locked.code}" == str(result.architecture)
    assert locked.official_string == SPACES["nasbench201"].official_string(result.architecture)
    assert len(locked.source_test) == len(record.source_only.source_test) == 2
    assert [finalist.note for finalist in record.finalists].count("locked") <= 1
    assert {"locked", "source-only"} == set(
        re.findall("locked|source-only", " ".join(f.note for f in record.finalists))
    )
    assert record.source.fingerprint == tiny_source().fingerprint
    assert [(t.name, t.simulated, t.seen_by_search) for t in record.targets] == [("jigsaw(digits)", True, False)]
    assert len(record.outcomes) == 2 * 4 * 2  # models, attackers, seeds
    assert Counter(o.defended for o in record.outcomes) == {"locked": 8, "source_only": 8}
    assert Counter(f.defended for f in record.further) == {"locked": 2, "source_only": 2}
    assert [f.before for f in record.further if f.defended == "locked"] == list(locked.source_test)
    assert record.budget.spent_seconds["further training"] > 0
    assert record.budget.asked == "8 trainings"
    assert record.budget.planned["candidates"] == 8


def test_the_record_counts_what_is_in_the_store(result: LockResult) -> None:
    store = EvidenceStore(result.path / "evidence.sqlite").read()
    bought = [key for key in store if not key.measure.startswith("attack.")]
    assert sum(e.count for e in result.record.evidence) == len(bought)
    by_measure = Counter({e.measure: 0 for e in result.record.evidence})
    for evidence in result.record.evidence:
        by_measure[evidence.measure] += evidence.count
    assert by_measure == Counter(key.measure for key in bought)
    assert {e.task for e in result.record.evidence} == {"source", "rotation"}
    by_fidelity = Counter((key.fidelity, key.measure) for key in bought)
    released = {f"nasbench201:{one.code}" for one in result.record.finalists}
    everything = {key.fidelity for key in bought}
    (full,) = [one for one in everything if {key.architecture for key in bought if key.fidelity == one} == released]
    (short,) = everything - {full}
    assert by_fidelity[short, "probe_accuracy"] == by_fidelity[short, "fine_tune_accuracy"] == 8
    assert 8 < by_fidelity[short, "source_accuracy"] <= 8 + 4, "the first half of each search's are the same"
    finalists = result.record.finalists
    trained = Counter(key.architecture for key in bought if (key.fidelity, key.measure) == (full, "source_accuracy"))
    assert trained == {f"nasbench201:{one.code}": len(one.source_validation) for one in finalists}
    adapted = Counter(key.architecture for key in bought if (key.fidelity, key.measure) == (full, "probe_accuracy"))
    assert set(adapted) == {f"nasbench201:{one.code}" for one in finalists if one.target_gain is not None}
    assert adapted[str(result.architecture)] == trained[str(result.architecture)] == 2, "confirmed on targets, too"
    assert 4 <= adapted.total() <= 4 + len(adapted)
    assert by_fidelity[full, "fine_tune_accuracy"] == adapted.total()


def test_card_and_report_show_the_verdict(result: LockResult, tmp_path: Path) -> None:
    card = (result.path / "README.md").read_text()
    page = (result.path / "report.html").read_text()
    assert result.record.locked.code in card
    assert result.record.locked.code in page
    assert result.report(tmp_path / "copy.html").read_text() == page


def test_the_same_call_again_trains_nothing_and_answers_the_same(result: LockResult) -> None:
    rows, noted = EvidenceStore(result.path / "evidence.sqlite").read(), Noted()
    again = archlock.lock(tiny_source(), CONFIG, out=result.path, workers=1, progress=noted)
    assert again.record == result.record
    assert noted.stages
    assert all(total == done for _, total, done in noted.stages), noted.stages
    assert EvidenceStore(result.path / "evidence.sqlite").read() == rows


def test_without_onnx_a_lock_ends_and_says_what_was_left_out(
    result: LockResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(result.path, tmp_path / "run")
    (run / "locked.onnx").unlink()
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # as if it were not installed
    noted = Noted()
    short = archlock.lock(tiny_source(), CONFIG, out=run, workers=1, progress=noted)
    assert {file.path for file in result.record.files} - {file.path for file in short.record.files} == {"locked.onnx"}
    assert not (run / "locked.onnx").exists()
    said = "The ONNX file was left out: it needs onnxscript. Run pip install 'archlock[onnx]', then the same command"
    assert said in noted.lines[-1]
    assert said in short.record.limits[-1]
    assert "The ONNX file was left out: it needs onnxscript" in (run / "README.md").read_text()
    assert "The ONNX file was left out: it needs onnxscript" in (run / "report.html").read_text()
    monkeypatch.undo()
    whole = archlock.lock(tiny_source(), CONFIG, out=run, workers=1)
    assert whole.record == result.record
    assert (run / "locked.onnx").exists()


def test_other_settings_in_the_same_directory_are_refused(result: LockResult) -> None:
    with pytest.raises(RunError, match="holds a run with other settings"):
        archlock.lock(tiny_source(), replace(CONFIG, seed=1), out=result.path)


def test_a_finished_run_can_be_attacked_on_another_target(result: LockResult) -> None:
    found = archlock.attack(result.path, [tiny_target()], ATTACK, workers=1)
    assert found.path == result.path / "attacks" / "other digits"
    record = from_json(found.path / "result.json")
    assert isinstance(record, AttackRecord)
    assert record == found.record
    assert record.models == (result.record.locked, result.record.source_only)
    assert Counter(o.defended for o in found.outcomes) == {"locked": 2, "source_only": 2}
    assert all(o.status == "valid" for o in found.outcomes)
    assert "other digits" in (found.path / "report.html").read_text()
    noted = Noted()
    again = archlock.attack(result.path, [tiny_target()], ATTACK, workers=1, progress=noted)
    assert noted.stages == [("attacks", 4, 4)]
    assert again.outcomes == found.outcomes


def test_the_models_under_attack_are_those_that_were_released(result: LockResult) -> None:
    models = released_models(result.path, result.record)
    for role, record in (("locked", result.record.locked), ("source_only", result.record.source_only)):
        scores = tuple(evaluate(model, tiny_source().test) for model in models[role].models)  # type: ignore[index]
        assert scores == record.source_test


def test_an_attack_without_targets_or_on_twins_is_refused(result: LockResult, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs at least one target"):
        archlock.attack(result.path, [], ATTACK)
    with pytest.raises(ConfigurationError, match="different names; got other digits, other digits"):
        archlock.attack(result.path, [tiny_target(), tiny_target(seed=1)], ATTACK)
    with pytest.raises(RunError, match=r"it has neither result\.json"):
        archlock.attack(tmp_path, [tiny_target()], ATTACK)


def test_an_attack_is_no_lock_to_be_attacked(result: LockResult) -> None:
    found = archlock.attack(result.path, [tiny_target()], ATTACK, workers=1)
    with pytest.raises(RunError, match="holds an attack, not a lock"):
        archlock.attack(found.path, [tiny_target()], ATTACK)


def test_a_shared_store_pays_for_a_second_run(result: LockResult, tmp_path: Path) -> None:
    tiny_begin(tmp_path / "run", CONFIG)
    noted = Noted()
    decision = decide_with(tmp_path / "run", result.path / "evidence.sqlite", noted)
    assert decision.choice.architecture == str(result.architecture)
    short = [(total, done) for stage, total, done in noted.stages if stage.startswith(STAGES[0])]
    assert all(total == done for total, done in short), "full ones are trained again, for their weights"
    for arm in ("", " (source only)"):  # both searches have the same budget
        spent = {stage: sum(n for name, n, _ in noted.stages if name == stage + arm) for stage in STAGES}
        assert spent[STAGES[0]] == 8
        assert 4 < spent[STAGES[1]] <= 4 + len(decision.finalists)
    for chosen in (decision.locked, decision.source_only):  # confirmed by every seed
        assert len(chosen.source_scores) == CONFIG.attack_seeds


def test_runs_that_share_a_store_share_the_weights_of_full_trainings(tmp_path: Path) -> None:
    first, second = Noted(), Noted()
    decide_with(tmp_path / "one", tmp_path / "shared.sqlite", first)
    assert any(total > done for stage, total, done in first.stages if stage.startswith(STAGES[1]))
    decide_with(tmp_path / "two", tmp_path / "shared.sqlite", second)
    assert [stage for stage, total, done in second.stages if total > done] == []
    assert not any((tmp_path / run / "checkpoints").exists() for run in ("one", "two"))


STAGES = ("short trainings", "finalists, trained at full size")


def decide_with(out: Path, store: Path, noted: Noted) -> Decision:
    source = tiny_source()
    run = begin(source, CONFIG, out, known=(), sealed=1, store=store, workers=1, progress=noted)
    return decide(run)


def test_a_target_that_is_known_is_locked_against_and_attacked(tmp_path: Path) -> None:
    target, config = tiny_target(), tiny_config(scheme="tk")
    run = tiny_begin(tmp_path / "run", config, known=[target], sealed=0)
    decision = decide(run)
    assert set(decision.locked.per_target) == {target.name}
    assert set(open_targets(run, [], decision.choice)) == {target.name}
    hidden = seal(replace(tiny_target((8, 9)), name=target.name), name="hidden")
    assert set(open_targets(run, [hidden], decision.choice)) == {target.name, f"{target.name} (2)"}


def test_a_known_target_stays_known_whatever_is_made_of_its_images(tmp_path: Path) -> None:
    """It is larger than the source's images and has more of them than an attacker gets."""
    target = conform(tiny_target(), (1, 12, 12))
    run = tiny_begin(tmp_path / "run", tiny_config(scheme="tk"), known=[target], sealed=2)
    run = replace(run, allocation=replace(run.allocation, attack_examples=12))
    choice = Choice.now("nasbench201:000000", run.source, seed=0)
    other = seal(tiny_target((8, 9)), name="hidden")
    again = seal(replace(target, name="the same"), name="again")
    opened = open_targets(run, [other, again], choice)
    assert [(one.seen_by_search, one.simulated) for one in opened.values()] == [
        (True, False),
        (False, False),
        (True, False),
    ]
    for one in opened.values():
        assert len(one.task.train) == 12
        assert one.task.fingerprint not in {known.fingerprint for known in run.targets.values()}


def test_simulated_targets_say_whether_they_are_drawn(tmp_path: Path) -> None:
    run = tiny_begin(tmp_path / "run", tiny_config(simulated=("shapes", "rotation")))
    hidden = [seal(SIMULATORS[name].simulate(tiny_source(), seed=0), name=name) for name in ("glyphs", "jigsaw")]
    choice = Choice.now("nasbench201:000000", run.source, seed=0)
    opened = open_targets(run, hidden, choice, simulated=True)
    assert [(one.simulated, one.drawn) for one in opened.values()] == [(True, True), (True, False)]
    assert [one.task.origin.split(" tiny")[0].split(" digits")[0] for one in opened.values()] == [
        "drawn at the size of",
        "simulated from",
    ]
    (words,) = [limit for limit in _limits(run) if "knew no target" in limit]
    assert "tasks made from the source's own images (rotation) and tasks that are drawn" in words
    assert words.split("(")[-1].startswith("shapes)")


def test_scheme_s_chooses_by_the_source_alone(tmp_path: Path) -> None:
    decision = decide(tiny_begin(tmp_path / "run", tiny_config(scheme="s")))
    assert decision.locked == decision.source_only
    assert decision.locked.per_target == {}
    assert decision.locked.source_validation == max(f.source_validation for f in decision.finalists)
    assert decision.trade_off == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence": "zero_cost"},
        {
            "evidence": "zero_cost",
            "preference": "binary_ranker",
            "strategy": "regularised_evolution",
            "objective": "published",
            "evaluations": 300,
            "space": "transnas101_micro",  # smaller, so sooner searched
        },
        {"space": "transnas101_micro"},
        {"evidence": "rehearsal", "shots": (2,)},
    ],
    ids=["score model", "published method", "transnas101 micro", "rehearsal"],
)
def test_every_kind_of_evidence_comes_to_a_decision(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = tiny_config(**changes)
    run = tiny_begin(tmp_path / "run", config)
    decision = decide(run)
    space = SPACES[config.space]
    assert decision.locked in decision.finalists
    assert decision.source_only in decision.finalists
    assert all(space.is_connected(f.architecture) for f in decision.finalists)
    functions = Counter(space.simplify(a) for a in space.enumerate() if space.is_connected(a))
    assert decision.percentiles.keys() == functions.keys()
    standing = sorted((share, functions[a] / len(space)) for a, share in decision.percentiles.items())
    assert standing[0][0] == pytest.approx(1 - sum(functions.values()) / len(space)), "all others are below"
    for (below, weight), (above, _) in pairwise(standing):
        assert above == pytest.approx(below + weight)
    assert standing[-1][0] + standing[-1][1] == pytest.approx(1)
    best = decision.candidates.architectures[int(np.argmax(decision.source.mean))]
    assert decision.percentiles[best] == standing[-1][0]
    measures = {key.measure for key in run.resources.store.read()}
    if config.evidence == "zero_cost":
        assert len([m for m in measures if m.startswith("proxy.")]) == 7
        assert "fine_tune_accuracy" not in measures  # nothing is adapted before the finalists, nor for them
    if config.evidence == "rehearsal":
        assert measures == {"source_accuracy", "rehearsed_accuracy"}


ARMED = tiny_config(
    arms=("random", "same_size", "nsga2"), space="transnas101_micro", attackers=("linear_probe",), attack_seeds=2
)
ROLES = ["locked", "source_only", "random", "same_size", "nsga2"]


@pytest.fixture(scope="module")
def armed(tmp_path_factory: pytest.TempPathFactory) -> LockResult:
    out = tmp_path_factory.mktemp("armed") / "run"
    tiny_begin(out, ARMED)
    return archlock.lock(tiny_source(), ARMED, out=out, workers=1)


def test_other_architectures_are_trained_released_and_attacked_like_the_lock(armed: LockResult) -> None:
    record = armed.record
    assert [model.role for model in record.models] == ROLES
    assert from_json(armed.path / "result.json") == record
    assert len({model.architecture for model in record.models[:2]} & {m.architecture for m in record.models[2:4]}) == 0
    assert all(len(model.source_test) == 2 for model in record.models)
    assert [model.keeps_floor for model in record.models][:4] == [None, None, True, True]
    assert record.models[4].keeps_floor is not None
    assert Counter(o.defended for o in record.outcomes) == dict.fromkeys(ROLES, 2)
    assert Counter(f.defended for f in record.further) == dict.fromkeys(ROLES, 2)
    models = released_models(armed.path, record)
    for model in record.models:
        scores = tuple(evaluate(one, tiny_source().test) for one in models[model.role].models)
        assert scores == model.source_test, model.role


def test_their_trainings_are_counted_apart_from_the_evidence(armed: LockResult) -> None:
    record = armed.record
    store = EvidenceStore(armed.path / "evidence.sqlite").read()
    bought = [key for key in store if not key.measure.startswith("attack.")]
    beside = record.budget.trainings["of other architectures"]
    assert sum(e.count for e in record.evidence) + beside == len(bought)
    assert beside >= 2
    assert record.budget.spent_seconds["other architectures"] > 0


def test_page_and_verdict_are_against_all_of_them(armed: LockResult) -> None:
    page = armed.page.read_text()
    assert "What another architecture takes as well" in page
    assert "No random architecture" not in page
    assert verdict_of(armed.record).beside.startswith("The strongest attackers reach ")


def test_the_same_call_again_draws_and_trains_nothing_anew(armed: LockResult) -> None:
    noted = Noted()
    again = archlock.lock(tiny_source(), ARMED, out=armed.path, workers=1, progress=noted)
    assert again.record == armed.record
    assert all(total == done for _, total, done in noted.stages), noted.stages


def test_an_attack_on_the_run_attacks_them_too(armed: LockResult) -> None:
    found = archlock.attack(armed.path, [tiny_target()], ATTACK, workers=1)
    assert [model.role for model in found.record.models] == ROLES
    assert Counter(o.defended for o in found.outcomes) == dict.fromkeys(ROLES, 2)
    assert from_json(found.path / "result.json") == found.record
    assert "What another architecture takes as well" in found.page.read_text()


def test_a_run_of_before_is_attacked_as_it_is(armed: LockResult, tmp_path: Path) -> None:
    """Its result knows of no other architecture, and its directory holds none."""
    copy = shutil.copytree(armed.path, tmp_path / "run")
    content = read_json(copy / "result.json")
    content["outcomes"] = [o for o in content["outcomes"] if o["defended"] in ROLES[:2]]
    content["further"] = [f for f in content["further"] if f["defended"] in ROLES[:2]]
    for name in ROLES[2:]:
        del content[name]
        for file in (copy / "reference").glob(f"{name}*"):
            file.unlink()
    for name in ROLES[:2]:
        del content[name]["keeps_floor"]
    write_json(copy / "result.json", content)
    page = rebuild(copy).read_text()
    assert "What another architecture takes as well" not in page
    assert "No random architecture above the source floor was attacked alike" in page
    found = archlock.attack(copy, [tiny_target()], ATTACK, workers=1)
    assert [model.role for model in found.record.models] == ROLES[:2]
