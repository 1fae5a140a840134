"""Data reach a model at its own size, wherever they come from: 256-pixel JPEG files and models of 224 pixels.

The classes differ in stripes of four pixels alone. Read at 64 pixels and blown up to 224, they are one grey.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import archlock
from archlock.cli.app import main
from archlock.errors import ConfigurationError
from archlock.recipes import AttackConfig, image_framing, open_model
from archlock.recipes.attack.attacked import attacked_models, prepared_targets
from archlock.reports import AttackRecord, from_json
from archlock.tasks import Framing, image_folder, load_task, npz, open_task, save_task
from foreign_models import STRIPES, stripe_network, striped_images

PROBE = AttackConfig(attackers=("linear_probe",), fractions=(1.0,), seeds=1)
QUICK = ("--attacker", "linear_probe", "--attack-seeds", "1", "--fractions", "100", "--workers", "1", "--device", "cpu")


def folder_of(path: Path, side: int = 256) -> Path:
    for index, (file, label) in enumerate(zip(*striped_images(60, side=side), strict=True)):
        place = path / ("across", "along", "plain")[label]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index}.jpg").write_bytes(file)
    return path


def pack_of(path: Path) -> Path:
    files, labels = striped_images(60)
    ends = np.cumsum([0, *map(len, files)])
    np.savez(path / "pack.npz", jpeg_train=np.frombuffer(b"".join(files), np.uint8), off_train=ends, y_train=labels)
    return path / "pack.npz"


def data_set_of(path: Path) -> str:
    datasets = pytest.importorskip("datasets")
    files, labels = striped_images(60)
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["across", "along", "plain"])}
    )
    rows = {"image": [{"bytes": file, "path": None} for file in files], "label": labels}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(path / "set"))
    return f"hf:{path / 'set'}"


SOURCES = {"folder": folder_of, "pack": pack_of, "data set": data_set_of}


@pytest.mark.parametrize("kind", SOURCES)
def test_the_command_opens_data_at_the_size_of_the_model(tmp_path: Path, kind: str) -> None:
    (tmp_path / "data").mkdir()
    data, weights, out = SOURCES[kind](tmp_path / "data"), tmp_path / "best.pt", tmp_path / "run"
    torch.save(stripe_network().state_dict(), weights)
    words = ("attack", weights, "--module", STRIPES, "--size", "224", "--target", data, "--out", out, *QUICK, "--quiet")
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert not end.value.code
    record = from_json(out / "result.json")
    assert isinstance(record, AttackRecord)
    assert [o.test for o in record.outcomes] == [1.0], "every stripe is seen"
    assert not [limit for limit in record.limits if "enlarged" in limit or "size of images" in limit]


def test_so_does_python_and_refuses_what_was_read_smaller(tmp_path: Path) -> None:
    data, model = folder_of(tmp_path / "data"), open_model(stripe_network(), size=(224, 224))
    found = archlock.attack(model, [data], PROBE, out=tmp_path / "run", workers=1)
    assert [o.test for o in found.outcomes] == [1.0]
    small = image_folder(data)
    assert small.shape == (3, 64, 64)
    with pytest.raises(
        ConfigurationError,
        match=r"the images of 'data' were read at 64 x 64 pixels, and 224 x 224 are needed. The files are larger"
        r" .*open the data at the needed size, as in open_task\(path, image_size=224\)",
    ):
        archlock.attack(model, [small], PROBE, out=tmp_path / "other", workers=1)
    with pytest.raises(ConfigurationError, match="were read at 64 x 64"):
        archlock.attack(model, [load_task(save_task(small, tmp_path / "saved.npz"))], PROBE, out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_what_is_truly_smaller_is_enlarged_and_said_to_be(tmp_path: Path) -> None:
    model = open_model(stripe_network(), size=(64, 64))
    for number, data in enumerate((folder_of(tmp_path / "data", 32), image_folder(folder_of(tmp_path / "more", 32)))):
        found = archlock.attack(model, [data], PROBE, out=tmp_path / str(number), workers=1)
        (said,) = found.record.limits
        assert "are 32 pixels high or wide and were enlarged to 64 x 64" in said
        assert said in found.page.read_text().replace("&#39;", "'")


def test_a_model_of_unknown_size_gets_what_was_read_and_the_report_says_so(tmp_path: Path) -> None:
    found = archlock.attack(stripe_network(), [folder_of(tmp_path / "data")], PROBE, out=tmp_path / "run", workers=1)
    (said,) = found.record.limits
    assert (
        "Nobody said which size of images the model takes, so targets were taken as they were read: data at 64 x 64"
        in said
    )
    assert "(stored with 256)" in said
    assert (found.outcomes[0].test or 0) < 1, "the stripes are gone"


def test_a_folder_of_hugging_face_says_how_its_images_are_cut(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.ResNetConfig(embedding_size=4, hidden_sizes=[4], depths=[1], layer_type="basic", num_labels=3)
    transformers.ResNetForImageClassification(config).save_pretrained(tmp_path / "net")
    settings: dict[str, Any] = {
        "size": {"shortest_edge": 256},
        "crop_size": {"height": 224, "width": 224},
        "resample": 3,
        "image_processor_type": "BitImageProcessor",
    }
    (tmp_path / "net" / "preprocessor_config.json").write_text(json.dumps(settings))
    framing = Framing(224, 224, edge=256, resample="bicubic")
    assert image_framing(str(tmp_path / "net")) == framing
    data = folder_of(tmp_path / "data")
    cut = image_folder(data, image_size=framing)
    whole = npz(pack_of(tmp_path), seed=0)
    assert whole.shape == (3, 256, 256)
    models = attacked_models(tmp_path / "net", None)
    assert prepared_targets(models, [cut])["data"] is cut
    (prepared,) = prepared_targets(models, [whole]).values()
    assert np.array_equal(prepared.train.images[0], whole.train.images[0, 16:240, 16:240]), "not scaled, only cut"
    assert prepared.fingerprint == open_task(str(tmp_path / "pack.npz"), image_size=framing).fingerprint


def test_lock_opens_its_targets_at_the_size_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    class Enough(BaseException):
        """Not an error, which the command line would put in words."""

    def spy(source: Any, config: Any, *, known: Any, sealed: Any, **_: Any) -> None:
        seen.update(source=source, known=known, sealed=sealed)
        raise Enough

    monkeypatch.setattr("archlock.recipes.lock", spy)
    data, other = folder_of(tmp_path / "data"), folder_of(tmp_path / "other")
    words = (
        "lock",
        "--source",
        data,
        "--image-size",
        "96",
        "--target",
        other,
        "--audit",
        other,
        "--out",
        tmp_path / "run",
    )
    with pytest.raises(Enough):
        main([*map(str, words), "--quiet", "--device", "cpu"])
    assert seen["source"].shape == seen["known"][0].shape == (3, 96, 96)
    choice = archlock.tasks.Choice.now("nasbench201:000000", seen["source"], seed=0)
    assert seen["sealed"][0].open(choice).shape == (3, 96, 96)
