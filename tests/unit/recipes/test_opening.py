from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError, RunError
from archlock.models import as_classifier, save_weights
from archlock.recipes import open_model
from archlock.recipes.export import Blueprint, build_blueprint, save_blueprint
from archlock.spaces import SPACES
from foreign_models import FACTORY, plain_network, vit_folder, weights_file
from tiny_runs import tiny_source


def released(folder: Path, *names: str) -> nn.Module:
    blueprint = Blueprint(SPACES["nasbench201"].architecture("314231"), tiny_source().signature, tuple("0123"), 4, 1)
    model = build_blueprint(blueprint, seed=5).eval()
    save_blueprint(blueprint, folder / "architecture.json")
    for name in names:
        save_weights(model, folder / name)
    return model


def same(one: nn.Module, other: nn.Module) -> bool:
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(torch.equal(v, states[1][k]) for k, v in states[0].items())


def test_a_folder_of_ours_says_what_it_is(tmp_path: Path) -> None:
    model = released(tmp_path, "weights.safetensors")
    for text in (tmp_path, tmp_path / "weights.safetensors"):
        opened = open_model(text)
        assert same(opened.module, model)
        assert opened.shape == (1, 8, 8)
        assert str(opened.blueprint and opened.blueprint.architecture) == "nasbench201:314231"
        assert "weights.safetensors, built from" in opened.origin


def test_of_several_files_the_locked_one_is_meant_and_else_none(tmp_path: Path) -> None:
    released(tmp_path, "locked.safetensors", "other.safetensors")
    assert "locked.safetensors" in open_model(tmp_path).origin
    (tmp_path / "locked.safetensors").rename(tmp_path / "third.safetensors")
    with pytest.raises(RunError, match=r"found other\.safetensors, third\.safetensors; name the file"):
        open_model(tmp_path)


def test_a_file_of_weights_and_what_builds_its_module(tmp_path: Path) -> None:
    path = weights_file(tmp_path / "best.pt", width=3)
    opened = open_model(path, factory=FACTORY, arguments={"width": 3}, size=(8, 10))
    assert same(opened.module, as_classifier(plain_network(width=3), (1, 8, 10)))
    assert opened.shape == (1, 8, 10)  # the first convolution takes one channel
    taken = "the part 'state_dict', without 'module.' in its names"
    assert (opened.name, opened.origin) == ("best", f"{path} ({taken}), built by {FACTORY}(width=3)")
    assert opened.notes == (f"of {path} was taken {taken}",)


def test_a_hugging_face_folder(tmp_path: Path) -> None:
    opened = open_model(vit_folder(tmp_path / "vit"))
    assert opened.shape == (3, 16, 16)
    assert opened.name == "vit"
    assert "ViTForImageClassification" in opened.origin
    with torch.no_grad():
        assert opened.module(torch.rand(2, 3, 16, 16)).shape == (2, 4)


def test_a_module_is_copied_and_left_alone() -> None:
    model = plain_network().half().train()
    opened = open_model(model)
    assert (opened.shape, opened.name) == (None, "Sequential")
    assert model.training
    assert not opened.module.training
    assert {p.dtype for p in model.parameters()} == {torch.float16}
    assert {p.dtype for p in opened.module.parameters()} == {torch.float32}
    assert open_model(model, size=(9, 7)).shape == (1, 9, 7)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, r"best\.pt holds weights, but not the network they belong to; name what builds it with --module"),
        ({"factory": FACTORY}, r"best\.pt does not say which images .* --size"),
        ({"factory": FACTORY, "channels": 3}, "--channels 3 needs the height and width too"),
        ({"factory": FACTORY, "size": (0, 8)}, "are at least 1; got "),
    ],
)
def test_a_file_that_does_not_say_enough_is_asked_about(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        open_model(weights_file(tmp_path / "best.pt"), **given)


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"0\.bias is \(6,\), should be \(5,\)"):
        open_model(weights_file(tmp_path / "best.pt"), factory=FACTORY, arguments={"width": 5}, size=(8, 8))


def test_what_says_itself_what_it_is_needs_no_factory_and_no_other_size(tmp_path: Path) -> None:
    released(tmp_path, "locked.safetensors")
    with pytest.raises(ConfigurationError, match="--module is for a file of weights; nasbench201:314231 already says"):
        open_model(tmp_path, factory=FACTORY)
    with pytest.raises(ConfigurationError, match=r"takes images of .* \(1, 8, 8\), not \(1, 16, 16\)"):
        open_model(tmp_path, size=(16, 16))


def test_what_names_no_model_lists_what_could(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no model 'nowhere': no such file or folder; expected a lock run"):
        open_model("nowhere")
    with pytest.raises(RunError, match=r"holds no model: it has neither result\.json .*nor config\.json"):
        open_model(tmp_path)


def test_half_precision_is_said_of_folders_files_and_modules(tmp_path: Path) -> None:
    from transformers import ViTForImageClassification

    folder = vit_folder(tmp_path / "vit")
    assert open_model(folder).notes == ()
    ViTForImageClassification.from_pretrained(folder).half().save_pretrained(folder)
    torch.save({"state_dict": plain_network().half().state_dict()}, tmp_path / "half.pt")
    file = open_model(tmp_path / "half.pt", factory=FACTORY, size=(8, 8))
    for opened in (open_model(folder), file, open_model(plain_network().half())):
        assert {value.dtype for value in opened.module.parameters()} == {torch.float32}
        assert any(note.startswith("the model was given in float16; it is used, and") for note in opened.notes)
