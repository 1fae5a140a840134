import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from archlock.errors import ArchLockError, RunError
from archlock.models import load_weights, save_weights
from archlock.recipes.export import (
    Blueprint,
    build_blueprint,
    export_onnx,
    load,
    load_blueprint,
    save_blueprint,
    weights_fingerprint,
)
from archlock.spaces import SPACES
from archlock.tasks import Signature

SIGNATURE = Signature("classification", (1, 8, 8), 3, (0.31,), (0.37,))


def blueprint(space: str = "nasbench201", code: str = "314231") -> Blueprint:
    return Blueprint(SPACES[space].architecture(code), SIGNATURE, ("zero", "one", "two"), 4, 1)


def released(folder: Path, *, seed: int = 5) -> torch.nn.Module:
    model = build_blueprint(blueprint(), seed=seed).eval()
    save_blueprint(blueprint(), folder / "architecture.json")
    save_weights(model, folder / "locked.safetensors")
    return model


@pytest.mark.parametrize(
    ("space", "code"), [("nasbench201", "314231"), ("transnas101_micro", "313230"), ("transnas101_macro", "1243")]
)
def test_a_blueprint_is_read_as_it_was_written(tmp_path: Path, space: str, code: str) -> None:
    there = blueprint(space, code)
    assert load_blueprint(save_blueprint(there, tmp_path / "architecture.json")) == there


def test_a_loaded_model_answers_as_the_saved_one(tmp_path: Path) -> None:
    model = released(tmp_path)
    again = load(tmp_path)
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(model(images), again(images))
    assert not again.training
    assert weights_fingerprint(again) == weights_fingerprint(model)
    assert weights_fingerprint(build_blueprint(blueprint(), seed=6)) != weights_fingerprint(model)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "has format 2, this version reads 1"),
        ({"format": None}, "has format None"),
        ({"signature": None}, "does not describe an architecture: TypeError"),
        ({"classes": 3}, "does not describe an architecture: TypeError"),
        ({"architecture": {"space": "nasbench201"}}, "does not describe an architecture: KeyError 'code'"),
        ({"architecture": {"space": "elsewhere", "code": "0"}}, "unknown space 'elsewhere'; known: nasbench201"),
        ({"architecture": {"space": "nasbench201", "code": "999999"}}, "999999"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    path = save_blueprint(blueprint(), tmp_path / "architecture.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ArchLockError) as caught:
        load_blueprint(path)
    assert words in str(caught.value)


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"architecture\.json is missing"):
        load(tmp_path)
    save_blueprint(blueprint(), tmp_path / "architecture.json")
    with pytest.raises(RunError, match=r"locked\.safetensors is missing"):
        load(tmp_path)


def test_half_a_file_of_weights_is_refused(tmp_path: Path) -> None:
    released(tmp_path)
    path = tmp_path / "locked.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"locked\.safetensors does not hold the weights of this network"):
        load(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    released(tmp_path)
    other = build_blueprint(blueprint(code="333333"))
    save_weights(other, tmp_path / "locked.safetensors")
    with pytest.raises(RunError, match="does not hold the weights of this network"):
        load_weights(build_blueprint(blueprint()), tmp_path / "locked.safetensors")


class _Bomb:
    """What a hostile pickle does when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_that_poses_as_weights_is_refused_and_not_run(tmp_path: Path) -> None:
    released(tmp_path)
    sign = tmp_path / "executed"
    for content in (pickle.dumps(_Bomb(sign)), b"\x80\x02" + pickle.dumps(_Bomb(sign))):
        (tmp_path / "locked.safetensors").write_bytes(content)
        with pytest.raises(RunError, match="does not hold the weights of this network"):
            load(tmp_path)
        assert not sign.exists()
    pickle.loads(pickle.dumps(_Bomb(sign)))
    assert sign.exists()  # it would have gone off


def test_onnx_answers_as_torch_for_any_number_of_images(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    model = build_blueprint(blueprint(), seed=1).eval()
    path = export_onnx(model, SIGNATURE.shape, tmp_path / "model.onnx")
    loud = [record.message for record in caplog.records if record.levelname not in ("DEBUG", "INFO")]
    assert (*capfd.readouterr(), *loud) == ("", "")  # the exporter has much to say that no owner of data needs
    there = ReferenceEvaluator(str(path))
    for examples in (1, 3):
        images = torch.rand(examples, *SIGNATURE.shape)
        with torch.no_grad():
            expected = model(images).numpy()
        (found,) = there.run(None, {"images": images.numpy()})
        assert found.shape == (examples, 3)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
