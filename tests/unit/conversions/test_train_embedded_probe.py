import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from archlock.models.probes import EMBEDDED_WEIGHTS, open_probe


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).resolve().parents[3] / "conversions" / "train_embedded_probe.py"
    specification = importlib.util.spec_from_file_location("train_embedded_probe", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_pictures_are_images_with_labels_that_they_show(script):
    one, two = (script.draw(200, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(one.images, two.images)
    assert one.images.shape == (200, 3, 32, 32)
    assert one.images.min() >= 0
    assert one.images.max() <= 1
    assert one.kinds.min() == 0
    assert (one.kinds.max(0) == [len(script.FILLED) + len(script.STROKES) - 1, *[len(script.TEXTURES) - 1] * 2]).all()
    assert np.isfinite(one.numbers).all()


def test_training_is_deterministic_and_fits_the_file(script, tmp_path, monkeypatch, capsys):
    threads = torch.get_num_threads()
    files = [tmp_path / "one.safetensors", tmp_path / "two.safetensors"]
    with torch.random.fork_rng():
        for file in files:
            monkeypatch.setattr("sys.argv", ["train", "--output", str(file), "--steps", "3", "--batch", "16"])
            script.main()
    torch.set_num_threads(threads)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size == EMBEDDED_WEIGHTS.stat().st_size
    assert open_probe("embedded", weights=files[0]).fingerprint != open_probe("embedded").fingerprint
