import shutil
from collections import Counter

import pytest

from archlock.errors import TaskError
from archlock.tasks import image_folder
from archlock.tasks.sources.passed_over import on_passed_over, passed_over_as
from folders import write_folder

HEIC = b"\x00\x00\x00\x18ftypheic" + bytes(200)


@pytest.mark.parametrize("ending", ["heic", "HEIF", "avif", "jp2", "dcm", "nef", "svg", "raw", "nii", "parquet", "zip"])
def test_kinds_that_are_not_read_are_known_by_their_endings(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    path.touch()
    assert passed_over_as(path) == f".{ending.lower()}"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("scan", bytes(128) + b"DICM", "DICOM named without an ending"),
        ("IMG_1", b"\xff\xd8\xff\xe0", "JPEG named without an ending"),
        ("a.png_1", b"\x89PNG\r\n\x1a\n", "PNG named .png_1"),
        ("a.dat", HEIC, "HEIC named .dat"),
        ("notes.txt", b"I am a text about JPEG", None),
        ("Thumbs.db", b"junk", None),
        ("empty", b"", None),
    ],
)
def test_other_files_are_known_by_how_they_begin(tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content)
    assert passed_over_as(tmp_path / name) == kind


def test_what_was_passed_over_is_counted_and_the_class_that_loses_is_named(tmp_path, caplog):
    write_folder(tmp_path, {"cat": 15, "dog": 5})
    for number in range(10):
        (tmp_path / "dog" / f"{number}.HEIC").write_bytes(HEIC)
    shutil.copy(tmp_path / "cat" / "0.png", tmp_path / "cat" / "copy")
    (tmp_path / "cat" / "labels.txt").write_text("cat")
    task = image_folder(tmp_path)
    said = (
        "11 files were passed over, of kinds that are not read (10 .heic, 1 PNG named without an ending); "
        "class 'dog' loses 10 of 15: convert to PNG or JPEG"
    )
    assert task.remarks == (said,)
    assert task.origin == f"image folder {tmp_path.name} (20 images in 2 classes); {said}"
    assert caplog.messages == [f"{tmp_path}: {said}"]


def test_a_class_without_images_that_can_be_read_says_what_it_has(tmp_path):
    write_folder(tmp_path, {"cat": 5, "dog": 5})
    (tmp_path / "owl").mkdir()
    (tmp_path / "owl" / "a.dcm").touch()
    with pytest.raises(TaskError, match=r"owl holds no images that can be read, but 1 \.dcm; convert them to PNG"):
        image_folder(tmp_path)
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "a.parquet").touch()
    with pytest.raises(TaskError, match=r"flat holds no images, and 1 \.parquet, which are not read; put the images"):
        image_folder(tmp_path / "flat")


def test_few_files_of_a_class_are_counted_without_its_name():
    assert on_passed_over({}, {"a": 5}, ["a"]) == ""
    said = on_passed_over({"a": Counter({".svg": 1})}, {"a": 99, "b": 9}, ["a", "b"])
    assert said.startswith("1 file was passed over, of kinds that are not read (1 .svg): convert")


def test_the_class_that_loses_most_bad_files_is_named(tmp_path):
    write_folder(tmp_path, {"a": 5, "b": 5})
    for number in range(5):
        (tmp_path / "b" / f"bad{number}.png").write_bytes(b"no image")
    task = image_folder(tmp_path, skip_bad=True)
    assert task.remarks == (
        "left out 5 unreadable images: b/bad0.png, b/bad1.png, b/bad2.png, b/bad3.png, b/bad4.png; class 'b' loses 5 "
        "of 10",
    )
