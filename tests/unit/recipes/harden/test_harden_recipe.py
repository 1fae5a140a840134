"""A hardening from the first word to the files: what is written, what opens it, what is said and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import archlock
import foreign_models
from archlock.errors import ConfigurationError, UnsupportedError
from archlock.models import TAPPED
from archlock.recipes import HardenConfig, PairedAttacks, harden, open_model
from archlock.recipes.harden import measuring, procedure
from archlock.recipes.harden.config import parse_epsilon
from archlock.recipes.limits import timing
from archlock.reports import SizeRecord, hardening_from_json, hardening_lines
from archlock.tasks import Split, Task
from archlock.testing.small_tasks import small_digits, small_labels, small_negatives
from archlock.training.sparsity import prunable, weights_left
from foreign_models import FACTORY, plain_network, weights_file
from tiny_runs import Noted, tiny_target

QUICK = HardenConfig(
    epsilon=8 / 255,
    sparsity=0.5,
    epochs=2,
    adversary_steps=1,
    images=16,
    steps=2,
    adversaries=("fgsm", "pgd"),
    attacks=PairedAttacks(attackers=("linear_probe",), seeds=1, epochs=1),
)


@pytest.fixture(autouse=True)
def _quick_latency(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Sizes are measured in one test, shortly and in torch; in the others nobody waits for clocks."""
    if "written" in request.node.name:
        monkeypatch.setattr(measuring, "chosen_runtime", lambda asked: "torch")
        monkeypatch.setattr(timing, "SECONDS_A_BLOCK", 0.01)
    else:
        found = SizeRecord(file_bytes=1000, deflated_bytes=500, latency_ms=0.1)
        monkeypatch.setattr(procedure, "size", lambda model, shape: found)


def source() -> Task:
    return small_digits(train=40, validation=24, test=24, labels=(0, 1, 2, 3))


def asked(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    opened = {"model": open_model(str(weights_file(tmp_path / "best.pt")), factory=FACTORY, size=(8, 8), channels=1)}
    return {**opened, "factory": FACTORY, "source": source(), "config": QUICK, "workers": 1, **changes}


def test_the_hardened_model_is_written_and_opens_everywhere(tmp_path: Path) -> None:
    result = harden(**asked(tmp_path), out=tmp_path / "hard")
    record = result.record
    again = open_model(str(tmp_path / "hard"), factory=FACTORY)
    weights = prunable(again.module)
    assert sum(int((weight != 0).sum()) for weight in weights.values()) == weights_left(weights, 0.5)
    assert record.zeros == pytest.approx(0.5, abs=0.01)
    assert record.after.epsilons == pytest.approx((4 / 255, 8 / 255, 16 / 255))
    assert len(record.before.rows) == 16
    assert record.before.rows == record.after.rows
    assert record.epochs == (1, 1)
    assert [f"{one.name}.weight" for one in record.layers] == [name.removeprefix(TAPPED) for name in weights]
    assert all(one.after.zeros >= one.dense.zeros == 0 for one in record.layers)
    assert record.smoothness[1].bound is not None
    assert record.smoothness[1].bound >= record.smoothness[1].largest_local > 0
    assert record.sizes[0].file_bytes == record.sizes[1].file_bytes  # zeros make no file smaller
    assert record.sizes[1].deflated_bytes < record.sizes[0].deflated_bytes
    assert hardening_from_json(tmp_path / "hard" / procedure.HARDENING) == record
    page = result.page.read_text()
    assert "Nothing was attacked: no target was given." in page
    assert "What the paper claims, and what is seen here" in page
    lines = hardening_lines(record)
    assert "cannot be said: the constraints raise robust accuracy" in lines
    assert "Within 8/255 the model is right about" in lines


def test_with_targets_the_same_attackers_meet_both(tmp_path: Path) -> None:
    result = harden(
        **asked(tmp_path, config=replace(QUICK, sparsity=0.0)), targets=[tiny_target()], out=tmp_path / "hard"
    )
    attacks = result.record.attacks
    assert attacks is not None
    assert {one.defended for one in attacks.outcomes} == {"locked", "source_only"}
    assert result.record.epochs == (2, 0)
    assert "On other digits the strongest attack reaches" in result.page.read_text()


def test_what_is_finished_is_attacked_later_without_training_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = asked(tmp_path, config=replace(QUICK, sparsity=0.0))
    first = harden(**given, out=tmp_path / "hard").record
    monkeypatch.setattr("archlock.training.hardening_state.HardeningState.run_epoch", None)
    later = harden(**given, targets=[tiny_target()], out=tmp_path / "hard").record
    assert later.attacks is not None
    assert (later.after.rows, later.layers) == (first.after.rows, first.layers)
    again = harden(**given, out=tmp_path / "hard").record
    assert again.attacks == later.attacks, "nothing is lost"


def test_a_run_that_is_stopped_goes_on_with_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = harden(**asked(tmp_path), out=tmp_path / "whole")

    class Stopped(Exception):
        pass

    class Stopping(Noted):
        def __init__(self) -> None:
            super().__init__()
            self.left = 2

        def advance(self, steps: int = 1, note: str = "") -> None:
            self.left -= 1
            if self.left == 0:
                raise Stopped

    with pytest.raises(Stopped):
        harden(**asked(tmp_path), out=tmp_path / "cut", progress=Stopping())
    again = harden(**asked(tmp_path), out=tmp_path / "cut")
    state = again.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.model.state_dict().items())
    assert again.record.after.worst == whole.record.after.worst


def test_a_network_of_ours_loads_again_and_nobody_guesses_its_source(tmp_path: Path) -> None:
    from archlock.models import build, save_weights
    from archlock.recipes.export import Blueprint, save_blueprint
    from archlock.spaces import SPACES

    task = source()
    architecture = SPACES["nasbench201"].architecture("314231")
    network = build(architecture, task.signature, width=4, depth=1, seed=0)
    folder = tmp_path / "ours"
    folder.mkdir()
    save_blueprint(Blueprint(architecture, task.signature, task.classes, 4, 1), folder / "architecture.json")
    save_weights(network, folder / "locked.safetensors")
    result = harden(str(folder), task, QUICK, workers=1, out=tmp_path / "hard")
    loaded = archlock.load(tmp_path / "hard")
    images = torch.rand(3, 1, 8, 8)
    assert torch.equal(loaded(images), result.model(images))
    with pytest.raises(ConfigurationError, match=r"nobody says what .* was trained for; give its data with --source"):
        harden(str(folder), config=QUICK, out=tmp_path / "other")


def test_immunised_features_are_measured_and_nothing_is_promised(tmp_path: Path) -> None:
    config = replace(QUICK, sparsity=0.0)
    result = harden(**asked(tmp_path, config=config), immunise=tiny_target(), out=tmp_path / "hard")
    found = result.record.immunity
    assert found is not None
    own, other = (after / before for before, after in (found.own_condition, found.other_condition))
    assert found.ratio == pytest.approx(other / own)
    assert found.best_ratio is None or found.best_ratio >= 1
    assert set(found.probes) == {
        "plain descent, 100 steps", "plain descent, 1,000 steps", "L-BFGS", "ridge", "whitened",
    }  # fmt: skip
    assert "that is no lock" in result.page.read_text()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epsilon": 0.0}, "epsilon 0 leaves the adversary nothing to change"),
        ({"epsilon": 4.0}, "in grey levels of 0 to 255 write 4/255"),
        ({"epsilon": -0.1}, "epsilon is a finite number from 0 on"),
        ({"sparsity": 1.0}, "sparsity is the share of weights that become zero"),
        ({"sparsity": 90.0}, "for 90 % write 0.9"),
        ({"condition": float("nan")}, "weight of the condition term is a finite number"),
        ({"epochs": 1}, "a dense and a sparse stage take 2 epochs at least; got 1"),
        ({"norm": "l1"}, "unknown norm 'l1'"),
        ({"immunise_other": -1.0}, "immunise_other is a weight, a finite number from 0 on; got -1.0"),
        ({"adversaries": ("square",), "norm": "l2"}, "square is not here in the norm 'l2'"),
    ],
)
def test_settings_that_cannot_be_meant(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said.replace("(", r"\(")):
        HardenConfig(**settings)


def test_an_epsilon_is_one_number() -> None:
    assert parse_epsilon("4/255") == HardenConfig.of(epsilon="4/255").epsilon == 4 / 255
    with pytest.raises(ConfigurationError, match="hardened against one epsilon, as in 4/255; got '2/255,4/255'"):
        parse_epsilon("2/255,4/255")


def test_data_that_cannot_be_hardened_on(tmp_path: Path) -> None:
    task = source()
    one_class = Split(task.train.images, np.zeros_like(task.train.targets))
    with pytest.raises(ConfigurationError, match="all training images of 'digits' are of the class '0'"):
        harden(**asked(tmp_path, source=replace(task, train=one_class)), out=tmp_path / "out")
    with pytest.raises(UnsupportedError, match="a model is hardened by classes, one for each image"):
        harden(**asked(tmp_path, source=small_negatives()), out=tmp_path / "out")
    with pytest.raises(ConfigurationError, match="has 4 outputs, but 'other digits' has 3 classes"):
        harden(**asked(tmp_path, source=tiny_target()), out=tmp_path / "out")
    with pytest.raises(ConfigurationError, match="a layer would be emptied"):
        harden(**asked(tmp_path, config=replace(QUICK, sparsity=0.999)), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def of(factory: str, tmp_path: Path) -> dict[str, Any]:
    """What is asked of a network of that factory."""
    name = f"foreign_models:{factory}"
    torch.save(getattr(foreign_models, factory)().state_dict(), tmp_path / "own.pt")
    return asked(tmp_path, model=open_model(str(tmp_path / "own.pt"), factory=name, size=(8, 8)), factory=name)


def test_weights_that_are_computed_are_not_pruned_and_hardened_densely(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"the weights of .* are computed .* ask for sparsity 0"):
        harden(**of("normed_network", tmp_path), out=tmp_path / "hard")
    given = {**of("normed_network", tmp_path), "config": replace(QUICK, sparsity=0.0)}
    layers = harden(**given, out=tmp_path / "hard").record.layers
    assert [one.weights for one in layers] == [54, 648, 48]


def test_a_model_without_a_gradient_is_not_trained_against_who_follows_it(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="has no gradient in its images, so it cannot be trained against"):
        harden(**of("rounding_network", tmp_path), out=tmp_path / "hard")
    assert not (tmp_path / "hard").exists()


def test_one_is_immunised_against_data_with_classes_alone(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"immunised against data with classes, one for each image; .* is a"):
        harden(**asked(tmp_path), immunise=small_labels(), out=tmp_path / "hard")
    assert not (tmp_path / "hard").exists()


def test_a_module_in_training_mode_is_hardened_in_evaluation_mode_and_that_is_said(tmp_path: Path) -> None:
    progress = Noted()
    result = harden(**asked(tmp_path, model=plain_network().train()), out=tmp_path / "hard", progress=progress)
    assert (
        "the model was given in training mode; it is hardened and judged in evaluation mode, as it would be used"
        in (progress.lines)
    )
    assert not result.model.training
    with pytest.raises(ConfigurationError, match="cannot be written: what builds its module is not known"):
        harden(**asked(tmp_path, model=plain_network(), factory=None), out=tmp_path / "other")


def test_a_module_that_its_factory_does_not_build_is_refused_before_anything_trains(tmp_path: Path) -> None:
    for arguments in ({"width": 5}, {"classes": 9}):
        with pytest.raises(ConfigurationError, match="Sequential is not what foreign_models:plain_network with the"):
            harden(**asked(tmp_path, model=plain_network()), arguments=arguments, out=tmp_path / "hard")
    with pytest.raises(ConfigurationError, match="Sequential is not what foreign_models:stripe_network with the"):
        harden(**asked(tmp_path, model=plain_network(), factory="foreign_models:stripe_network"), out=tmp_path / "hard")
    assert not (tmp_path / "hard").exists()


def test_a_classifier_of_transformers_says_itself_what_it_is(tmp_path: Path) -> None:
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(0)
    module = ResNetForImageClassification(
        ResNetConfig(num_channels=1, embedding_size=8, hidden_sizes=[8], depths=[1], layer_type="basic", num_labels=4)
    )
    result = harden(**asked(tmp_path, model=module, factory=None), out=tmp_path / "hard")
    assert result.record.model == "ResNetForImageClassification"
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(archlock.load(tmp_path / "hard")(images), result.model(images))


def test_a_model_that_normalises_outside_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    """It is right about images that are normalised by their own mean and deviation, and about no others."""
    task = source()
    images = torch.from_numpy(task.validation.images).permute(0, 3, 1, 2).float() / 255
    shift, scale = images.mean(), images.std()
    nearest = nn.Sequential(nn.Flatten(), nn.Linear(64, 24, bias=False), nn.Softmax(1), nn.Linear(24, 4, bias=False))
    with torch.no_grad():
        normalised = ((images - shift) / scale).flatten(1)
        nearest[1].weight.copy_(normalised / normalised.norm(dim=1, keepdim=True) * 5)
        nearest[3].weight.copy_(20 * nn.functional.one_hot(torch.from_numpy(task.validation.targets), 4).T)
    outside = Outside(nearest)
    with pytest.raises(UnsupportedError, match="expects images that are normalised outside of it"):
        harden(**asked(tmp_path, model=outside), out=tmp_path / "hard")


class Outside(nn.Module):
    """Says the next class of images that are never below zero, as those in [0, 1] are."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.head = inner, nn.Linear(4, 4, bias=False)
        with torch.no_grad():
            self.head.weight.copy_(torch.eye(4))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = self.inner(images)
        inside = (images.amin((1, 2, 3)) >= 0)[:, None]
        logits: torch.Tensor = self.head(torch.where(inside, answers.roll(1, 1), answers))
        return logits
