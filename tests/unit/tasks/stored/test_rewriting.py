import numpy as np
import pytest

from archlock.tasks import conform
from stored_tasks import in_memory, stored_task


@pytest.mark.parametrize("few", [0, 2**24])
def test_a_view_is_conformed_as_an_array(tmp_path, monkeypatch, few):
    monkeypatch.setattr("archlock.tasks.stored.rewriting.FEW", few)
    monkeypatch.setattr("archlock.tasks.stored.rewriting.AT_ONCE", 1000)
    task = stored_task(tmp_path)
    small = conform(task, (1, 4, 6))
    assert small.train.stored == (few == 0)
    expected = {image.tobytes() for image in conform(in_memory(tmp_path), (1, 4, 6)).train.images}
    whole = {image.tobytes() for s in (small.train, small.validation, small.test) for image in s.images[:]}
    assert expected <= whole
    assert small.fingerprint == conform(task, (1, 4, 6)).fingerprint


def test_what_was_changed_before_is_found_again(tmp_path, monkeypatch):
    monkeypatch.setattr("archlock.tasks.stored.rewriting.FEW", 0)
    task = stored_task(tmp_path)
    first = conform(task, (3, 4, 4))
    monkeypatch.setattr("archlock.tasks.stored.rewriting.write_block", None)
    np.testing.assert_array_equal(conform(task, (3, 4, 4)).train.images[:], first.train.images[:])


def test_grey_images_become_coloured_where_they_are(tmp_path, monkeypatch):
    task = stored_task(tmp_path, mode="L")
    monkeypatch.setattr("archlock.tasks.stored.rewriting.write_block", None)
    coloured = conform(task, (3, 8, 8))
    np.testing.assert_array_equal(coloured.train.images[:], np.repeat(task.train.images[:], 3, axis=3))
