import resource
import shutil
import signal
from collections import namedtuple

import numpy as np
import pytest

import second_process
from archlock.errors import TaskError, WriteError
from archlock.tasks import image_folder
from archlock.tasks.sources import storing
from folders import write_folder, write_image
from stored_tasks import SIZE, cache_in, in_memory

BLOCK = 16 * SIZE * SIZE * 3
"""Sixteen images."""


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr(storing, "AT_ONCE", BLOCK)
    return write_folder(tmp_path / "photos", {"ant": 40, "bee": 30}, size=(12, 10))


def opened(photos, told=None, *, workers=1, **options):
    cache = cache_in(photos.parent, workers)
    progress = None if told is None else lambda done, count: told.append((done, count))
    return image_folder(photos, image_size=SIZE, cache=cache, progress=progress, **options)


def test_it_is_decoded_once_with_progress(photos):
    told: list[tuple[int, int]] = []
    first = opened(photos, told)
    assert told == [(done, 70) for done in (0, 16, 32, 48, 64, 70)]
    told.clear()
    assert opened(photos, told).fingerprint == first.fingerprint
    assert told == []
    assert first.remarks[-1].endswith("more than is held in memory: they are decoded once, into a cache on disk")


def test_several_processes_make_the_same(photos, tmp_path):
    first = opened(photos)
    shutil.rmtree(tmp_path / "cache")
    assert opened(photos, workers=2).fingerprint == first.fingerprint


def test_what_was_killed_goes_on(photos, tmp_path):
    code = """
import os, signal
from pathlib import Path
from archlock.tasks import Cache, image_folder
from archlock.tasks.sources import storing
storing.AT_ONCE = int(sys.argv[2])
def told(done, count):
    if done >= 32:
        os.kill(os.getpid(), signal.SIGKILL)
image_folder(Path(sys.argv[1]) / "photos", image_size=8, cache=Cache(Path(sys.argv[1]) / "cache", 0, 1), progress=told)
"""
    process = second_process.start(code, tmp_path, BLOCK)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    told: list[tuple[int, int]] = []
    task = opened(photos, told)
    assert told[0] == (32, 70)
    shutil.rmtree(tmp_path / "cache")
    assert opened(photos).fingerprint == task.fingerprint


def test_a_full_disk_is_said_and_what_is_finished_is_kept(photos, monkeypatch):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    told: list[tuple[int, int]] = []
    whole = storing.write_block

    def until_full(folder, key, *others, **more):
        if len(told) == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        return whole(folder, key, *others, **more)

    monkeypatch.setattr(storing, "write_block", until_full)
    try:
        with pytest.raises(
            WriteError, match=r"there is no room .*run the same command again; what is finished is kept"
        ):
            opened(photos, told)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    monkeypatch.setattr(storing, "write_block", whole)
    assert not list(photos.parent.joinpath("cache").rglob(".*"))
    told.clear()
    opened(photos, told)
    assert told[0] == (32, 70)


def test_a_changed_folder_is_noticed(photos):
    first, told = opened(photos), []
    write_image(photos / "bee" / "29.png", size=(12, 10), rng=np.random.default_rng(7))
    second = opened(photos, told)
    assert told == [(54, 70), (70, 70)]  # the block of the file, and no other
    assert second.fingerprint != first.fingerprint
    expected = sorted(image.tobytes() for image in in_memory(photos.parent).train.images)
    shown = [image.tobytes() for split in (second.train, second.validation, second.test) for image in split.images[:]]
    assert set(expected) <= set(shown)


def test_a_cache_of_other_files_or_another_size_is_not_used(photos, tmp_path):
    opened(photos)
    told: list[tuple[int, int]] = []
    other = write_folder(tmp_path / "others" / "photos", {"ant": 40, "bee": 31}, size=(12, 10))
    cache = cache_in(tmp_path)
    task = image_folder(other, image_size=SIZE, cache=cache, progress=lambda done, count: told.append((done, count)))
    assert told[0] == (0, 71)
    assert sum(map(len, (task.train, task.validation, task.test))) == 71
    told.clear()
    image_folder(photos, image_size=4, cache=cache, progress=lambda done, count: told.append((done, count)))
    assert told[0] == (0, 70)


def test_an_image_that_cannot_be_read_is_found_late_and_named(photos):
    (photos / "bee" / "9.png").write_bytes(b"\x89PNG\r\n torn")
    with pytest.raises(TaskError, match=r"1 of 70 images cannot be used: .*bee/9\.png .*--skip-bad"):
        opened(photos)
    told: list[tuple[int, int]] = []
    task = opened(photos, told, skip_bad=True)
    assert told == []  # it is all there
    assert task.skipped == ("bee/9.png",)
    assert any("left out 1 unreadable image: bee/9.png; class 'bee' loses 1 of 30" in said for said in task.remarks)
    write_image(photos / "bee" / "9.png", size=(12, 10))
    assert opened(photos, told).skipped == ()
    assert told[0] == (64, 70)


def test_all_images_unreadable(photos):
    for file in photos.rglob("*.png"):
        file.write_bytes(b"nothing")
    with pytest.raises(TaskError, match="70 of 70 images cannot be used"):
        opened(photos, skip_bad=True)


@pytest.fixture
def no_room(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40, 2**20))


def test_without_room_images_are_decoded_when_they_are_looked_at(photos, tmp_path, no_room, monkeypatch):
    task = opened(photos)
    assert task.train.images.decodes
    assert not list((tmp_path / "cache").rglob("*.u8"))
    assert "for which there is no room in the cache on disk: they are decoded whenever they are looked" in task.origin
    assert opened(photos).fingerprint == task.fingerprint
    monkeypatch.undo()
    monkeypatch.setattr(storing, "AT_ONCE", BLOCK)
    kept = opened(photos)
    assert not kept.train.images.decodes
    assert kept.fingerprint == task.fingerprint
    np.testing.assert_array_equal(kept.train.images[:], task.train.images[:])


def test_a_file_that_changes_under_a_run_is_named(photos, no_room):
    task = opened(photos)
    for file in photos.rglob("*.png"):
        write_image(file, size=(12, 10), rng=np.random.default_rng(3))
    with pytest.raises(TaskError, match=r"\.png was changed since it was first read; run the same command again"):
        task.train.images[:5]
    for file in photos.rglob("*.png"):
        file.unlink()
    with pytest.raises(TaskError, match=r"\.png could be read before, and now it cannot .*restore it"):
        task.train.images[:5]


def test_another_process_is_waited_for(photos, caplog):
    opened(photos)
    (index,) = (photos.parent / "cache" / "sets").glob("*.json")
    index.unlink()
    code = """
import time
from pathlib import Path
from archlock.tasks.sources.storing import _alone
with _alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(1.5)
"""
    process = second_process.start(code, index)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    opened(photos)
    assert "another process is decoding the same images; waiting for it" in caplog.text
    process.communicate(timeout=60)


def test_a_file_that_changes_while_it_is_decoded_is_named(photos, monkeypatch):
    whole = storing.write_block

    def meanwhile(*given, **more):
        write_image(photos / "ant" / "0.png", size=(13, 10))
        return whole(*given, **more)

    monkeypatch.setattr(storing, "write_block", meanwhile)
    with pytest.raises(
        TaskError, match=r"ant/0\.png was changed while the 70 images were decoded; run the same command"
    ):
        opened(photos)
