import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from archlock.errors import ConfigurationError, RunError
from archlock.models import open_classifier
from archlock.models.hugging_face import _preprocessing_of
from archlock.tasks import Framing

PIXELS = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.25, 0.125], "size": {"height": 16, "width": 24}}


def tiny_resnet(folder: Path, **settings: object) -> torch.nn.Module:
    """A residual network from its configuration, with random weights, saved as users save theirs."""
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(3)
    config = ResNetConfig(
        num_channels=3, embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=4
    )
    model = ResNetForImageClassification(config).eval()
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({**PIXELS, **settings}))
    return model


def test_images_are_normalised_as_the_folder_says(tmp_path: Path) -> None:
    body = tiny_resnet(tmp_path)
    model, shape = open_classifier(str(tmp_path))
    assert shape == (3, 16, 24)
    assert not model.training
    images = torch.rand(5, 3, 16, 24)
    mean, std = (np.array(PIXELS[key])[:, None, None] for key in ("image_mean", "image_std"))
    with torch.no_grad():
        expected = body(torch.tensor((images.numpy() - mean) / std, dtype=torch.float32)).logits
        assert torch.allclose(model(images), expected, atol=1e-5)


def test_the_processor_of_its_kind_stands_in_for_what_the_folder_does_not_say(tmp_path: Path) -> None:
    """``transformers`` opens a folder without a name of a processor with that of the model's type."""
    tiny_resnet(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": {"shortest_edge": 32}}))
    model, shape = open_classifier(str(tmp_path))
    assert shape == (3, 32, 32)
    assert model.framing == Framing(32, 32, edge=36, resample="bicubic")  # (ConvNeXt's share of 224 / 256)


def test_a_channel_flip_is_done(tmp_path: Path) -> None:
    body = tiny_resnet(tmp_path)
    settings = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    named = {"image_processor_type": "MobileViTImageProcessor", **settings}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(named))
    model, _ = open_classifier(str(tmp_path))
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(model(images), body(images.flip(1)).logits, atol=1e-5)


def test_a_timm_model_says_in_its_config_how_images_are_prepared() -> None:
    """Such a folder has no preprocessor_config.json; timm itself is needed only to build the network."""
    said = {"input_size": [3, 32, 32], "mean": [0.1] * 3, "std": [0.5] * 3, "crop_pct": 1.0, "interpolation": "bicubic"}
    found = _preprocessing_of("nowhere", "nowhere", SimpleNamespace(pretrained_cfg=said), 3)
    assert found.framing == Framing(32, 32, edge=32, resample="bicubic")


def test_a_folder_without_its_processor_or_weights_or_head_is_refused(tmp_path: Path) -> None:
    tiny_resnet(tmp_path / "bare")
    (tmp_path / "bare" / "preprocessor_config.json").unlink()
    with pytest.raises(RunError, match=r"bare has no preprocessor_config\.json"):
        open_classifier(str(tmp_path / "bare"))
    body = tiny_resnet(tmp_path / "headless")
    body.resnet.save_pretrained(tmp_path / "headless")
    with pytest.raises(RunError, match=r"headless lacks 2 weights of its ResNetForImageClassification, such as class"):
        open_classifier(str(tmp_path / "headless"))
    model = tiny_resnet(tmp_path / "pickled")
    (tmp_path / "pickled" / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pickled" / "pytorch_model.bin")
    with pytest.raises(RunError, match="pickled cannot be read as an image classifier in safetensors"):
        open_classifier(str(tmp_path / "pickled"))


def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path) -> None:
    tiny_resnet(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {
        "model_type": "theirs",
        "auto_map": {"AutoConfig": "theirs.C", "AutoModelForImageClassification": "theirs.M"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "theirs.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w').close()\n")
    with pytest.raises(RunError, match="cannot be read as an image classifier"):
        open_classifier(str(tmp_path))
    assert not (tmp_path / "trace").exists()


def test_a_name_that_is_not_in_the_cache_is_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(RunError, match="must be in the local cache, nothing is downloaded"):
        open_classifier("hf:nobody/has-this")


def test_without_transformers_the_install_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigurationError, match=r'pip install "archlock\[huggingface\]"'):
        open_classifier(str(tmp_path))
