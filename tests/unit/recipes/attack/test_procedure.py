import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import archlock
from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.recipes import AttackConfig, AttackResult, Budget, open_model, rebuild
from archlock.reports import AttackRecord, from_json, warnings_of
from archlock.tasks import Task
from archlock.testing.small_tasks import small_negatives
from archlock.training import evaluate
from folders import write_folder
from foreign_models import plain_network, vit_folder
from tiny_runs import Noted, tiny_source, tiny_target

QUICK = AttackConfig(attackers=("linear_probe", "from_scratch"), fractions=(1.0,), seeds=2, epochs=1)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AttackResult:
    out = tmp_path_factory.mktemp("attack") / "run"
    return archlock.attack(plain_network(), [tiny_target()], QUICK, source=tiny_source(), out=out, workers=1)


def test_one_model_gives_a_record_without_a_claim(result: AttackResult) -> None:
    record = from_json(result.path / "result.json")
    assert record == result.record
    assert isinstance(record, AttackRecord)
    (model,) = record.models
    assert (model.space, model.code, model.architecture, model.width) == ("", "Sequential", "Sequential", 0)
    assert model.parameters == sum(p.numel() for p in plain_network().parameters())
    assert model.multiply_adds == 9 * 6 * 64 + 6 * 9 * 12 * 16 + 12 * 4
    assert record.opened
    assert {(o.defended, o.status) for o in result.outcomes} == {("locked", "valid")}
    assert len(result.outcomes) == 4


def test_the_source_scores_are_the_models_own(result: AttackResult) -> None:
    (model,) = result.record.models
    source = tiny_source()
    assert model.source_validation == (evaluate(plain_network(), source.validation),)
    assert model.source_test == (evaluate(plain_network(), source.test),)
    assert result.record.source is not None
    assert result.record.source.fingerprint == source.fingerprint


def test_the_same_call_does_nothing_and_another_is_refused(result: AttackResult) -> None:
    noted = Noted()
    given = {"source": tiny_source(), "out": result.path, "workers": 1, "progress": noted}
    again = archlock.attack(plain_network(), [tiny_target()], QUICK, **given)  # type: ignore[arg-type]
    assert noted.stages == [("attacks", 4, 4)]
    assert again.outcomes == result.outcomes
    assert again.record.models == result.record.models
    with pytest.raises(RunError, match="holds a run with other settings"):
        archlock.attack(plain_network(width=5), [tiny_target()], QUICK, **given)  # type: ignore[arg-type]


def test_the_page_claims_no_lock(result: AttackResult) -> None:
    page = rebuild(result.path).read_text()
    for words in (
        "Attack on <code>Sequential</code>",
        "Above chance",
        "Above from scratch",
        "a module given in Python",
    ):
        assert words in page
    for words in ("Source-only", "source-only", "Taken away", "Known to the search", "ordinary search", "A lock makes"):
        assert words not in page


def test_a_reference_meets_the_same_draws(tmp_path: Path) -> None:
    """The same model on both sides: every paired difference is nothing."""
    found = archlock.attack(
        plain_network(), [tiny_target()], QUICK, reference=plain_network(), out=tmp_path / "run", workers=1
    )
    scores = {(o.defended, o.attacker, o.seed): (o.setting, o.test) for o in found.outcomes}
    assert all(score == scores["source_only", *rest] for (_, *rest), score in scores.items())
    page = found.page.read_text()
    assert "reference model" in page
    assert "The two models may differ in more than their architecture" in page
    for words in ("Source-only", "Taken away", "ordinary search", "Held"):
        assert words not in page


def test_a_vision_transformer_from_a_folder(tmp_path: Path) -> None:
    config = replace(QUICK, attackers=("linear_probe", "fine_tune", "from_scratch"), seeds=1)
    found = archlock.attack(vit_folder(tmp_path / "vit"), [tiny_target()], config, out=tmp_path / "run", workers=1)
    assert [o.status for o in found.outcomes] == ["valid"] * 3
    assert found.record.models[0].source_test == ()
    assert "16 x 16 x 3" in found.record.targets[0].origin  # conformed to what the folder says
    assert "A dash: not known here." in found.page.read_text()


class Tokened(nn.Module):
    """Holds a bare parameter, which nobody knows how to draw."""

    def __init__(self) -> None:
        super().__init__()
        self.shift, self.body = nn.Parameter(torch.zeros(1)), plain_network()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.body(images + self.shift)
        return answer


def test_what_cannot_be_begun_from_scratch_is_attacked_in_other_ways(tmp_path: Path) -> None:
    config = replace(QUICK, attackers=("linear_probe", "surgery", "from_scratch"), seeds=1)
    found = archlock.attack(Tokened(), [tiny_target()], config, out=tmp_path / "run", workers=1)
    assert [o.status for o in found.outcomes] == ["valid", "valid", "unsupported"]
    assert "nothing says how to set shift anew" in found.outcomes[2].note


def test_a_budget_is_planned_once_and_kept(tmp_path: Path) -> None:
    config = replace(QUICK, attackers=("fine_tune",), epochs=None, budget=Budget.parse("6s"), seeds=1)
    noted = Noted()
    found = archlock.attack(plain_network(), [tiny_target()], config, out=tmp_path / "a", workers=1, progress=noted)
    size, said = noted.lines
    assert size.startswith("Nobody said which size of images the model takes, so targets were taken as they were read")
    assert said.startswith("planned for 0.1 minutes: ")
    assert found.record.budget is not None
    assert found.record.budget.planned["examples an attacker has"] == 30
    assert "Asked: 0.1 minutes" in found.page.read_text()
    plan = (tmp_path / "a" / "plan.json").read_text()
    again = archlock.attack(plain_network(), [tiny_target()], config, out=tmp_path / "a", workers=1, progress=noted)
    assert again.outcomes == found.outcomes
    assert (tmp_path / "a" / "plan.json").read_text() == plan


def test_a_budget_that_is_too_small_leaves_nothing_behind(tmp_path: Path) -> None:
    config = replace(QUICK, budget=Budget(0.0001, "minutes"))
    with pytest.raises(
        ConfigurationError, match=r"budget of 0\.0001 minutes is too small for 2 attackers .*give about"
    ):
        archlock.attack(plain_network(), [tiny_target()], config, out=tmp_path / "run", workers=1)
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigurationError, match="in minutes, as in 20min; got 20 trainings"):
        AttackConfig(budget=Budget(20, "trainings"))


def test_what_does_not_fit_is_said_before_anything_is_spent(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(UnsupportedError, match=r"Sequential cannot be taken as a body .*\(3, 8, 8\) .*expected input"):
        open_model(plain_network(), size=(8, 8), channels=3)
    small = open_model(plain_network(), size=(6, 6))
    with pytest.raises(UnsupportedError, match=r"on 'negatives': .*can only get a classification head"):
        archlock.attack(plain_network(), [small_negatives()], QUICK, out=out)
    with pytest.raises(ConfigurationError, match="Sequential has 4 outputs, but 'other digits' has 3 classes"):
        archlock.attack(plain_network(), [tiny_target()], QUICK, source=tiny_target(), out=out)
    with pytest.raises(ConfigurationError, match="give a new directory with --out"):
        archlock.attack(plain_network(), [tiny_target()], QUICK)
    with pytest.raises(ConfigurationError, match="needs at least one target"):
        archlock.attack(plain_network(), [], QUICK, out=out)
    with pytest.raises(ConfigurationError, match="must be given the same images, so say which with --size"):
        archlock.attack(small, [tiny_target()], QUICK, reference=plain_network(), out=out)
    assert not out.exists()


class Strict(nn.Module):
    """Raises what torch would not, as models of libraries do."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise ValueError(f"Input image size {tuple(images.shape[2:])} doesn't match model (32*32)")


def test_a_strangers_complaint_is_passed_on_in_words(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"Strict cannot take images .* doesn't match model \(32\*32\)\)"):
        archlock.attack(Strict(), [tiny_target()], QUICK, out=tmp_path / "run")


def test_targets_of_one_folder_name_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    def stop(models: object, targets: list[Task]) -> None:
        names.extend(task.name for task in targets)
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["archlock.recipes.attack.procedure"], "prepared_targets", stop)
    folders = [
        write_folder(tmp_path / place / "photos", {"cat": 3, "dog": 5}, size=(8, 8), mode="L") for place in ("a", "b")
    ]
    with pytest.raises(KeyboardInterrupt):
        archlock.attack(plain_network(), folders, QUICK, out=tmp_path / "run")
    assert names == ["a-photos", "b-photos"]


def test_a_model_that_answers_one_class_on_its_source_and_a_target_that_is_it_are_told(tmp_path: Path) -> None:
    network = plain_network()
    head = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0]))
    source = tiny_source()
    found = archlock.attack(
        network, [replace(source, name="copy"), tiny_target()], QUICK, source=source, out=tmp_path / "run", workers=1
    ).record
    assert found.models[0].only_answer == source.classes[1]
    assert [target.same_as for target in found.targets] == ["source", ""]
    said = warnings_of(found)
    assert "answers one class for every image" in said[0]
    assert "The target copy is the same data as the source" in said[1]


class Scaled(nn.Module):
    """The same weights and the same printed form, whatever ``forward`` does with them."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.body, self.factor = plain_network(), factor

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.body(images * self.factor)
        return found


def test_an_edited_forward_is_another_model_in_a_directory_and_in_a_shared_store(tmp_path: Path) -> None:
    config, noted = replace(QUICK, attackers=("linear_probe",), seeds=1), Noted()
    given = {"store": tmp_path / "shared.sqlite", "workers": 1, "progress": noted}
    archlock.attack(Scaled(1.0), [tiny_target()], config, out=tmp_path / "one", **given)  # type: ignore[arg-type]
    with pytest.raises(RunError, match=r"holds a run with other settings \(model answers: '\w{16}' -> '\w{16}'\)"):
        archlock.attack(Scaled(-3.0), [tiny_target()], config, out=tmp_path / "one", **given)  # type: ignore[arg-type]
    archlock.attack(Scaled(-3.0), [tiny_target()], config, out=tmp_path / "two", **given)  # type: ignore[arg-type]
    archlock.attack(Scaled(1.0), [tiny_target()], config, out=tmp_path / "three", **given)  # type: ignore[arg-type]
    assert [stage[2] for stage in noted.stages] == [0, 0, 1]
