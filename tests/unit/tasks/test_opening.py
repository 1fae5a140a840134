import numpy as np
import pytest

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks import digits, image_folder, npz, open_task, save_task
from archlock.testing.tasks import example_source
from folders import write_folder
from shared_data import shared


def test_digits():
    assert open_task("digits", seed=4).fingerprint == digits(seed=4).fingerprint
    assert open_task("digits", image_size=12).shape == (1, 12, 12)


def test_a_folder_with_everything_passed_on(tmp_path):
    write_folder(tmp_path, {"a": 5, "b": 5})
    (tmp_path / "a" / "bad.png").write_bytes(b"no image")
    calls = []
    task = open_task(str(tmp_path), image_size=9, skip_bad=True, seed=2, progress=lambda *step: calls.append(step))
    assert task.fingerprint == image_folder(tmp_path, image_size=9, skip_bad=True, seed=2).fingerprint
    assert task.skipped == ("a/bad.png",)
    assert calls[-1] == (11, 11)


def test_archives_of_both_kinds(tmp_path):
    task = example_source((1, 8, 8))
    saved = save_task(task, tmp_path / "saved.npz")
    assert open_task(str(saved)).fingerprint == task.fingerprint
    np.savez(tmp_path / "plain.npz", x_train=task.train.images, y_train=task.train.targets)
    assert open_task(str(tmp_path / "plain.npz"), seed=1).fingerprint == npz(tmp_path / "plain.npz", seed=1).fingerprint
    assert open_task(str(tmp_path / "plain.npz"), image_size=5).shape == (1, 5, 5)


def test_a_real_archive():
    task = open_task(str(shared("images/omniglot.npz")))
    assert (task.name, task.shape, len(task.train), len(task.validation), len(task.test)) == (
        ("omniglot", (1, 28, 28), 3099, 773, 968)
    )


@pytest.mark.parametrize("text", ["", "digitz", "no/such/folder", "~nobody/here"])
def test_texts_that_name_nothing_list_the_forms(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"digits \| a folder of images \| a \.npz file \| hf:name"):
        open_task(text)


def test_files_of_another_kind(tmp_path):
    (tmp_path / "data.csv").write_text("1,2")
    with pytest.raises(TaskError, match=r"data\.csv is neither a folder nor a \.npz file; expected digits"):
        open_task(str(tmp_path / "data.csv"))
    with pytest.raises(TaskError, match=r"lost\.npz does not exist"):
        open_task(str(tmp_path / "lost.npz"))


@pytest.mark.parametrize("size", [0, -3, 5000])
def test_sizes_that_make_no_sense(size):
    with pytest.raises(ConfigurationError, match=f"image size {size} is not possible; expected a side of 1 to 1024"):
        open_task("digits", image_size=size)
