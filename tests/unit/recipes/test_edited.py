"""Edited networks on disk: written, read by another process without a pickle, and refused where something is amiss."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import archlock
from archlock.errors import ArchLockError, ConfigurationError, RunError
from archlock.models import build, reinitialised, save_weights
from archlock.recipes import open_model, release_with_friction
from archlock.recipes.edited import EDITED, WEIGHTS
from archlock.recipes.edited_base import BASE
from archlock.recipes.export import Blueprint, save_blueprint
from archlock.spaces import Architecture
from archlock.tasks import Signature
from foreign_models import FACTORY, plain_network, weights_file


def ours_folder(folder: Path) -> Path:
    """A network of ours with statistics of its own, as a lock run leaves it."""
    signature = Signature("classification", (1, 8, 8), 3, (0.3,), (0.4,))
    architecture = Architecture("nasbench201", "300321")
    network = build(architecture, signature, width=4, depth=1, seed=0)
    network.train()(torch.rand(64, 1, 8, 8))
    folder.mkdir()
    save_weights(network, folder / "locked.safetensors")
    save_blueprint(Blueprint(architecture, signature, ("a", "b", "c"), 4, 1), folder / "architecture.json")
    return folder


def resnet_folder(folder: Path) -> Path:
    """A residual network of Hugging Face for 16 x 16 RGB images."""
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(5)
    config = ResNetConfig(
        embedding_size=4, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic", num_labels=4,
        downsample_in_first_stage=True,
    )  # fmt: skip
    model = ResNetForImageClassification(config)
    model.train()(torch.rand(64, 3, 16, 16))
    model.eval().save_pretrained(folder)
    settings = {
        "image_processor_type": "ViTImageProcessor",
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.5, 0.25, 0.2],
        "size": {"height": 16, "width": 16},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def released(kind: str, tmp_path: Path) -> tuple[nn.Module, Path, dict[str, Any], tuple[int, int, int]]:
    """The original, the folder of its release, what opens it, and the shape of its images."""
    out, options = tmp_path / "release", dict[str, Any]()
    source: Path
    if kind == "ours":
        source, shape = ours_folder(tmp_path / "ours"), (1, 8, 8)
    elif kind == "factory":
        source, shape = weights_file(tmp_path / "best.pt", width=4), (1, 8, 8)
        options = {"factory": FACTORY, "arguments": {"width": 4}}
    else:
        source, shape = resnet_folder(tmp_path / "resnet"), (3, 16, 16)
    size = {"size": (8, 8)} if kind == "factory" else {}
    release_with_friction(source, out=out, **options, **size)
    return open_model(source, **options, **size).module, out, options, shape


@pytest.mark.parametrize("kind", ["ours", "factory", "transformers"])
def test_a_release_is_opened_again_and_answers_as_the_original(kind: str, tmp_path: Path) -> None:
    original, out, options, shape = released(kind, tmp_path)
    opened = open_model(out, **options)
    assert opened.shape == shape
    assert opened.edits
    images = torch.rand(16, *shape)
    with torch.no_grad():
        torch.testing.assert_close(opened.module(images), original(images), rtol=1e-4, atol=1e-5)
    left = [name for name, part in opened.module.named_modules() if isinstance(part, nn.BatchNorm2d)]
    assert left == (["tail.0.0"] if kind == "ours" else []), "it takes the sum of several layers"
    content = json.loads((out / EDITED).read_text())
    assert content["base"]["kind"] == ("archlock" if kind == "ours" else kind)
    assert {edit["edit"] for edit in content["edits"]} >= {"fold", "neck"}
    state = opened.module.state_dict()
    assert content["tensors"] == {name: list(value.shape) for name, value in state.items()}


@pytest.mark.parametrize("kind", ["ours", "factory", "transformers"])
def test_attackers_who_begin_from_scratch_find_nothing_left_of_the_training(kind: str, tmp_path: Path) -> None:
    _, out, options, _ = released(kind, tmp_path)
    module = open_model(out, **options).module
    fresh = dict(reinitialised(module, seed=1).named_parameters())
    with torch.no_grad():
        for value in module.parameters():
            value.fill_(7.0)
    assert not [name for name, value in reinitialised(module, seed=1).named_parameters() if (value == 7).any()]
    again = dict(reinitialised(module, seed=1).named_parameters())
    assert all(torch.equal(value, again[name]) for name, value in fresh.items()), "whatever the weights were"


def test_load_reads_a_release_of_ours_in_a_process_that_has_no_pickle(tmp_path: Path) -> None:
    original, out, _, shape = released("ours", tmp_path)
    images = torch.linspace(0, 1, 2 * 64).reshape(2, *shape)
    code = (
        "import archlock.recipes, pickle, torch, safetensors.torch, sklearn.linear_model\n"
        "def no(*a, **k): raise AssertionError('a pickle was read')\n"
        "pickle.load = pickle.loads = pickle.Unpickler = no\n"
        f"model = archlock.load({str(out)!r})\n"
        "with torch.no_grad(): print(model(torch.linspace(0, 1, 128).reshape(2, 1, 8, 8)).tolist())"
    )
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=places)
    with torch.no_grad():
        assert torch.equal(torch.tensor(json.loads(done.stdout)), archlock.load(out)(images))
        torch.testing.assert_close(torch.tensor(json.loads(done.stdout)), original(images), rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of a network of ours, for tests that only read it or a copy of it."""
    return released("ours", tmp_path_factory.mktemp("once"))[1]


@pytest.fixture(scope="module")
def library_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released("transformers", tmp_path_factory.mktemp("library"))[1]


@pytest.fixture
def out_of_ours(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "copy")


def changed(out: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((out / EDITED).read_text())
    change(content)
    (out / EDITED).write_text(json.dumps(content))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def rewritten(out: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Other tensors in the file, with the list and the hash of somebody who knows how."""
    state = load_file(out / WEIGHTS)
    change(state)
    save_file(state, out / WEIGHTS)
    digest = hashlib.sha256((out / WEIGHTS).read_bytes()).hexdigest()
    shapes = {name: list(value.shape) for name, value in state.items()}
    changed(out, lambda c: c.update(tensors=shapes, weights={"file": WEIGHTS, "sha256": digest}))


def base_of_width(out: Path, width: int) -> None:
    content = json.loads((out / BASE).read_text())
    (out / BASE).write_text(json.dumps({**content, "width": width}))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "format": (lambda out: changed(out, lambda c: c.update(format=2)), "has format 2, this version reads 1"),
    "no object": (lambda out: (out / EDITED).write_text("[]"), "has format 'list', this version reads 1"),
    "base": (lambda out: changed(out, lambda c: c.update(base={"kind": "pickle"})), "names no base that is known"),
    "edit": (lambda out: changed(out, lambda c: c["edits"].insert(0, {"edit": "melt"})), "the unknown edit 'melt'"),
    "field": (lambda out: changed(out, lambda c: c.update(run="rm")), "is damaged: the record has the unknown field"),
    "other edits": (
        lambda out: changed(out, lambda c: c["edits"].pop(0)),
        "lists a tensor 'stem.convolution.bias', which this",
    ),
    "place": (
        lambda out: changed(out, lambda c: c["edits"][0].update(layer="cells.99")),
        "does not fit the network that it names: .* expected a layer 'cells.99', found nothing there",
    ),
    "shapes": (
        lambda out: changed(out, lambda c: c["tensors"].popitem()),
        "holds other tensors than edited.json lists",
    ),
    "shape": (
        lambda out: changed(out, lambda c: c["tensors"].update({"head.weight": [3, 2]})),
        r"other tensors than edited.json lists \(1, such as 'head.weight': \(3, 3\) in the file, \(3, 2\) in the list",
    ),
    "extra key": (
        lambda out: rewritten(out, lambda state: state.update(extra=torch.zeros(2))),
        "does not fit .* the record lists a tensor 'extra', which this Network does not have",
    ),
    "missing key": (
        lambda out: rewritten(out, lambda state: state.pop("head.bias")),
        r"do not belong to this Network; 1 missing: head.bias \(3,\)",
    ),
    "other shape": (
        lambda out: rewritten(out, lambda state: state.update({"head.weight": torch.zeros(4, 3)})),
        r"lists 'head.weight' with the shape \(4, 3\); expected at most .* \(3, 3\)",
    ),
    "groups": (
        lambda out: changed(out, lambda c: c.update(groups={"head": 3})),
        "lists groups of 'head', which has none in the network",
    ),
    "narrowed by nothing": (
        lambda out: rewritten(out, lambda state: state.update({"head.weight": torch.zeros(2, 3)})),
        "lists 'head.weight' with another shape, and no edit that narrows anything",
    ),
    "nothing narrowed": (
        lambda out: changed(out, lambda c: c["edits"].append({"edit": "narrow", "group": "head", "kept": 1, "of": 2})),
        "edits narrow layers, and every tensor has the shape that it had",
    ),
    "more than all": (
        lambda out: changed(out, lambda c: c["edits"].append({"edit": "narrow", "group": "head", "kept": 3, "of": 2})),
        "keeps no number of units that there can be",
    ),
    "huge": (
        lambda out: changed(out, lambda c: c["tensors"].update({"head.weight": [10**6, 10**6]})),
        r"asks for 1e\+12 numbers, but edited.safetensors has \d+ bytes; nothing was allocated",
    ),
    "negative": (
        lambda out: changed(out, lambda c: c["tensors"].update({"head.weight": [-3, -3]})),
        "nothing was allocated",
    ),
    "huge base": (lambda out: base_of_width(out, 10**6), "asks for a network of more than 6.9e.10 numbers"),
    "deep base": (lambda out: base_of_width(out, 10**12), "its base has the number 1000000000000"),
    "tie": (
        lambda out: changed(out, lambda c: c.update(ties={"head.bias": "nowhere"})),
        "ties parameters to others that are not there: head.bias = nowhere",
    ),
    "answers": (
        lambda out: changed(out, lambda c: c["answers"][0].__setitem__(0, 99.0)),
        "answers otherwise than when it was written",
    ),
    "no answers": (lambda out: changed(out, lambda c: c.pop("answers")), "is damaged: answers is missing"),
    "empty answers": (lambda out: changed(out, lambda c: c.update(answers=[[], []])), "answers otherwise"),
    "one answer": (lambda out: changed(out, lambda c: c["answers"].pop()), "is damaged: answers are two lists"),
    "huge answers": (
        lambda out: changed(out, lambda c: c.update(answers=[[1e308] * 3] * 2)),
        "answers otherwise than when it was written",
    ),
    "ragged answers": (
        lambda out: changed(out, lambda c: c["answers"][0].pop()),
        "is damaged: answers are two lists of as many numbers",
    ),
    "huge images": (
        lambda out: changed(out, lambda c: c.update(shape=[3, 20000, 20000])),
        r"images of 3 x 20000 x 20000 \(channels, height, width\) are refused; .* nothing was allocated",
    ),
    "huge channels": (lambda out: changed(out, lambda c: c.update(shape=[10**9, 1, 1])), "at most 16,777,216 numbers"),
    "no images": (lambda out: changed(out, lambda c: c.update(shape=[1, -8, -8])), "images of 1 x -8 x -8"),
    "twice": (
        lambda out: (out / EDITED).write_text((out / EDITED).read_text().replace('"shape":', '"name": "x", "shape":')),
        "is damaged: it has 'name' twice",
    ),
    "no number": (
        lambda out: changed(out, lambda c: c["answers"][0].__setitem__(0, float("nan"))),
        "is damaged: NaN is no number of JSON",
    ),
    "no JSON": (lambda out: (out / EDITED).write_text("{"), "is damaged: it is no JSON file"),
    "weights": (
        lambda out: flip(out / WEIGHTS),
        r"is not the file that was written with edited.json \(another SHA-256",
    ),
    "no weights": (lambda out: (out / WEIGHTS).unlink(), "is missing; expected the weights of the edited network"),
    "elsewhere": (
        lambda out: changed(out, lambda c: c["weights"].update(file="../../secret.safetensors")),
        r"names '../../secret.safetensors' as its weights; expected a .safetensors file beside it",
    ),
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_folder_that_was_tampered_with_is_refused(damage: str, out_of_ours: Path) -> None:
    hurt, words = DAMAGE[damage]
    hurt(out_of_ours)
    with pytest.raises(RunError, match=words):
        open_model(out_of_ours)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, f"was made of a module of {FACTORY} with the arguments {{'width': 4}}; that is code, so name it again"),
        ({"factory": FACTORY}, "with the arguments {'width': 4}; got foreign_models:plain_network with the argum"),
        ({"factory": "json:loads", "arguments": {"width": 4}}, "got json:loads with the arguments {'width': 4}"),
    ],
)
def test_code_runs_only_if_the_user_names_it_again(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    _, out, _, _ = released("factory", tmp_path)
    with pytest.raises(ConfigurationError) as said:
        open_model(out, **options)
    assert words in str(said.value)


def test_a_factory_for_what_needs_none_is_refused(made_once: Path) -> None:
    with pytest.raises(ConfigurationError, match="says itself what it is built from; leave out --module"):
        open_model(made_once, factory=FACTORY)


def test_a_configuration_that_is_no_classifier_is_refused(tmp_path: Path) -> None:
    _, out, _, _ = released("transformers", tmp_path)
    changed(out, lambda c: c["base"]["config"].update(model_type="evil"))
    with pytest.raises(RunError, match="the library lists none of the type 'evil'"):
        open_model(out)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda base: base.update({"class": "Evil"}),
            "the class 'Evil', but its configuration is of ResNetForImageCla",
        ),
        (lambda base: base["config"].update(hidden_sizes=[4, 2000000]), "asks for a network of more than 6.9e.10 num"),
        (lambda base: base["config"].update(depths=[1, 9000]), "asks for a network of more than 20000 modules"),
        (lambda base: base["config"].update(depths=[1, 10**12]), "its base has the number 1000000000000"),
        (lambda base: base["config"].update(hidden_sizes=[8, 10]), "expected at most that of the network"),
    ],
)
def test_a_base_of_the_library_that_was_changed_is_refused(
    change: Callable[[dict[str, Any]], object], words: str, library_release: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(library_release, tmp_path / "copy")
    changed(out, lambda content: change(content["base"]))
    with pytest.raises(RunError, match=words):
        open_model(out)


def test_a_network_of_the_library_without_heads_is_refused(library_release: Path, tmp_path: Path) -> None:
    out = shutil.copytree(library_release, tmp_path / "copy")
    changed(out, lambda content: content.update(heads=[]))
    with pytest.raises(RunError, match="is damaged: it names no heads"):
        open_model(out)


@pytest.mark.parametrize("kind", ["module", "again"])
def test_what_nothing_on_disk_describes_is_not_written(kind: str, made_once: Path, tmp_path: Path) -> None:
    model = open_model(plain_network() if kind == "module" else made_once, size=(8, 8) if kind == "module" else None)
    words = "what builds its module is not known" if kind == "module" else "has friction already; give the model"
    with pytest.raises(ArchLockError, match=words):
        release_with_friction(model, out=tmp_path / "other")
    assert not (tmp_path / "other").exists()
