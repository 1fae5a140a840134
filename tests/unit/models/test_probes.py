import copy
import io
import json
import pickle
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from archlock.errors import ConfigurationError, UnknownNameError, UnsupportedError
from archlock.models import PROBES, Probe, open_probe
from archlock.models.probes import EMBEDDED_WEIGHTS
from shared_data import shared


def test_embedded_probe_is_small_and_always_there():
    probe = open_probe("embedded")
    network = probe.network()
    assert EMBEDDED_WEIGHTS.stat().st_size < 200_000
    assert sum(parameter.numel() for parameter in network.parameters()) < 80_000
    assert len(probe.layers) == 7
    assert probe.last == ("layer3.0.conv1", "layer3.0.conv2")
    assert network(probe.prepare(torch.rand(2, 3, 32, 32))).shape == (2, 64, 4, 4)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert open_probe("embedded").fingerprint == probe.fingerprint
    assert open_probe("embedded", size=64).fingerprint != probe.fingerprint
    assert tuple(PROBES) == ("embedded", "resnet20_cifar", "mobilenet_v2")


def test_a_network_is_a_copy_and_a_probe_travels():
    probe = open_probe("embedded")
    probe.network().conv1.weight.data.zero_()
    assert probe.template.conv1.weight.abs().sum() > 0
    assert pickle.loads(pickle.dumps(probe)).fingerprint == probe.fingerprint


def test_prepare_repeats_grey_scales_and_normalises():
    probe = open_probe("embedded")
    grey = probe.prepare(torch.full((2, 1, 28, 20), 0.75))
    assert grey.shape == (2, 3, 32, 32)
    torch.testing.assert_close(grey, torch.full((2, 3, 32, 32), 0.5))
    exact = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(probe.prepare(exact), exact * 2 - 1)
    with pytest.raises(UnsupportedError, match="grey or RGB images; these have 2 channels"):
        probe.prepare(torch.rand(1, 2, 32, 32))


def test_embedded_features_tell_real_classes_apart():
    from sklearn.linear_model import LogisticRegression

    with np.load(shared("images/mnist.npz")) as file:
        images, labels = torch.from_numpy(file["x_train"][:900, None] / np.float32(255)), file["y_train"][:900]
    probe = open_probe("embedded")
    torch.manual_seed(0)
    accuracy = []
    for network in (probe.network(), _untrained(probe, images)):
        with torch.no_grad():
            features = network(probe.prepare(images)).mean((2, 3)).double().numpy()
        features = (features - features.mean(0)) / (features.std(0) + 1e-9)
        fitted = LogisticRegression(C=0.1, max_iter=500).fit(features[:600], labels[:600])
        accuracy.append(fitted.score(features[600:], labels[600:]))
    assert accuracy[0] > 0.85
    assert accuracy[0] > accuracy[1] + 0.15


def _untrained(probe, images):
    """The same network with fresh weights; its normalisation is adapted to the images."""
    network = copy.deepcopy(probe.template)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.reset_parameters()
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network.train()(probe.prepare(images))
    return network.eval()


def test_resnet20_classifies_cifar10_as_its_authors_say():
    weights = shared("weights/resnet20_cifar10.safetensors")
    probe, state = open_probe("resnet20_cifar", weights=weights), load_file(weights)
    with np.load(shared("images/cifar10.npz")) as file:
        images, labels = torch.from_numpy(file["x_test"][:200]).permute(0, 3, 1, 2) / 255, file["y_test"][:200]
    with torch.no_grad():
        features = probe.network()(probe.prepare(images)).mean((2, 3))
    answers = (features @ state["linear.weight"].float().T + state["linear.bias"]).argmax(1).numpy()
    assert len(probe.layers) == 19
    assert (answers == labels).mean() > 0.87  # 91.7 % on the full test split


def test_mobilenet_classifies_imagenet():
    weights = shared("weights/mobilenet_v2_imagenet.safetensors")
    probe, state = open_probe("mobilenet_v2", weights=weights), load_file(weights)
    with np.load(shared("images/imagenet_sample128.npz")) as file:
        data, ends, labels = file["jpeg"], file["off"], file["y"]
    rows = np.arange(0, 1000, 25)
    pictures = [Image.open(io.BytesIO(data[ends[i] : ends[i + 1]].tobytes())).convert("RGB") for i in rows]
    images = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        features = probe.network()(probe.prepare(images)).mean((2, 3))
    answers = (features @ state["classifier.1.weight"].float().T + state["classifier.1.bias"]).argmax(1).numpy()
    assert probe.size == 128
    assert (answers == labels[rows]).mean() > 0.45  # 59 % on all 1000 at this size


def test_any_convolutional_model_of_transformers_is_a_probe(tmp_path):
    from transformers import ResNetConfig, ResNetModel, ViTConfig, ViTModel

    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    ResNetModel(config).save_pretrained(tmp_path / "resnet")
    settings = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "size": {"shortest_edge": 64}}
    (tmp_path / "resnet" / "preprocessor_config.json").write_text(json.dumps(settings))
    probe = open_probe(f"hf:{tmp_path}/resnet")
    assert (probe.size, probe.mean, probe.std) == (64, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert open_probe(f"hf:{tmp_path}/resnet", size=48).size == 48
    with torch.no_grad():
        maps = probe.network()(probe.prepare(torch.rand(2, 3, 30, 30)))
    assert maps.shape[:2] == (2, 16)
    vit = ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, image_size=16)
    ViTModel(vit).save_pretrained(tmp_path / "vit")
    (tmp_path / "vit" / "preprocessor_config.json").write_text(json.dumps({"size": 16}))
    with pytest.raises(UnsupportedError, match=r"features of shape \(1, 2, 8\), not maps"):
        open_probe(f"hf:{tmp_path}/vit")


def test_wrong_weights_are_told(tmp_path):
    with pytest.raises(ConfigurationError, match="'resnet20_cifar' needs its weights: give the path"):
        open_probe("resnet20_cifar")
    with pytest.raises(ConfigurationError, match=r"'embedded': no file .*nowhere\.safetensors"):
        open_probe("embedded", weights=tmp_path / "nowhere.safetensors")
    (tmp_path / "text.safetensors").write_text("not tensors")
    with pytest.raises(ConfigurationError, match=r"text\.safetensors is not a safetensors file"):
        open_probe("embedded", weights=tmp_path / "text.safetensors")
    with pytest.raises(ConfigurationError, match=r"missing \['layer1\.1\.bn1\.bias'"):
        open_probe("resnet20_cifar", weights=EMBEDDED_WEIGHTS)
    with pytest.raises(ConfigurationError, match=r"expected 260 tensors named features\.\* in .*, got 0"):
        open_probe("mobilenet_v2", weights=EMBEDDED_WEIGHTS)
    state = load_file(EMBEDDED_WEIGHTS)
    state["conv1.weight"] = torch.zeros(16, 3, 5, 5)
    save_file(state, tmp_path / "wide.safetensors")
    with pytest.raises(ConfigurationError, match=r"conv1.weight should have shape \(16, 3, 3, 3\); got .*5, 5\)"):
        open_probe("embedded", weights=tmp_path / "wide.safetensors")


def test_wrong_names_and_networks_are_told(tmp_path, monkeypatch):
    with pytest.raises(UnknownNameError, match="unknown probe 'resnet'; known: embedded, resnet20_cifar, mobilenet_v2"):
        open_probe("resnet")
    with pytest.raises(ConfigurationError, match="'hf:some/name' brings its own weights"):
        open_probe("hf:some/name", weights=EMBEDDED_WEIGHTS)
    with pytest.raises(UnsupportedError, match="probe 'flat' has no convolution layer"):
        Probe("flat", nn.Linear(3, 3), 8, (0.5,) * 3, (0.5,) * 3)
    with pytest.raises(ConfigurationError, match="probe 'none': size must be a positive number of pixels; got 0"):
        Probe("none", nn.Conv2d(3, 3, 1), 0, (0.5,) * 3, (0.5,) * 3)
    with pytest.raises(ConfigurationError, match=f"probe 'hf:{tmp_path}' cannot be loaded"):
        open_probe(f"hf:{tmp_path}")
    monkeypatch.setitem(sys.modules, "transformers", None)
    for name, weights in (("mobilenet_v2", EMBEDDED_WEIGHTS), ("hf:some/name", None)):
        with pytest.raises(ConfigurationError, match=r'pip install "archlock\[huggingface\]"'):
            open_probe(name, weights=weights)
