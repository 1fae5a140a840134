"""Edits of models: listed, made, written, read by another process without a pickle, and refused with reasons."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.models import Drop, Narrow, opened, reinitialised, with_new_head
from archlock.recipes import EditedModel, OpenedModel, edit, list_edits, open_model
from archlock.recipes.edited import EDITED, made_up_images
from archlock.tasks import Split, Task
from edited_branches import WithBranches
from edited_families import FAMILIES, Tied

READER = """
import json, sys
import archlock, archlock.recipes, pickle, torch, safetensors.torch, sklearn.linear_model
from transformers import ConvNextForImageClassification, MobileNetV2ForImageClassification, ViTForImageClassification
class Poisoned:
    def __getattr__(self, name): raise AssertionError(f"pickle.{name} was used")
def no(*_, **__): raise AssertionError("a pickle was read or written")
pickle.load = pickle.loads = pickle.dump = pickle.dumps = pickle.Unpickler = pickle.Pickler = no
sys.modules["pickle"] = Poisoned()
from archlock.recipes.edited import made_up_images
for folder, shape, options in json.loads(sys.argv[1]):
    if options:
        model = archlock.open_model(folder, **options).module
    else:
        model = archlock.load(folder)
    with torch.no_grad():
        print(json.dumps(model(made_up_images(tuple(shape))).tolist()))
"""


def made(family: str, tmp_path: Path) -> tuple[OpenedModel, EditedModel, dict[str, Any]]:
    """A model of a family with half of the units of every group and without its first block; how to open it again."""
    kind = FAMILIES[family]
    whole = open_model(kind.write(tmp_path / family), **kind.opening)
    again = {key: value for key, value in kind.opening.items() if key != "size"}
    record = list_edits(whole).record
    small = edit(
        whole,
        out=tmp_path / f"{family}-small",
        narrow={group.name: 0.5 for group in record.groups},
        drop=[block.name for block in record.blocks[:1]],
        **again,
    )
    return whole, small, again


def test_five_families_answer_the_same_bits_in_a_process_without_a_pickle(tmp_path: Path) -> None:
    asked, wanted = [], []
    for family in ("ours", "shortcuts", "mobilenet_v2", "vit", "convnext"):
        kind = FAMILIES[family]
        _, small, again = made(family, tmp_path)
        asked.append((str(small.path), kind.shape, again))
        with torch.no_grad():
            wanted.append(small.model(made_up_images(kind.shape)))
        assert small.parameters[1] < 0.6 * small.parameters[0]
        assert small.parameters[1] == sum(value.numel() for value in small.model.parameters())
        narrow = [one for one in small.edits if isinstance(one, Narrow)]
        assert all(one.kept == round(one.of / 2) for one in narrow)
        assert any(isinstance(one, Drop) for one in small.edits) == (family != "ours")
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", READER, json.dumps(asked)], capture_output=True, text=True, check=False, env=places
    )
    assert done.returncode == 0, done.stderr
    for line, logits in zip(done.stdout.splitlines(), wanted, strict=True):
        assert torch.equal(torch.tensor(json.loads(line)), logits)


def test_an_edited_model_is_edited_again_and_its_history_is_kept(tmp_path: Path) -> None:
    _, first, _ = made("ours", tmp_path)
    found = list_edits(first.path)
    group = found.record.groups[0]
    second = edit(first.path, out=tmp_path / "again", narrow={group.name: 1})
    again = open_model(second.path)
    assert again.edits == (*first.edits, Narrow(found.structure.groups[0].name, 1, group.units))
    assert f"{len(again.edits)} x narrow" in again.origin
    assert open_model(first.path).shape == (3, 16, 16)


@pytest.mark.parametrize("family", ["ours", "vit"])
def test_attackers_begin_anew_and_put_new_heads_on_what_was_narrowed(family: str, tmp_path: Path) -> None:
    _, small, _ = made(family, tmp_path)
    module = open_model(small.path).module
    with torch.no_grad():
        for value in module.parameters():
            value.fill_(7.0)
    fresh = reinitialised(module, seed=1)
    assert not [name for name, value in fresh.named_parameters() if (value == 7).any()]
    task = images(4)
    again = with_new_head(open_model(small.path).module, task.signature, seed=0)
    assert again(torch.rand(2, 3, 16, 16)).shape == (2, 4)
    if family == "ours":
        wider = opened(again, torch.rand(2, 3, 16, 16), seed=0)
        torch.testing.assert_close(wider.eval()(made_up_images((3, 16, 16))), again.eval()(made_up_images((3, 16, 16))))


def images(classes: int) -> Task:
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (24, 16, 16, 3), dtype=np.uint8), np.arange(24) % classes)
    names = tuple(f"class {one}" for one in range(classes))
    return Task("photos", "classification", names, split, split, split, "made here")


def test_influence_is_what_hangs_on_a_unit(tmp_path: Path) -> None:
    whole = open_model(FAMILIES["vit"].write(tmp_path / "vit"))
    record = list_edits(whole, source=images(2)).record
    assert (record.source, record.images) == ("photos", 24)
    assert all(group.influence is not None and group.influence > 0 for group in record.groups)
    assert all(block.influence is not None and 0 < block.influence < 1 for block in record.blocks)
    silent = list_edits(whole).structure.groups[1]
    with torch.no_grad():
        for axis in silent.axes:
            if axis.tensor.endswith(("q_proj.weight", "v_proj.weight", "v_proj.bias")):
                whole.module.get_parameter(axis.tensor).zero_()
    record = list_edits(whole, source=images(2)).record
    assert record.groups[1].name.endswith("layers.0.attention.q_proj")
    assert record.groups[1].influence < 1e-4 * record.groups[3].influence
    with pytest.raises(ConfigurationError, match="has 2 outputs, but 'photos' has 3 classes"):
        list_edits(whole, source=images(3))


def test_layers_that_do_not_reach_the_answer_have_no_influence() -> None:
    found = list_edits(WithBranches(), source=images(2))
    assert {group.name: group.influence == 0 for group in found.record.groups} == {
        "first": False,
        "idle": True,
        "beside": True,
    }


def test_shared_weights_are_shared_again_and_buffers_without_a_place_in_state_dicts_are_there(tmp_path: Path) -> None:
    torch.save(Tied().state_dict(), tmp_path / "tied.pt")
    factory = "edited_families:Tied"
    small = edit(
        tmp_path / "tied.pt", out=tmp_path / "small", narrow={"first": 4}, factory=factory, arguments={}, size=(8, 8)
    )
    content = json.loads((small.path / EDITED).read_text())
    assert content["ties"] == {"body.model.other.weight": "body.model.one.weight"}
    model = open_model(small.path, factory=factory, arguments={}).module
    assert model.body.model.other.weight is model.body.model.one.weight
    assert model.body.model.shift.shape == (4,)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FAMILIES["ours"].write(tmp_path_factory.mktemp("edits") / "ours")


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({}, ConfigurationError, "nothing is asked for"),
        ({"narrow": {"stem": 2}}, UnsupportedError, "no group 'stem' that can go; it has stem.convolution"),
        (
            {"narrow": {"stem.convolution": 0}},
            UnsupportedError,
            "0 of the 4 units of 'stem.convolution' cannot be kept",
        ),
        (
            {"narrow": {"stem.convolution": 0.1}},
            UnsupportedError,
            "0.1 of the 4 units .* a share below 1 that leaves at",
        ),
        ({"narrow": {"stem.convolution": float("nan")}}, ConfigurationError, "nan of the 4 units .* is no number of"),
        ({"narrow": {"stem.convolution": float("inf")}}, ConfigurationError, "inf of the 4 units .* is no number of"),
        ({"narrow": {"stem.convolution": 9}}, UnsupportedError, "give a whole number from 1 to 4"),
        ({"drop": ["tail"]}, UnsupportedError, "no block 'tail' that can go; it has none"),
    ],
)
def test_what_cannot_be_made_is_refused(
    asked: dict[str, Any], error: type[Exception], words: str, ours: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        edit(ours, out=tmp_path / "out", **asked)
    assert not (tmp_path / "out").exists()


def test_a_directory_with_something_in_it_is_left_alone(ours: Path) -> None:
    with pytest.raises(RunError, match="is not empty; give a new or an empty directory"):
        edit(ours, out=ours, narrow={"stem.convolution": 2})


def test_a_network_without_groups_says_why_layer_by_layer() -> None:
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    with pytest.raises(UnsupportedError, match="no channels of Sequential can be removed: head: it makes the answer"):
        edit(open_model(flat, size=(8, 8), channels=3), out="nowhere", narrow={"1": 1}, factory="torch.nn:Linear")
    assert not Path("nowhere").exists()


def test_a_model_that_says_no_size_is_asked_for_one() -> None:
    with pytest.raises(ConfigurationError, match="does not say which images it takes; give --size"):
        list_edits(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)))


def test_the_file_holds_what_was_done(tmp_path: Path) -> None:
    _, small, _ = made("mobilenet_v2", tmp_path)
    content = json.loads((small.path / EDITED).read_text())
    assert content["base"]["class"] == "MobileNetV2ForImageClassification"
    assert content["edits"][-1] == {"edit": "drop", "block": small.edits[-1].block, "members": 0}
    assert len(content["answers"]) == 2
    assert content["tensors"].keys() >= dict(small.model.named_parameters()).keys()
