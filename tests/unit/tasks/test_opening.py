import numpy as np
import pytest

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks import check_task, digits, image_folder, load_task, npz, open_task, open_tasks, save_task
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


def test_a_folder_called_digits_is_not_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits" / "reference").mkdir(parents=True)  # a run, for example
    assert open_task("digits").fingerprint == digits().fingerprint
    write_folder(tmp_path / "digits", {"ant": 4, "bee": 4, "reference": 4})
    for ask in (open_task, check_task):
        with pytest.raises(
            ConfigurationError, match=r"there is a folder of that name .*; write \./digits for .* sklearn:digits"
        ):
            ask("digits")
    assert open_task("./digits").classes == ("ant", "bee", "reference")
    assert open_task("sklearn:digits").fingerprint == digits().fingerprint
    assert open_task("sklearn:digits?name=mine").name == "mine"


def test_a_data_set_of_hugging_face_says_what_to_write(tmp_path):
    (tmp_path / "dataset_dict.json").write_text("{}")
    with pytest.raises(TaskError, match=r"is a Hugging Face data set on disk; write hf:"):
        open_task(str(tmp_path))


def test_the_ending_of_an_archive_may_be_in_capitals(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=digits().test.images, y_train=digits().test.targets % 2)
    (tmp_path / "a.npz").rename(tmp_path / "a.NPZ")
    assert open_task(str(tmp_path / "a.NPZ")).classes == ("0", "1")


def test_several_tasks_have_names_of_their_own(tmp_path):
    for name in ("a", "b"):
        write_folder(tmp_path / name / "photos", {"cat": 3 + len(name), "dog": 5})
    tasks = open_tasks([str(tmp_path / name / "photos") for name in ("a", "b")], image_size=8)
    assert [task.name for task in tasks] == ["a-photos", "b-photos"]
    assert tasks[0].fingerprint == image_folder(tmp_path / "a" / "photos", image_size=8).fingerprint


def test_remarks_stay_with_a_task_on_disk(tmp_path):
    write_folder(tmp_path / "x", {"a": 5, "b": 5})
    (tmp_path / "x" / "a" / "1.heic").touch()
    task = open_task(str(tmp_path / "x"))
    saved = load_task(save_task(task, tmp_path / "saved.npz"))
    assert (saved.remarks, saved.origin) == (task.remarks, task.origin)
    assert len(saved.remarks) == 1


@pytest.mark.parametrize("kind", ["folder", "archive", "unknown"])
def test_what_is_wrong_by_names_and_shapes_is_said_without_reading(tmp_path, kind, monkeypatch):
    monkeypatch.setattr("archlock.tasks.opening.image_folder", None)
    monkeypatch.setattr("archlock.tasks.opening.npz", None)
    if kind == "folder":
        check_task(str(write_folder(tmp_path / "good", {"a": 3, "b": 3})))
        write_folder(tmp_path / "bad" / "x", {"a": 3, "b": 3})
        write_folder(tmp_path / "bad" / "y", {"a": 3, "b": 3})
        with pytest.raises(TaskError, match="x and y all hold the folders a and b"):
            check_task(str(tmp_path / "bad"))
    elif kind == "archive":
        path, labels = tmp_path / "a.npz", np.arange(9) % 3
        np.savez(path, x_train=np.zeros((9, 8, 8, 3), np.uint8), y_train=labels)
        check_task(str(path))
        np.savez(path, x_train=np.zeros((9, 3, 8, 8), np.uint8), y_train=labels)
        check_task(f"{path}?layout=NCHW")
        with pytest.raises(TaskError, match="looks like N x C x H x W"):
            check_task(str(path))
    else:
        with pytest.raises(ConfigurationError, match=r"no task '.*nowhere': no such file"):
            check_task(str(tmp_path / "nowhere"))
