"""``archlock.compact``: the share that was asked for, decided by validation, written, opened again, taken up."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import archlock
from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.models import save_weights
from archlock.progress import Silent
from archlock.recipes import PairedAttacks, compact, open_model, rebuild
from archlock.recipes.compact.config import CompactConfig
from archlock.recipes.compact.making import choice_of
from archlock.recipes.opening import OpenedModel
from archlock.reports import CompactRecord, compact_from_json
from archlock.tasks import Split, Task
from edited_families import Tied
from small_compactions import digits, trained
from tiny_runs import Noted

FACTORY = "foreign_models:plain_network"
QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 32, "periods": 2, "runtime": "torch"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "best.pt"
    torch.save(trained().state_dict(), path)
    return path


def opened(weights: Path) -> OpenedModel:
    return open_model(weights, factory=FACTORY, size=(8, 8), channels=1)


def made(weights: Path, out: Path, task: Task | None = None, **settings: Any) -> Any:
    given = {name: settings.pop(name) for name in ("targets", "attacks", "progress") if name in settings}
    return compact(
        opened(weights), task or digits(), out=out, factory=FACTORY, workers=1, **given, **{**QUICK, **settings}
    )


@pytest.fixture(scope="module")
def whole(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CompactRecord]:
    out = tmp_path_factory.mktemp("compact") / "small"
    return out, made(weights, out).record


def without_time(record: CompactRecord) -> CompactRecord:
    same = {"created": "", "spent_seconds": {}, "notes": ()}
    return replace(
        record, before=replace(record.before, latency_ms=1.0), after=replace(record.after, latency_ms=1.0), **same
    )


def test_exactly_the_share_is_left_and_the_record_says_so(whole: tuple[Path, CompactRecord]) -> None:
    record = whole[1]
    assert record.units == (18, 9)
    assert record.kept == 0.5
    assert record.difference <= 1e-5
    assert [point.kept for point in record.path] == [14, 9]
    assert [point.kept for point in record.curve] == [18, 17, 15, 13, 11, 9, 8, 6, 4, 2]
    assert record.epochs == (1, 1)
    assert record.after.parameters < record.before.parameters
    assert record.after.weights_bytes < record.before.weights_bytes
    assert record.test[1] > 0.5
    assert record.left_alone


def test_what_is_written_is_opened_again_and_answers_what_was_measured(whole: tuple[Path, CompactRecord]) -> None:
    out, record = whole
    small = open_model(out, factory=FACTORY)
    assert sum(value.numel() for value in small.module.parameters()) == record.after.parameters
    from archlock.training import evaluate

    assert evaluate(small.module, digits().test) == record.test[1]
    assert (out / "edited.safetensors").stat().st_size == record.after.weights_bytes
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "checkpoints", "compact.json", "curve.json", "edited.json", "edited.safetensors", "report.html",
        "run.json",
    ]  # fmt: skip
    assert list((out / "checkpoints").iterdir()) == []


def test_record_and_page_are_read_and_made_again(whole: tuple[Path, CompactRecord]) -> None:
    out, record = whole
    assert compact_from_json(out / "compact.json") == record
    before = (out / "report.html").read_bytes()
    assert rebuild(out) == out / "report.html"
    assert (out / "report.html").read_bytes() == before
    assert "Nothing was attacked: no target was given" in (out / "README.md").read_text()


def test_stopped_and_taken_up_it_ends_with_the_same_bits(
    weights: Path, tmp_path: Path, whole: tuple[Path, CompactRecord]
) -> None:
    class Stops(Silent):
        def __init__(self, after: int) -> None:
            self.left = after

        def advance(self, steps: int = 1, note: str = "") -> None:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

    for after in (1, 1):  # (in the epoch in which units fade, and in the next)
        with pytest.raises(KeyboardInterrupt):
            made(weights, tmp_path / "small", progress=Stops(after))
    record = made(weights, tmp_path / "small").record
    assert without_time(record) == without_time(whole[1])
    for name in ("edited.safetensors", "edited.json"):
        assert (tmp_path / "small" / name).read_bytes() == (whole[0] / name).read_bytes()
    again = made(weights, tmp_path / "small")
    assert again.record == record, "what is finished is read"
    with pytest.raises(RunError, match=r"holds a run with other settings \(compact"):
        made(weights, tmp_path / "small", keep=0.6)


def test_the_test_split_decides_nothing(weights: Path, tmp_path: Path) -> None:
    task = digits()
    turned = replace(task, test=Split(task.test.images, (task.test.targets + 1) % 4))
    rates = (0.02, 0.1)
    one, other = (
        made(weights, tmp_path / name, given, rates=rates, method="magnitude")
        for name, given in (("a", task), ("b", turned))
    )
    assert one.record.rate == other.record.rate
    assert (tmp_path / "a" / "edited.safetensors").read_bytes() == (tmp_path / "b" / "edited.safetensors").read_bytes()
    assert one.record.test != other.record.test
    scores = [trial.validation for trial in one.record.trials]
    assert one.record.rate == rates[int(np.argmax(scores))]
    assert one.record.validation[1] == max(scores)
    assert one.record.periods == 0
    assert one.record.path == ()


def test_one_rate_that_diverges_is_noted_and_the_other_stays(weights: Path, tmp_path: Path) -> None:
    record = made(weights, tmp_path / "small", rates=(0.02, 1e20), cost="parameters").record
    assert [trial.validation is None for trial in record.trials] == [False, True]
    assert "diverged" in record.trials[1].note
    assert record.rate == 0.02
    assert record.after.parameters <= 0.5 * record.before.parameters


def test_with_a_target_the_same_attackers_meet_both(weights: Path, tmp_path: Path) -> None:
    target = replace(digits(), name="other digits")
    progress = Noted()
    record = made(
        weights, tmp_path / "small", method="taylor", targets=[target],
        attacks=PairedAttacks(attackers=("linear_probe",), seeds=2, epochs=1), progress=progress,
    ).record  # fmt: skip
    said = "the target other digits is the same data as the source"
    assert any(note.startswith(said) for note in record.notes)
    assert any(line.startswith(said) for line in progress.lines)
    assert record.attacks is not None
    assert {one.defended for one in record.attacks.outcomes} == {"locked", "source_only"}
    page, card = ((tmp_path / "small" / name).read_text() for name in ("report.html", "README.md"))
    assert "Linear probe" in page
    assert "the strongest attack reaches" in card
    assert "Nothing was attacked" not in page + card


def test_what_is_finished_is_attacked_later_without_training_anew(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archlock.recipes.compact import procedure

    attacks = PairedAttacks(attackers=("linear_probe",), seeds=1, epochs=1)
    given = {"method": "taylor", "targets": [replace(digits(), name="other digits")], "attacks": attacks}
    together = made(weights, tmp_path / "other", **given).record.attacks
    first = made(weights, tmp_path / "small", method="taylor").record
    monkeypatch.setattr(procedure, "made_smaller", None)
    later = made(weights, tmp_path / "small", **given).record
    assert later.attacks is not None
    assert without_time(replace(later, attacks=None)) == without_time(first)
    assert made(weights, tmp_path / "small", **given).record == later, "no attack is done again"
    assert made(weights, tmp_path / "small", method="taylor").record == later, "nothing is lost"
    assert "the strongest attack reaches" in (tmp_path / "small" / "README.md").read_text()
    assert together is not None
    assert [(one.validation, one.test) for one in together.outcomes] == [
        (one.validation, one.test) for one in later.attacks.outcomes
    ]


def test_a_network_of_ours_is_made_smaller_and_loaded(tmp_path: Path) -> None:
    from archlock.models import build
    from archlock.recipes.export import Blueprint, save_blueprint
    from archlock.spaces import Architecture

    task = digits()
    architecture = Architecture("nasbench201", "301321")
    network = build(architecture, task.signature, width=4, depth=1, seed=0)
    folder = tmp_path / "released"
    folder.mkdir()
    save_weights(network, folder / "locked.safetensors")
    save_blueprint(Blueprint(architecture, task.signature, task.classes, 4, 1), folder / "architecture.json")
    with pytest.raises(ConfigurationError, match=r"nobody says what .* was trained for; give its data with --source"):
        archlock.compact(folder, out=tmp_path / "small")
    result = archlock.compact(folder, task, keep="60%", out=tmp_path / "small", **QUICK)
    loaded = archlock.load(tmp_path / "small")
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(loaded(images), result.model(images))


def choice_for(model: nn.Module, **settings: Any) -> Any:
    return choice_of(model, "it", replace(digits()), CompactConfig(**settings))  # type: ignore[arg-type]


def test_a_network_with_nothing_to_remove_says_why_of_every_layer() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    with pytest.raises(
        UnsupportedError, match=r"nothing of it can be removed exactly: 1: 4 of 4 channels stay, it makes"
    ):
        choice_for(model.eval())


def test_a_forward_pass_that_decides_is_refused_with_the_line() -> None:
    class Deciding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = trained()

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.inner(images if images.sum() > 0 else -images)

    with pytest.raises(
        UnsupportedError, match="it: Deciding cannot be edited: its forward pass decides by the numbers"
    ):
        choice_for(Deciding().eval())


def test_frozen_parameters_and_a_share_that_empties_a_layer_are_refused() -> None:
    model = trained()
    model[0].weight.requires_grad_(False)  # type: ignore[index]
    try:
        with pytest.raises(UnsupportedError, match=r"it has 1 frozen parameters, such as 0\.weight .* free them with"):
            choice_for(model)
    finally:
        model.requires_grad_(True)
    with pytest.raises(UnsupportedError, match=r"it: keeping 5.0% of the groups would leave a layer empty"):
        choice_for(model, keep=0.05)


def test_tied_weights_stay_tied() -> None:
    from archlock.models import narrowed, ties_of
    from archlock.training import lowest
    from small_compactions import choice_of

    model = Tied().eval()
    choice = choice_of(model, "2/3", shape=(3, 8, 8))
    scores = {group.name: torch.rand(group.units) for group in choice.groups}
    smaller = narrowed(model, choice.structure, lowest(choice, scores, {}))
    assert ties_of(smaller) == ties_of(model) != {}
    assert smaller(torch.rand(2, 3, 8, 8)).shape == (2, 3)


def test_classes_that_are_not_the_outputs_are_refused(weights: Path, tmp_path: Path) -> None:
    from archlock.testing.small_tasks import small_digits

    with pytest.raises(ConfigurationError, match="best has 4 outputs, but 'digits' has 10 classes; give as --source"):
        made(weights, tmp_path / "small", small_digits())
    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize("half", [False, True])
def test_a_module_is_made_smaller_with_what_builds_it(half: bool, tmp_path: Path) -> None:
    module = copy.deepcopy(trained()).half() if half else trained()
    result = compact(module, digits(), out=tmp_path / "small", factory=FACTORY, method="taylor", **QUICK)
    assert any("the model was given in float16" in note for note in result.record.notes) is half
    again = open_model(tmp_path / "small", factory=FACTORY).module
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(again(images), result.model(images))
    assert {value.dtype for value in module.parameters()} == {torch.float16 if half else torch.float32}


def test_a_module_that_its_factory_does_not_build_is_refused_before_anything_trains(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Sequential is not what foreign_models:plain_network .*'width': 5"):
        compact(trained(), digits(), out=tmp_path / "small", factory=FACTORY, arguments={"width": 5}, **QUICK)
    with pytest.raises(ConfigurationError, match=r"what builds its module is not known; .* with factory="):
        compact(trained(), digits(), out=tmp_path / "small", **QUICK)
    assert not (tmp_path / "small").exists()


def test_a_classifier_of_transformers_says_itself_what_it_is(tmp_path: Path) -> None:
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(0)
    config = ResNetConfig(
        num_channels=1, embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic", num_labels=4
    )
    module = ResNetForImageClassification(config)
    result = compact(module, digits(), out=tmp_path / "small", method="magnitude", **QUICK)
    assert result.record.model == "ResNetForImageClassification"
    assert result.record.after.parameters < result.record.before.parameters
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(archlock.load(tmp_path / "small")(images), result.model(images))
